"""What tests of deltas share: a network, the same retrained, and real models where they are."""

import itertools
import os
from functools import cache
from pathlib import Path

import numpy as np

from edgekit.export import read
from tests.export import tiny
from tests.export.tiny import Op, T

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared" / "data")) / "tflm-models"
REAL = ("hello_world_int8", "micro_speech_quantized", "keyword_scrambled_8bit")
SIZES = (48, 96, 64, 8)


def network(weights=None, biases=None, sizes=SIZES, scale=0.02) -> bytes:
    """A `.tflite` of three dense layers; weights: [(out, in) int8], biases: [(out,) int32]."""
    rng = np.random.default_rng(5)
    shapes = [(m, n) for n, m in itertools.pairwise(sizes)]
    weights = weights or [drawn(rng, s) for s in shapes]
    biases = biases or [rng.normal(0, 900, m).astype(np.int32) for m, _ in shapes]
    tensors, ops = [T((1, sizes[0]), scale=0.1)], []
    for w, b in zip(weights, biases, strict=True):
        at = len(tensors)
        tensors += [
            T(w.shape, scale=scale, data=w),
            T(b.shape, "int32", scale=0.1 * scale, data=b),
            T((1, len(w)), scale=0.1),
        ]
        options = ((0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False))
        ops.append(
            Op("FULLY_CONNECTED", [at - 1, at, at + 1], [at + 2], "FullyConnectedOptions", options)
        )
    return tiny.write(tensors, ops, [0], [len(tensors) - 1])


def drawn(rng, shape) -> np.ndarray:
    return np.clip(rng.normal(0, 35, shape), -127, 127).astype(np.int8)


def changed(values, share, rng) -> np.ndarray:
    """A share of the values moved by 1 to 3, as in a network that was retrained on its grid."""
    steps = rng.choice([-3, -2, -1, 1, 2, 3], values.shape, p=[0.05, 0.1, 0.35, 0.35, 0.1, 0.05])
    moved = values.astype(int) + steps * (rng.random(values.shape) < share)
    return np.clip(moved, -127, 127).astype(np.int8)


@cache
def base() -> bytes:
    return network()


def parts(model: bytes):
    constants = [t.data for t in read(model).tensors if t.data is not None]
    return [d for d in constants if d.dtype == np.int8], [
        d for d in constants if d.dtype != np.int8
    ]


@cache
def retrained(share: float, bias: float = 0) -> bytes:
    rng = np.random.default_rng(int(1e4 * share))
    weights, biases = parts(base())
    steps = [np.rint(rng.normal(0, bias, b.shape)).astype(np.int32) for b in biases]
    return network(
        [changed(w, share, rng) for w in weights],
        [b + s for b, s in zip(biases, steps, strict=True)],
    )
