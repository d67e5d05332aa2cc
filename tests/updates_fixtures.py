"""What tests of updates share: a release in the field, its retrained successor on the same grid, keys.

`tests/conftest.py` makes the fixtures known everywhere.
"""

from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.packages.keys import FileSigner
from edgekit.packages.release import Release
from tests.emulate.bearings import ENVELOPE, SENSITIVITY, model
from tests.export import tiny

CHARGED, WORN = (
    2,
    4,
)  # of a unit of the flash (nor.h): it refuses to be written; it keeps what it has


def retrained(tflite: bytes, seed: int = 1, share: float = 0.1) -> bytes:
    """The same file with a share of its int8 weights moved by a step or two."""
    from edgekit.export import read

    weights = next(
        t.data for t in read(tflite).tensors if t.data is not None and t.data.dtype == np.int8
    )
    rng = np.random.default_rng(seed)
    steps = rng.integers(-2, 3, weights.shape) * (rng.random(weights.shape) < share)
    moved = np.clip(weights.astype(int) + steps, -127, 127).astype(np.int8)
    assert tflite.count(weights.tobytes()) == 1
    return tflite.replace(weights.tobytes(), moved.tobytes())


def release_of(tflite: bytes, **more) -> Release:
    return Release(tflite, ENVELOPE, SENSITIVITY, "bearing", "nrf5340", **more)


def layered(hidden: int) -> bytes:
    """Two layers for ENVELOPE's features: what goes in and comes out is the same for any `hidden`."""
    W = [np.random.default_rng(hidden).integers(-127, 128, n) for n in ((hidden, 40), (3, hidden))]
    tensors = [
        tiny.T((1, 40), scale=0.1, zero=-128),
        tiny.T(W[0].shape, scale=0.01, data=W[0]),
        tiny.T((hidden,), "int32", 0.001, data=np.zeros(hidden)),
        tiny.T((1, hidden), scale=0.1, zero=0),
        tiny.T(W[1].shape, scale=0.01, data=W[1]),
        tiny.T((3,), "int32", 0.001, data=np.zeros(3)),
        tiny.T((1, 3), scale=0.1, zero=0),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    layers = ([0, 1, 2], [3]), ([3, 4, 5], [6])
    ops = [tiny.Op("FULLY_CONNECTED", *ends, "FullyConnectedOptions", options) for ends in layers]
    return tiny.write(tensors, ops, [0], [6])


def strangers() -> dict[str, tuple[Release, Release]]:
    """By the first rule that tells them apart: a device's release, and one that it must not run.

    The first differs in nothing that a device could see but in the code that was generated for it.
    """
    own = release_of(layered(8))
    other_input = release_of(
        layered(8).replace(np.float32(0.1).tobytes(), np.float32(0.2).tobytes())
    )
    return {
        "abi": (own, release_of(layered(7))),
        "io": (own, other_input),
        "features": (own, replace(own, sensitivity=2 * SENSITIVITY)),
        "arena": (release_of(layered(8)), release_of(layered(80))),
    }


def flipped(data: bytes, i: int, mask: int = 0x10) -> bytes:
    """The same bytes, but for a bit of byte `i`."""
    return data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :]


@pytest.fixture(scope="session")
def releases():
    """(in the field, retrained)."""
    first = model()
    return release_of(first), release_of(retrained(first))


@pytest.fixture(scope="session")
def signer():
    return FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="session")
def es256():
    return FileSigner(ec.derive_private_key(0x1234567, ec.SECP256R1()))
