"""float32 models: plain loops, one accumulator, no promise of bit-exactness."""

from __future__ import annotations

import numpy as np

from edgekit.operators.fixed_point import ACTIVATION_BOUNDS
from edgekit.operators.layer import Layer, OperatorContext, literal

LARGEST = float(np.finfo(np.float32).max)


def activation(p: OperatorContext) -> dict[str, float]:
    """Bounds of the fused activation."""
    low, high = ACTIVATION_BOUNDS[p.options["activation"]]
    return {"low": max(low, -LARGEST), "high": min(high, LARGEST)}


def _weights(p: OperatorContext, channels: int) -> dict[str, np.ndarray]:
    weights = p.constant(1, "filter", "float32").reshape(-1)
    bias = np.zeros(channels, np.float32)
    if len(p.inputs) > 2 and p.inputs[2] is not None:
        bias = p.constant(2, "bias", "float32")
    p.require(bias.shape == (channels,), f"its bias has shape {list(bias.shape)}")
    p.require(
        np.isfinite(weights).all() and np.isfinite(bias).all(), "has weights that are not finite"
    )
    return {"weights": weights, "bias": bias}


def multiply(p: OperatorContext, kernel: str, fields: dict, channels: int, macs: int) -> Layer:
    """A layer of weights."""
    return p.layer(
        f"ek_{kernel}(&{{params}}, {{in0}}, {{out0}});",
        ["ek_float.h"],
        struct=kernel,
        fields=fields | activation(p) | {"weights": "@weights", "bias": "@bias"},
        constants=_weights(p, channels),
        macs=macs,
    )


def unary(p: OperatorContext) -> Layer:
    """A function of one variable, value by value."""
    verb = p.op.name.lower()
    extra = f", {literal(p.options['alpha'])}" if verb == "leaky_relu" else ""
    return p.layer(
        f"ek_{verb}_f32({{in0}}, {{out0}}, {p.y.size}{extra});",
        ["ek_float.h"],
        overlap={p.x.index: 0},
    )
