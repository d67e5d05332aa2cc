"""The envelope by the SUIT draft's grammar and by a processor of the draft."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from benchmarks.bars import Bars
from edgekit import packages
from edgekit.packages import suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import ENCODINGS
from tests.emulate.bearings import model
from tests.packages import published
from tests.packages.processor import Ended, Processor
from tests.updates_fixtures import release_of, retrained

GRAMMAR = Path(published.__file__).with_name("suit.cddl")
EXPIRES = 1_900_000_000


def bars(bars: Bars) -> None:
    made = list(examples())
    encodings = {ENCODINGS[packages.manifest_of(data).encoding] for data, _ in made}
    shown = f"of {len(made)} packages ({', '.join(sorted(encodings))}; Ed25519, ES256)"
    whole = encodings == set(ENCODINGS)
    valid = sum(is_valid(data) for data, _ in made)
    bars.add(
        "valid by the grammar of draft-ietf-suit-manifest",
        "all",
        f"{valid} {shown}",
        whole and valid == len(made),
    )
    done = sum(is_installed(data, device) for data, device in made)
    bars.add(
        "fetched and matched by a processor of the draft",
        "all",
        f"{done} {shown}",
        whole and done == len(made),
    )


def examples():
    """(package, the device that it is for) in every encoding, by both algorithms."""
    old = release_of(model())
    new = retrained(old.tflite)
    device = old.device("tflite")
    noise = np.random.default_rng(1).bytes(500)  # nothing packs it
    signers = (
        FileSigner(ec.generate_private_key(ec.SECP256R1())),
        FileSigner(ed25519.Ed25519PrivateKey.generate()),
    )
    for signer in signers:
        for image, base, regions in ((noise, None, []), (new, None, None), (new, old.tflite, None)):
            data = packages.build(
                image, old.requirements, signer, sequence=2, vendor=old.vendor, model=old.class_name,
                base=base, device=device.device, expires=EXPIRES, regions=regions,
            )  # fmt: skip
            yield data, device


def is_valid(data: bytes) -> bool:
    from cddl_verifier import Validator

    return Validator(GRAMMAR.read_text("utf-8")).validate(data).valid


def is_installed(data: bytes, device) -> bool:
    """Run by a processor that knows the draft alone: is what it fetched the payload?"""
    processor = Processor(device.vendor, device.model, device.device, EXPIRES - 1)
    try:
        return processor.update(data) == {0: suit.opened(data)[suit.PAYLOAD]}
    except Ended:
        return False
