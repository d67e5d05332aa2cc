"""Who signs. A signer holds a private key and gives away signatures, never the key."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from edgekit.core import escape
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.safe_files import read_private_file
from edgekit.packages import pkcs8, signature_checks, verifiers
from edgekit.packages.pkcs11 import token_key
from edgekit.packages.public_keys import ALGORITHMS, PublicKey, Signer, public_key

PASSPHRASE = (
    "EDGEKIT_KEY_PASSPHRASE"  # the environment's variable; on the command line others would read it
)
PASSPHRASE_LEAST = 12  # characters
WORKSHOP_KEY = "workshop.pem"  # a key file of this name claims nothing:
WORKSHOP_PASSPHRASE = "workshop"  # everybody knows its passphrase


class FileSigner:
    """A private key in memory, read from an encrypted PEM file. For workshops: whoever copies the file and
    learns the passphrase signs as you do."""

    def __init__(self, private, workshop: bool = True):
        self._private = private
        self.public: PublicKey = public_key(private.public_key())
        self.workshop = workshop

    def sign(self, message: bytes) -> bytes:
        if self.public.algorithm == "EdDSA":
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(hashes.SHA256())))
        return signature_checks.low_s(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def file_key(path: Path | str, passphrase: str, algorithm: str = "EdDSA") -> FileSigner:
    """The key in `path`, made there first if the file is not. Warns that no hardware guards it.

    Raises EdgekitError for a wrong passphrase, or one that is too short for a new key unless the file is
    called workshop.pem; for a file that others may read, is not encrypted or holds no such key, one of
    another algorithm included.
    """
    path = Path(path)
    if not passphrase:
        raise EdgekitError(f"a key file needs a passphrase; set {PASSPHRASE}")
    if algorithm not in ALGORITHMS:
        raise EdgekitError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
    if not path.exists():
        if path.name != WORKSHOP_KEY:
            _long_enough(passphrase)
        _make(path, passphrase, algorithm)
    signer = _open(path, passphrase)
    if signer.public.algorithm != algorithm:
        raise EdgekitError(
            f"{path} holds a key for {signer.public.algorithm}, not {algorithm}: name another file"
        )
    return signer


def run_key(directory: Path, signature: str = "") -> Signer:
    """Who signs for a run: the key in a token that EDGEKIT_KEY names, else one in a file of the run.

    The file is encrypted, its passphrase is EDGEKIT_KEY_PASSPHRASE, or "workshop". It is for the algorithm of
    `signature`, a design's way to check one; EdDSA if that says nothing.
    """
    if token := os.environ.get("EDGEKIT_KEY", ""):
        return open_key(token)
    algorithm = verifiers.named(signature or "EdDSA").algorithm
    folder = Path(directory) / "keys" / ("" if algorithm == "EdDSA" else algorithm)
    path = folder / WORKSHOP_KEY
    return file_key(path, os.environ.get(PASSPHRASE, WORKSHOP_PASSPHRASE), algorithm)


def open_key(where: str) -> Signer:
    """The signer at `where`: behind a PKCS#11 URI, or in a key file whose passphrase is in
    EDGEKIT_KEY_PASSPHRASE (that of a file called workshop.pem is "workshop" if nothing else is said).

    Raises EdgekitError, in one line, if there is none; a file is not made here.
    """
    if where.startswith("pkcs11:"):
        return token_key(where)
    path = Path(where)
    if not path.is_file():
        raise EdgekitError(f"{path}: no key there; `edgekit ota key {path}` makes one")
    return _open(path, os.environ.get(PASSPHRASE, WORKSHOP_PASSPHRASE if _workshop(path) else ""))


def _open(path: Path, passphrase: str) -> FileSigner:
    # what everybody can open needs no guard (and some file systems know no modes)
    data = path.read_bytes() if passphrase == WORKSHOP_PASSPHRASE else read_private_file(path)
    warnings.warn(f"{path.name}: a key in a file is NOT hardware-secured", stacklevel=3)
    if b"PRIVATE KEY" in data and b"ENCRYPTED" not in data:
        raise EdgekitError(f"{path} is a private key that is not encrypted: {_again(path)}")
    if not passphrase:
        raise EdgekitError(f"{path} needs its passphrase; set {PASSPHRASE}")
    try:
        private = serialization.load_pem_private_key(data, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise EdgekitError(f"{path} cannot be opened: wrong passphrase, or not a key") from None
    rounds = pkcs8.rounds(data)
    weak = [f"{rounds:,} rounds of PBKDF2 only"] if 0 < rounds < pkcs8.ROUNDS else []
    weak += [] if len(passphrase) >= PASSPHRASE_LEAST else ["a short passphrase"]
    if weak and not _workshop(path):
        warnings.warn(f"{path.name} is soon guessed, it has {' and '.join(weak)}", stacklevel=3)
    return FileSigner(private, _workshop(path))


def _make(path: Path, passphrase: str, algorithm: str) -> None:
    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    pem = pkcs8.encrypted(private, passphrase.encode())
    atomic_write_bytes(path, pem, 0o600)


def _long_enough(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_LEAST:
        raise EdgekitError(
            f"{PASSPHRASE} has {len(passphrase)} characters, {PASSPHRASE_LEAST} are the least for a key "
            "outside of a workshop: take four or five words"
        )
    if len(set(passphrase)) < PASSPHRASE_LEAST // 2:
        raise EdgekitError(f"{PASSPHRASE} repeats {len(set(passphrase))} characters: take words")


def _workshop(path: Path) -> bool:
    return path.name == WORKSHOP_KEY


def _again(path: Path) -> str:
    new = path.with_suffix(".new.pem")
    return (
        f"openssl pkcs8 -topk8 -v2 aes-256-cbc -iter {pkcs8.ROUNDS} -in {escape.shell(path)} "
        f"-out {escape.shell(new)}"
    )
