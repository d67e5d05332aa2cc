"""PRELU: a slope below zero for each channel or value."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.elementwise import broadcast, shape
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.record import OperatorType


def prelu(p: OperatorContext) -> Layer:
    """Checks a PRELU (reference/prelu.h)."""
    common: Any = broadcast(p)
    p.require(p.x.data is None, "works on a constant")
    p.constant(1, "slope", str(p.x.dtype))
    x, slope = p.inputs
    p.require(p.types(x, slope, p.y) == "int8", "is supported in int8 only: quantize the model")
    p.require(x.shape == p.y.shape, "has more slopes than values")
    above = q.quantize_multiplier(scale_of(x) / scale_of(p.y))
    below = q.quantize_multiplier(scale_of(x) * scale_of(slope) / scale_of(p.y))
    for bound, (_, shift) in ((255, above), (255 * 255, below)):
        p.require(
            shift <= 30 and bound << max(shift, 0) < 1 << 31, "output scale too small: overflow"
        )
    common["fields"] |= {
        "zero_in": zero_of(x),
        "zero_slope": zero_of(slope),
        "zero_out": zero_of(p.y),
        "multiplier": above[0],
        "slope_multiplier": below[0],
        "shift": above[1],
        "slope_shift": below[1],
    }
    return p.layer(
        "ek_prelu_s8(&{params}, {in0}, {in1}, {out0});",
        ["ek_prelu.h"],
        struct="prelu_s8",
        **common,
    )


def prelu_example(rng: np.random.Generator) -> Graph:
    """A slope for each channel, for each value, or one for all."""
    whole = (1, *(int(v) for v in rng.integers(1, 7, 3)))
    slopes = [(1, 1, whole[3]), whole[1:], (1, 1, 1), (whole[3],)][rng.integers(4)]
    tensors = [
        e.tensor(whole, **e.quantization(rng)),
        e.tensor(
            slopes, scale=rng.uniform(0.002, 0.02), zero=0, data=rng.integers(-128, 128, slopes)
        ),
        e.tensor(whole, **e.quantization(rng)),
    ]
    return e.model(tensors, [e.operator("PRELU", [0, 1], [2])], [0], [2])


OPERATORS = (OperatorType("PRELU", prelu, shape=shape, examples=(prelu_example,)),)
