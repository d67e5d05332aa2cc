"""float32 models: plain loops, one accumulator, no promise of bit-exactness."""

from __future__ import annotations

import numpy as np

from edgekit.export.layer import Layer, OperatorContext

LARGEST = float(np.finfo(np.float32).max)


def literal(value) -> str:
    """A float32 as a C literal that reads back as the same bits."""
    text = f"{float(np.float32(value)):.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


def activation(p: OperatorContext) -> dict:
    """Bounds of the fused activation."""
    low, high = {
        "none": (-LARGEST, LARGEST),
        "relu": (0.0, LARGEST),
        "relu6": (0.0, 6.0),
        "relu_n1_to_1": (-1.0, 1.0),
    }[p.options["activation"]]
    return {"low": low, "high": high}


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


def _multiply(p: OperatorContext, kernel: str, fields: dict, channels: int, macs: int) -> Layer:
    return p.layer(
        f"ek_{kernel}(&{{params}}, {{in0}}, {{out0}});",
        ["ek_float.h"],
        struct=kernel,
        fields=fields | activation(p) | {"weights": "@weights", "bias": "@bias"},
        constants=_weights(p, channels),
        macs=macs,
    )


def conv(p: OperatorContext, fields: dict, macs: int) -> Layer:
    return _multiply(p, "conv_f32", fields, fields["out_ch"], macs)


def depthwise(p: OperatorContext, fields: dict, macs: int) -> Layer:
    return _multiply(p, "depthwise_f32", fields, fields["in_ch"] * fields["multiplier"], macs)


def fully_connected(p: OperatorContext, fields: dict, macs: int) -> Layer:
    return _multiply(p, "fully_connected_f32", fields, fields["out_size"], macs)


def unary(p: OperatorContext) -> Layer:
    verb = p.op.name.lower()
    extra = f", {literal(p.options['alpha'])}" if verb == "leaky_relu" else ""
    return p.layer(
        f"ek_{verb}_f32({{in0}}, {{out0}}, {p.y.size}{extra});",
        ["ek_float.h"],
        overlap={p.x.index: 0},
    )
