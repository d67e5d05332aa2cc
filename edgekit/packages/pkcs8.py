"""A private key in a file, encrypted so that guessing its passphrase is slow: PKCS#8 by PBES2 (RFC 8018).

`cryptography` writes such files with 2,048 rounds; a graphics card tries millions of those a second. The
file is an ordinary one: OpenSSL and `cryptography` read it. PBKDF2 and not scrypt, because OpenSSL's limit of
memory keeps it from reading scrypt at the strength that would be advised.
"""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

ROUNDS = 600_000  # of PBKDF2 with HMAC-SHA-256: OWASP, Password Storage Cheat Sheet
INTEGER, OCTETS, NULL, OBJECT, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30  # tags of DER (X.690)
PBES2 = bytes.fromhex("2a864886f70d01050d")  # object identifiers: 1.2.840.113549.1.5.13
PBKDF2 = bytes.fromhex("2a864886f70d01050c")  # 1.2.840.113549.1.5.12
HMAC_SHA256 = bytes.fromhex("2a864886f70d0209")  # 1.2.840.113549.2.9
AES256_CBC = bytes.fromhex("60864801650304012a")  # 2.16.840.1.101.3.4.1.42


def encrypted(private, passphrase: bytes) -> bytes:
    """`private`, a key of `cryptography`, as the PEM text of an encrypted file."""
    plain = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    salt, iv = os.urandom(16), os.urandom(16)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, ROUNDS).derive(passphrase)
    pad, cipher = (
        padding.PKCS7(128).padder(),
        Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor(),
    )
    sealed = cipher.update(pad.update(plain) + pad.finalize()) + cipher.finalize()
    hashed = _der(SEQUENCE, _der(OBJECT, HMAC_SHA256), _der(NULL))
    derived = _der(SEQUENCE, _der(OCTETS, salt), _der(INTEGER, _whole(ROUNDS)), hashed)
    scheme = _der(
        SEQUENCE,
        _der(SEQUENCE, _der(OBJECT, PBKDF2), derived),
        _der(SEQUENCE, _der(OBJECT, AES256_CBC), _der(OCTETS, iv)),
    )
    head = _der(SEQUENCE, _der(OBJECT, PBES2), scheme)
    text = base64.b64encode(_der(SEQUENCE, head, _der(OCTETS, sealed))).decode()
    lines = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", *textwrap.wrap(text, 64)]
    return "\n".join([*lines, "-----END ENCRYPTED PRIVATE KEY-----", ""]).encode()


def rounds(pem: bytes) -> int:
    """How many rounds of PBKDF2 guard a PEM file; 0 if it is another way of encrypting."""
    body = b"".join(line for line in pem.splitlines() if not line.startswith(b"-"))
    try:
        _, found, rest = base64.b64decode(body).partition(_der(OBJECT, PBKDF2))
        salt = rest[3]  # behind SEQUENCE, its size, OCTETS: how many bytes of salt
        size = rest[4 + salt + 1]
        return int.from_bytes(rest[4 + salt + 2 : 4 + salt + 2 + size], "big") if found else 0
    except (ValueError, IndexError):
        return 0


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes([len(body)])
    if len(body) > 127:
        size = _whole(len(body)).lstrip(b"\0")
        size = bytes([0x80 | len(size)]) + size
    return bytes([tag]) + size + body


def _whole(number: int) -> bytes:
    """As DER's INTEGER: the shortest that is not taken for a negative one."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
