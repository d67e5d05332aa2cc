"""What an attacker would try first, and what the device answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit.ota.keys import FileSigner, Signer
from edgekit.ota.package import Device, PackageError, build, verify


def attack(package: bytes, signer: Signer, device: Device) -> pd.DataFrame:
    """Try each attack on an accepted package; one row each: attack, tries, refused, answer.

    `refused` is True if every try was; `answer` is the refusal of the last one.
    """
    rows = []
    for name, tries in _attacks(package, signer, device):
        answers = [_answer(data, signer, to) for data, to in tries()]
        rows.append(
            {
                "attack": name,
                "tries": len(answers),
                "refused": all(answers),
                "answer": answers[-1] or "ACCEPTED",
            }
        )
    return pd.DataFrame(rows)


def _answer(data: bytes, signer: Signer, device: Device) -> str:
    try:
        verify(data, [signer.public], device)
    except PackageError as refusal:
        return str(refusal)
    return ""


def _attacks(
    package: bytes, signer: Signer, device: Device
) -> Iterator[tuple[str, Callable[[], list]]]:
    good = verify(package, [signer.public], device)
    manifest = {k: v for k, v in good.manifest.items() if k != "key"}
    stranger = FileSigner(ed25519.Ed25519PrivateKey.generate())

    def signed(**changes) -> bytes:
        """Well signed, by the right key, but another manifest."""
        return build(good.payload, {**manifest, **changes}, signer)

    def spaced() -> bytes:
        """Well signed, but not in the one encoding a manifest has."""
        text = json.dumps(good.manifest, sort_keys=True).encode()
        head = package[:4] + len(text).to_bytes(4, "big") + text
        return head + signer.sign(head) + good.payload

    unfit = {**manifest["compatibility"], "arena_bytes": 1 << 30}
    yield (
        "one bit flipped, at every byte",
        lambda: [(_flip(package, i), device) for i in _all(package)],
    )
    yield "cut short, at every byte", lambda: [(package[:i], device) for i in _all(package)]
    yield "bytes appended", lambda: [(package + b"\0" * n, device) for n in (1, 64, 4096)]
    yield "signed by a stranger", lambda: [(build(good.payload, manifest, stranger), device)]
    yield "manifest in another encoding", lambda: [(spaced(), device)]
    yield "rollback: an older version", lambda: [(signed(version=device.version), device)]
    yield "for another board", lambda: [(package, replace(device, board="another"))]
    yield "needs a larger arena", lambda: [(signed(compatibility=unfit), device)]
    yield "says nothing of what it needs", lambda: [(signed(compatibility={}), device)]


def _all(package: bytes) -> range:
    return range(len(package))


def _flip(package: bytes, i: int) -> bytes:
    return package[:i] + bytes([package[i] ^ (1 << i % 8)]) + package[i + 1 :]
