"""What tests of updates share: a release in the field, its retrained successor on the same grid, keys.

`tests/conftest.py` makes the fixtures known everywhere.
"""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.packages.keys import FileSigner
from edgekit.packages.release import Release
from tests.emulate.bearings import ENVELOPE, SENSITIVITY, model

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
