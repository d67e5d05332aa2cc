"""Small models written by hand: for examples of operators, and for whoever tests what takes a `Graph`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.operators.graph import Graph, Operator, Tensor


def tensor(
    shape: Sequence[int],
    dtype: str = "int8",
    scale: Any = None,
    zero: int = 0,
    axis: int = 0,
    data: Any = None,
    variable: bool = False,
) -> Tensor:
    """A tensor for `model`; `data` makes it a constant, `scale` is a number or one for each of `axis`."""
    scales = np.atleast_1d(np.asarray([] if scale is None else scale, np.float32))
    values = None if data is None else np.asarray(data, dtype).reshape(shape)
    zeros = np.full(scales.shape, zero, np.int64)
    kind = np.dtype(dtype)
    shape = tuple(int(d) for d in shape)
    return Tensor(0, "", shape, kind, scales, zeros, axis, values, variable)


def ints(*values: Any) -> Tensor:
    """Constant int32, as axes and shapes are given; one tuple or list is an array of its own shape."""
    data = np.asarray(values[0] if len(values) == 1 and np.ndim(values[0]) else values, np.int32)
    return tensor(data.shape, "int32", data=data)


def operator(
    name: str, inputs: Sequence[int], outputs: Sequence[int], options: dict | None = None
) -> Operator:
    """An operator for `model`."""
    return Operator(0, name, tuple(inputs), tuple(outputs), options or {})


def model(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> Graph:
    """A graph of these tensors, numbered and named in their order."""
    named = tuple(replace(t, index=i, name=f"t{i}") for i, t in enumerate(tensors))
    ops = tuple(replace(op, index=i) for i, op in enumerate(operators))
    return Graph(named, ops, tuple(inputs), tuple(outputs), "0" * 64, 0)


def scale(rng: np.random.Generator) -> float:
    """A scale as activations have them."""
    return float(np.float32(rng.uniform(0.004, 0.1)))


def zero(rng: np.random.Generator) -> int:
    """A zero point."""
    return int(rng.integers(-128, 128))


def quantization(rng: np.random.Generator) -> dict:
    """Scale and zero point, as arguments of `tensor`."""
    return {"scale": scale(rng), "zero": zero(rng)}


def window_size(size: int, k: int, stride: int, dilation: int, same: bool) -> int:
    """What a window of `k` leaves of `size`."""
    return -(-size // stride) if same else (size - (k - 1) * dilation - 1) // stride + 1
