"""Convolutions without a fast kernel: CONV_2D in groups, and TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.record import OperatorType, activation, strides
from edgekit.operators.weights import weights_and_bias

MANY = 1 << 15


def per_channel(p: OperatorContext) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Fields and constants that rescale each output channel (axis 0 of the filter) exactly.

    The bias is as it stands in the file: which taps meet the image differs from pixel to pixel, so the
    input's zero point cannot be folded into it.
    """
    rows, folded, bound = weights_and_bias(p, 0)
    bias = folded.astype(np.int64) + zero_of(p.x) * rows.sum(1)
    scales = np.broadcast_to(p.inputs[1].scale, len(rows))
    sx, sy = float(p.x.scale[0]), float(p.y.scale[0])
    pairs = [q.quantize_multiplier(sx * float(s) / sy) for s in scales]
    shift = np.array([s for _, s in pairs], np.int64)
    p.require(shift.max() <= 30, "its output scale is far too small for its input and weights")
    fits = (bound * 2.0 ** np.maximum(shift, 0)).max() < 2**31
    p.require(fits, "its accumulator can overflow 32 bits: quantize the model again")
    low, high = p.int8_limits()
    fields = {
        "zero_in": zero_of(p.x),
        "zero_out": zero_of(p.y),
        "low": low,
        "high": high,
        "weights": "@weights",
        "bias": "@bias",
        "multiplier": "@multiplier",
        "shift": "@shift",
    }
    constants = {
        "weights": p.inputs[1].data.reshape(-1),
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "shift": shift.astype(np.int8),
    }
    return fields, constants


def grouped(p: OperatorContext, w: dict[str, int], dilation: tuple[int, int]) -> Layer:
    """CONV_2D whose filter reads a part of the input channels; `w`: its window, checked."""
    out_ch, k_h, k_w, in_group = p.inputs[1].shape
    groups = p.x.shape[3] // in_group
    p.require(
        p.x.shape[3] % in_group == 0 and out_ch % groups == 0,
        f"{p.x.shape[3]} input and {out_ch} output channels are no groups of {in_group}",
    )
    p.require(p.types(p.x, p.y) == "int8", "has groups, which are supported in int8 only")
    fields, constants = per_channel(p)
    return p.layer(
        "ek_grouped_conv_s8(&{params}, {in0}, {out0});",
        ["ek_grouped_conv.h"],
        struct="grouped_conv_s8",
        fields=w
        | {
            "in_ch": p.x.shape[3],
            "out_ch": out_ch,
            "in_group": in_group,
            "out_group": out_ch // groups,
            "dilation_h": dilation[0],
            "dilation_w": dilation[1],
        }
        | fields,
        constants=constants,
        macs=p.y.size * k_h * k_w * in_group,
    )


def as_depthwise(p: OperatorContext) -> bool:
    """Makes a CONV_2D with one input channel a group the DEPTHWISE_CONV_2D that it is; whether it was one."""
    filters = p.inputs[1]
    out_ch, *window, in_group = filters.shape
    fits = in_group == 1 < p.x.shape[3] and out_ch % p.x.shape[3] == 0
    fits &= filters.data is not None and (len(filters.scale) < 2 or filters.axis == 0)
    if fits:
        data = np.ascontiguousarray(np.moveaxis(filters.data[..., 0], 0, 2)[None])
        p.inputs[1] = replace(filters, shape=(1, *window, out_ch), data=data, axis=3)
        p.options = p.options | {"depth_multiplier": out_ch // p.x.shape[3]}
    return fits


def transpose_conv(p: OperatorContext) -> Layer:
    """Checks a TRANSPOSE_CONV; padding is what a convolution from its output to its input would have."""
    p.inputs_between(3, 4)
    size = [int(v) for v in np.ravel(p.constant(0, "output shape"))]
    _, filters, x, *bias = p.inputs
    p.x, p.inputs = x, [x, filters, *bias]  # as a CONV_2D has them
    p.one_image()
    p.require(p.types(p.x, p.y) == "int8", "is supported in int8 only: quantize the model")
    p.require(len(filters.shape) == 4, "its filter needs four dimensions")
    out_ch, k_h, k_w, in_ch = filters.shape
    p.require(in_ch == x.shape[3], f"its filter has {in_ch} input channels, not {x.shape[3]}")
    p.require(len(size) == 4 and size[0] == 1 and size[3] == out_ch, f"to {size}")
    p.shape_is(size)
    p.require(max(*filters.shape, *x.shape, *size) < MANY, "is larger than 32,767 in one direction")
    fields = {"in_h": x.shape[1], "in_w": x.shape[2], "in_ch": in_ch}
    fields |= {"out_h": size[1], "out_w": size[2], "out_ch": out_ch, "k_h": k_h, "k_w": k_w}
    for axis, out, k in (("h", size[1], k_h), ("w", size[2], k_w)):
        stride = p.options[f"stride_{axis}"]
        p.require(1 <= stride <= 4096, f"has stride {stride}")
        pad = 0
        if p.options["padding"] == "same":
            pad = max((-(-out // stride) - 1) * stride + k - out, 0) // 2
        fields |= {f"stride_{axis}": stride, f"pad_{axis}": pad}
    more, constants = per_channel(p)
    return p.layer(
        "ek_transpose_conv_s8(&{params}, {in0}, {out0});",
        ["ek_transpose_conv.h"],
        struct="transpose_conv_s8",
        fields=fields | more,
        constants=constants,
        macs=x.size * k_h * k_w * out_ch,
    )


def _weights(rng, shape: tuple[int, ...], sx: float) -> list:
    """A filter and its bias, with one scale or one for each channel."""
    out_ch = shape[0]
    sw = rng.uniform(0.001, 0.02, out_ch if rng.random() < 0.7 else 1).astype(np.float32)
    values = rng.integers(-4000, 4000, out_ch)
    return [
        e.tensor(shape, scale=sw, data=rng.integers(-127, 128, shape)),
        e.tensor((out_ch,), "int32", sx * sw, data=values),
    ]


def grouped_example(rng: np.random.Generator) -> Graph:
    """Two to four groups of one or more channels."""
    groups, a, b = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    k, stride = [[int(v) for v in rng.integers(1, most, 2)] for most in (4, 3)]
    dilation = [int(v) for v in rng.integers(1, 3, 2)] if stride == [1, 1] else [1, 1]
    same = bool(rng.integers(2))
    size = [int(rng.integers((k[i] - 1) * dilation[i] + 1, 10)) for i in range(2)]
    out = [e.window_size(size[i], k[i], stride[i], dilation[i], same) for i in range(2)]
    sx = e.scale(rng)
    tensors = [e.tensor((1, *size, groups * a), scale=sx, zero=e.zero(rng))]
    tensors += _weights(rng, (groups * b, *k, a), sx)
    y = {"scale": float(rng.uniform(0.02, 1.0)), "zero": e.zero(rng)}
    tensors += [e.tensor((1, *out, groups * b), "int8", y["scale"], int(y["zero"]))]
    options = {"padding": "same" if same else "valid", "stride_w": stride[1], "stride_h": stride[0]}
    options |= {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    options |= {"dilation_w": dilation[1], "dilation_h": dilation[0]}
    return e.model(tensors, [e.operator("CONV_2D", [0, 1, 2], [3], options)], [0], [3])


def transpose_example(rng: np.random.Generator) -> Graph:
    """Strides up to the window and beyond, with and without padding and bias."""
    k, stride = [[int(v) for v in rng.integers(1, most, 2)] for most in (5, 4)]
    size, same = [int(v) for v in rng.integers(1, 7, 2)], bool(rng.integers(2))
    in_ch, out_ch = (int(v) for v in rng.integers(1, 6, 2))
    out = [s * t if same else (s - 1) * t + n for s, t, n in zip(size, stride, k, strict=True)]
    sx = e.scale(rng)
    filters, bias = _weights(rng, (out_ch, *k, in_ch), sx)
    tensors = [e.ints((1, *out, out_ch)), filters]
    tensors += [e.tensor((1, *size, in_ch), scale=sx, zero=e.zero(rng)), bias]
    tensors += [e.tensor((1, *out, out_ch), scale=rng.uniform(0.02, 1.0), zero=e.zero(rng))]
    options: dict[str, Any] = {"padding": "same" if same else "valid"}
    options |= {"stride_w": stride[1], "stride_h": stride[0], "activation": "none"}
    inputs = [0, 1, 2, 3] if rng.random() < 0.7 else [0, 1, 2]
    return e.model(tensors, [e.operator("TRANSPOSE_CONV", inputs, [4], options)], [2], [4])


OPERATORS = (
    OperatorType(
        "TRANSPOSE_CONV",
        transpose_conv,
        "TransposeConvOptions",
        strides() | activation(3),
        examples=(transpose_example,),
    ),
)
