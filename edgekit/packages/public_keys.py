"""The half of a key that devices hold, and what a signer must be able to do.

The other half lies in a file (`keys`), a token (`pkcs11`), or behind whatever else is a `Signer`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from edgekit.core.errors import EdgekitError
from edgekit.packages import signature_checks

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

        What `signature_checks` does not take is none, as on a device.
        """
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            if self.algorithm == "EdDSA":
                if not signature_checks.ed25519_point(
                    self.raw
                ) or not signature_checks.ed25519_signature(signature):
                    return False
                ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
            else:
                if not signature_checks.es256_signature(signature):
                    return False
                r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
                key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)
                key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


def raw_key(key: PublicKey) -> bytes:
    """A public key as `struct key` holds it: 32 bytes, or x and y without the 4 before them."""
    return key.raw[1:] if key.algorithm == "ES256" else key.raw


class Signer(Protocol):
    """Anything that signs: a file, a token, a cloud service."""

    @property
    def public(self) -> PublicKey: ...

    @property
    def workshop(self) -> bool:
        """Whether it is a workshop's key, which may sign for the vendor that everybody is by default."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes: r||s for ES256, s in its lower half; the Ed25519 signature for EdDSA."""
        ...


def public_key(key: PublicKeyTypes) -> PublicKey:
    """A `cryptography` public key as a device stores it.

    Raises EdgekitError for other kinds, and for one that everybody can sign for.
    """
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        if not signature_checks.ed25519_point(raw):
            raise EdgekitError("a key of small order is no key: anybody can sign for it")
        return PublicKey("EdDSA", raw)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = serialization.PublicFormat.UncompressedPoint
        return PublicKey("ES256", key.public_bytes(serialization.Encoding.X962, point))
    raise EdgekitError("only Ed25519 and P-256 keys sign packages")
