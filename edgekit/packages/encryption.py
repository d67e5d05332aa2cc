"""Payloads that only some devices can read: draft-ietf-suit-firmware-encryption, with AES-KW and AES-CTR.

    96([h'', {1: A128CTR, 5: iv}, null, [[h'', {1: A128KW}, wrapped key], …]])    (COSE_Encrypt, RFC 9052)

Each package is encrypted under a key of its own, which is drawn here and travels wrapped, once for each of
the keys that devices share with whoever builds packages. AES-CTR hides and protects against nothing: what may
run is decided by the digests in the signed manifest, of the payload as it travels and of the image that comes
out of it.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.safe_files import read_private_file

KEY, BLOCK, WRAPPED = 16, 16, 24  # bytes
RECIPIENTS = 4  # at most: a device keeps them all in memory
START = bytes.fromhex("d8608440a20139fffd0550")  # 96([h'', {1: -65534, 5: …, as encryption.c has it
RECIPIENT = bytes.fromhex("8340a101225818")  # [h'', {1: -3}, …


def encrypt(payload: bytes, keks) -> tuple[bytes, bytes]:
    """(The payload, encrypted; the COSE_Encrypt that says how), for devices with one of these 16-byte keys.

    Raises EdgekitError for none, too many, one that is there twice or is no such key.
    """
    if not 1 <= len(keks) <= RECIPIENTS or len(set(keks)) < len(keks):
        raise EdgekitError(
            f"a package is encrypted for 1 to {RECIPIENTS} different keys, not {len(keks)}"
        )
    cek, iv = os.urandom(KEY), os.urandom(BLOCK)  # never used for another payload
    wrapped = [keywrap.aes_key_wrap(_key(kek), cek) for kek in keks]
    return _ctr(cek, iv, payload), info(iv, wrapped)


def info(iv: bytes, wrapped: list[bytes]) -> bytes:
    """The COSE_Encrypt of a payload that stands outside of it."""
    head = START + iv + b"\xf6" + bytes([0x80 + len(wrapped)])
    return head + b"".join(RECIPIENT + key for key in wrapped)


def size(recipients: int) -> int:
    """Bytes of an `info` for so many."""
    return len(START) + BLOCK + 2 + recipients * (len(RECIPIENT) + WRAPPED)


def parsed(data: bytes) -> tuple[bytes, list[bytes]]:
    """The inverse of `info`. Raises EdgekitError for anything else, another order or length included."""
    at = len(START) + BLOCK
    iv, count = data[len(START) : at], data[at + 1 : at + 2]
    each = len(RECIPIENT) + WRAPPED
    keys = [data[i + len(RECIPIENT) : i + each] for i in range(at + 2, len(data), each)]
    if not 1 <= len(keys) <= RECIPIENTS or count != bytes([0x80 + len(keys)]):
        raise EdgekitError("the encryption of the payload is none that a device knows")
    if len(keys[-1]) != WRAPPED or info(iv, keys) != data:
        raise EdgekitError("the encryption of the payload is none that a device knows")
    return iv, keys


def decrypt(payload: bytes, how: bytes, kek: bytes) -> bytes:
    """What a device with this key reads. Raises EdgekitError if it was encrypted for others."""
    iv, wrapped = parsed(how)
    for one in wrapped:
        try:
            return _ctr(keywrap.aes_key_unwrap(_key(kek), one), iv, payload)
        except keywrap.InvalidUnwrap:
            continue
    raise EdgekitError("encrypted under a key that this device does not have")


def file_kek(path: Path | str, make: bool = False) -> bytes:
    """The key in `path`, 32 hexadecimal digits; `make`: drawn and written first if there is no such file.

    Whoever reads the file reads the packages: it belongs to where they are built. Raises EdgekitError for a
    file that is not there, that others may read, or that holds anything else.
    """
    path = Path(path)
    if make and not path.exists():
        atomic_write_bytes(path, f"{os.urandom(KEY).hex()}\n".encode(), 0o600)
    try:
        text = read_private_file(path)
    except OSError as error:
        raise EdgekitError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return _key(bytes.fromhex(text.decode("ascii")))
    except (ValueError, EdgekitError):
        raise EdgekitError(f"{path}: not a device's key, which is 32 hexadecimal digits") from None


def _key(kek: bytes) -> bytes:
    if not isinstance(kek, bytes) or len(kek) != KEY:
        raise EdgekitError(f"a device's key for packages has {KEY} bytes")
    return kek


def _ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(data)
