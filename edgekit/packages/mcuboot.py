"""The whole program as an MCUboot image: for when the generated code changes, not only its constants.

A model alone travels as a SUIT package. When its structure changes the program does, and what replaces
programs on many boards is MCUboot. Its image is made by its own `imgtool`, and signed by the same key, which
may sit in a token: imgtool says what is to be signed, the signer signs, imgtool puts the signature in.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.programs import SAID
from edgekit.packages.public_keys import PublicKey, Signer


def mcuboot_image(
    program: bytes,
    signer: Signer,
    *,
    version: str,
    slot_bytes: int,
    header_bytes: int = 512,
    align: int = 8,
    counter: int = 0,
) -> bytes:
    """`program` (what lies in flash, without its header) as a signed MCUboot image.

    `version` as "1.2.3"; `slot_bytes` of the board's image slot, `header_bytes` what its linker script keeps
    free at the front, `align` the flash's write unit; `counter` the security counter (0: none).
    Raises EdgekitError, in one line, for what imgtool refuses.
    """
    if find_spec("imgtool") is None:
        raise missing("MCUboot images need", "imgtool")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.bin").write_bytes(program)
        (folder / "public.pem").write_bytes(pem(signer.public))
        how = ["--header-size", hex(header_bytes), "--pad-header", "--align", str(align)]
        how += ["--slot-size", hex(slot_bytes), "--version", version]
        how += ["--security-counter", str(counter)] if counter else []
        # ES256 hashes what it signs; MCUboot's Ed25519 signs the SHA-256 that it makes anyway
        vector = "payload" if signer.public.algorithm == "ES256" else "digest"
        _run(folder, "sign", *how, "--vector-to-sign", vector, "program.bin", "message.bin")
        signature = signer.sign((folder / "message.bin").read_bytes())
        if signer.public.algorithm == "ES256":
            signature = der(signature)
        (folder / "signature.txt").write_bytes(base64.b64encode(signature))
        how += ["--fix-sig", "signature.txt", "--fix-sig-pubkey", "public.pem"]
        _run(folder, "sign", *how, "program.bin", "image.bin")
        return (folder / "image.bin").read_bytes()


def check_mcuboot(image: bytes, key: PublicKey) -> str:
    """What `imgtool verify` says of an image. Raises EdgekitError if it is not signed by `key`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "public.pem").write_bytes(pem(key))
        (folder / "image.bin").write_bytes(image)
        return _run(folder, "verify", "--key", "public.pem", "image.bin")


def pem(key: PublicKey) -> bytes:
    """A public key as other tools read it."""
    loaded: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey
    if key.algorithm == "EdDSA":
        loaded = ed25519.Ed25519PublicKey.from_public_bytes(key.raw)
    else:
        loaded = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
    return loaded.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def der(signature: bytes) -> bytes:
    """r||s as most tools want an ES256 signature."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    return encode_dss_signature(r, s)


def _run(folder: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from imgtool.main import imgtool; imgtool()", *words]
    done = subprocess.run(command, cwd=folder, timeout=120, **SAID)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise EdgekitError(f"imgtool refused: {said[-1] if said else 'without a reason'}")
    return done.stdout.strip()
