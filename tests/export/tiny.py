"""Small models of one operator each, from the examples of the operators' records, and what to feed them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from edgekit import operators
from edgekit.operators.graph import Graph
from edgekit.testing.tflite_file import Op, T, mutated, to_tflite, write

__all__ = ["OPERATORS", "RARER", "Op", "T", "mutated", "retrained", "samples", "write"]


def _file(example: Callable[[np.random.Generator], Graph], rng: np.random.Generator) -> bytes:
    return to_tflite(example(rng))


EXAMPLES = {
    (name, n): partial(_file, example)
    for name, kind in operators.OPERATORS.items()
    for n, example in enumerate(kind.examples)
}
SEVERAL = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "DEQUANTIZE")  # are shown with another operator
OPERATORS = {n: f for (n, k), f in EXAMPLES.items() if k == 0 and n not in SEVERAL}
RARER = {f"{n} {k}": f for (n, k), f in EXAMPLES.items() if k or n in SEVERAL}
convolution, fully_connected = OPERATORS["CONV_2D"], OPERATORS["FULLY_CONNECTED"]


def samples(graph, n: int, rng) -> list[tuple[np.ndarray, ...]]:
    """n random samples, each a tuple with one array for each model input."""
    wanted = [graph.tensors[i] for i in graph.inputs]

    def one(t):
        if t.dtype == np.float32:
            return (2 * rng.standard_normal(t.shape)).astype(np.float32)
        info = np.iinfo(t.dtype)
        return rng.integers(info.min, info.max + 1, t.shape).astype(t.dtype)

    return [tuple(one(t) for t in wanted) for _ in range(n)]


def retrained(data: bytes) -> bytes:
    """The same file with the first int8 constant's values in reverse order."""
    from edgekit.export import read

    tensors = read(data).tensors
    old = next(t.data for t in tensors if t.data is not None and t.data.dtype == np.int8).tobytes()
    assert data.count(old) == 1
    return data.replace(old, old[::-1])
