"""Who signs. A signer holds a private key and gives away signatures, never the key."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from edgekit.errors import EdgekitError
from edgekit.ota import points
from edgekit.whole import whole

ALGORITHMS = ("EdDSA", "ES256")  # names of RFC 9053; both make 64-byte signatures
SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class PublicKey:
    """What a device holds: the algorithm, the raw key and its id (first 8 bytes of its SHA-256)."""

    algorithm: str
    raw: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True if `signature` (64 bytes, raw) over `message` was made by this key's owner.

        What `points` does not take is none, as on a device.
        """
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            if self.algorithm == "EdDSA":
                if not points.ed25519_point(self.raw) or not points.ed25519_signature(signature):
                    return False
                key = ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
                key.verify(signature, message)
            else:
                if not points.es256_signature(signature):
                    return False
                r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
                key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)
                key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer(Protocol):
    """Anything that signs: a file, a token, a cloud service."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes: r||s for ES256, s in its lower half; the Ed25519 signature for EdDSA."""
        ...


class FileSigner:
    """A private key read from an encrypted PEM file. For workshops: whoever copies the file and
    learns the passphrase signs as you do."""

    def __init__(self, private):
        self._private = private
        self.public = public_key(private.public_key())

    def sign(self, message: bytes) -> bytes:
        if self.public.algorithm == "EdDSA":
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return points.low_s(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def file_key(path: Path | str, passphrase: str, algorithm: str = "EdDSA") -> FileSigner:
    """The key in `path`, made there first if the file is not. Warns that no hardware guards it.

    Raises EdgekitError for a wrong passphrase, an empty one, or a file that holds no such key, one of
    another algorithm included.
    """
    path = Path(path)
    if not passphrase:
        raise EdgekitError("a key file needs a passphrase; set EDGEKIT_KEY_PASSPHRASE")
    if algorithm not in ALGORITHMS:
        raise EdgekitError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
    if not path.exists():
        _make(path, passphrase, algorithm)
    signer = _open(path, passphrase)
    if signer.public.algorithm != algorithm:
        raise EdgekitError(
            f"{path} holds a key for {signer.public.algorithm}, not {algorithm}: name another file"
        )
    return signer


def run_key(directory: Path) -> Signer:
    """Who signs for a run: the key in a token that EDGEKIT_KEY names, else one in a file of the run.

    The file is encrypted, its passphrase is EDGEKIT_KEY_PASSPHRASE, or "workshop".
    """
    if token := os.environ.get("EDGEKIT_KEY", ""):
        return open_key(token)
    passphrase = os.environ.get("EDGEKIT_KEY_PASSPHRASE", "workshop")
    return file_key(Path(directory) / "keys" / "workshop.pem", passphrase)


def _open(path: Path, passphrase: str) -> FileSigner:
    warnings.warn(f"{path.name}: a key in a file is NOT hardware-secured", stacklevel=3)
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except (ValueError, TypeError):
        raise EdgekitError(f"{path} cannot be opened: wrong passphrase, or not a key") from None
    return FileSigner(private)


def open_key(where: str) -> Signer:
    """The signer behind a PKCS#11 URI, or in a key file whose passphrase is in EDGEKIT_KEY_PASSPHRASE.

    Raises EdgekitError, in one line, if there is none; a file is not made here.
    """
    if where.startswith("pkcs11:"):
        from edgekit.ota.pkcs11 import token_key

        return token_key(where)
    path = Path(where)
    if not path.is_file():
        raise EdgekitError(f"{path}: no key there; `edgekit ota key {path}` makes one")
    return _open(path, os.environ.get("EDGEKIT_KEY_PASSPHRASE", ""))


def _make(path: Path, passphrase: str, algorithm: str) -> None:
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    with (
        whole(path) as half,
        open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f,
    ):
        f.write(pem)


def public_key(key) -> PublicKey:
    """A `cryptography` public key as a device stores it.

    Raises EdgekitError for other kinds, and for one that everybody can sign for.
    """
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if not points.ed25519_point(raw):
            raise EdgekitError("a key of small order is no key: anybody can sign for it")
        return PublicKey("EdDSA", raw)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = serialization.PublicFormat.UncompressedPoint
        return PublicKey("ES256", key.public_bytes(serialization.Encoding.X962, point))
    raise EdgekitError("only Ed25519 and P-256 keys sign packages")
