"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels, floats, weights
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.onnx_writer import TO_NCHW, TO_NHWC, Writer
from edgekit.operators.rarer_convolution import as_depthwise, grouped, grouped_example
from edgekit.operators.record import Field, OperatorType, activation, strides
from edgekit.operators.sliding import sliding
from edgekit.operators.weights import pair_order, requant, switches, weights_and_bias
from edgekit.operators.window import onnx_pads, read_limits, tf_window, window

COLUMNS = 4  # output pixels multiplied together, as in kernels/ek_dot.h


def conv(p: OperatorContext) -> Layer:
    """Checks a CONV_2D."""
    p.inputs_between(2, 3)
    p.one_image()
    filters = p.inputs[1]
    p.require(len(filters.shape) == 4, "its filter needs four dimensions")
    out_ch, k_h, k_w, in_ch = filters.shape
    if as_depthwise(p):
        return depthwise(p)
    dilation = p.options["dilation_h"], p.options["dilation_w"]
    w = window(p, k_h, k_w, dilation)
    p.require(max(p.x.shape[3], in_ch, out_ch) < 1 << 15, "has more than 32,767 channels")
    p.shape_is((1, w["out_h"], w["out_w"], out_ch))
    if in_ch != p.x.shape[3]:
        return grouped(p, w, dilation)
    fields = w | {
        "in_ch": in_ch,
        "out_ch": out_ch,
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
    }
    macs = p.y.size * k_h * k_w * in_ch
    if p.types(p.x, p.y) == "float32":
        return floats.multiply(p, "conv_f32", fields, out_ch, macs)
    return _conv_s8(p, fields, w, dilation, 0, macs)


def _conv_s8(
    p: OperatorContext, fields: dict, w: dict, dilation, channel_axis: int, macs: int
) -> Layer:
    """CONV_2D, or a DEPTHWISE_CONV_2D of a single input channel, which is the same thing."""
    rows, bias, bound = weights_and_bias(p, channel_axis)
    quant, constants = requant(p, rows, bias, bound)
    constants["bias"] = np.pad(constants["bias"], (0, len(rows) % 2))
    in_ch, out_ch, k_h, k_w = (fields[k] for k in ("in_ch", "out_ch", "k_h", "k_w"))
    count, length = w["out_h"] * w["out_w"], k_h * k_w * in_ch
    depth = -(-length // 4) * 4
    # a PAD that was folded in leaves margins about a window of one pixel, too
    inside = not any(
        w[f"pad_{a}"] or (w[f"out_{a}"] - 1) * w[f"stride_{a}"] >= w[f"in_{a}"] for a in "hw"
    )
    direct = k_h == k_w == 1 and in_ch % 4 == 0 and inside
    fields |= {
        "in_zero": zero_of(p.x),
        "direct": int(direct),
        "weights": "@weights",
        "requant": quant,
    }
    # groups of COLUMNS pixels: everything a group reads is read before it writes
    limits = read_limits(w, dilation) * in_ch
    whole = count - count % COLUMNS
    ends = np.concatenate([np.arange(COLUMNS, whole + 1, COLUMNS), np.arange(whole + 1, count + 1)])
    gaps = ends[:-1] * out_ch - limits[ends[:-1]]
    distance = int(gaps.max()) if len(gaps) else -p.x.nbytes
    gather = not direct or count > whole
    return p.layer(
        "ek_conv_s8(&{params}, {in0}, {out0}, {scratch});",
        ["ek_conv.h"],
        struct="conv_s8",
        switches=switches(quant, out_ch),
        fields=fields,
        constants=constants | {"weights": pair_order(rows)},
        scratch=(2 * COLUMNS * depth if whole else 0) + depth * gather,
        overlap={p.x.index: distance},
        macs=macs,
        comment=f"{p.x.shape[1:]} * {k_h}x{k_w} -> {p.y.shape[1:]}".replace(", ", "x"),
    )


def depthwise(p: OperatorContext) -> Layer:
    """Checks a DEPTHWISE_CONV_2D; one with a single input channel becomes a CONV_2D's kernel."""
    p.inputs_between(2, 3)
    p.one_image()
    filters = p.inputs[1]
    p.require(
        len(filters.shape) == 4 and filters.shape[0] == 1,
        "its filter needs the shape 1, height, width, channels",
    )
    _, k_h, k_w, out_ch = filters.shape
    in_ch = p.x.shape[3]
    p.require(out_ch % in_ch == 0, f"{out_ch} output channels are no multiple of {in_ch}")
    multiplier = out_ch // in_ch
    p.require(out_ch < 1 << 15, "has more than 32,767 channels")
    # TFLM believes the option, so a file in which the two differ is refused
    p.require(
        p.options["depth_multiplier"] == multiplier, f"depth multiplier should be {multiplier}"
    )
    dilation = p.options["dilation_h"], p.options["dilation_w"]
    w = window(p, k_h, k_w, dilation)
    p.shape_is((1, w["out_h"], w["out_w"], out_ch))
    macs = p.y.size * k_h * k_w
    fields = w | {
        "in_ch": in_ch,
        "multiplier": multiplier,
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
    }
    if p.types(p.x, p.y) == "float32":
        return floats.multiply(p, "depthwise_f32", fields, out_ch, macs)
    if in_ch == 1:
        del fields["multiplier"]
        return _conv_s8(p, fields | {"out_ch": out_ch}, w, dilation, 3, macs)
    rows, bias, bound = weights_and_bias(p, 3)
    quant, constants = requant(p, rows, bias, bound)
    slide = sliding(w | {k: fields[k] for k in ("dilation_h", "dilation_w")}, quant["exact"])
    p.require(max(slide.plane_h, slide.plane_w) < 1 << 15, "is wider than 32,767 with padding")
    taps = rows.astype(np.int8).reshape(-1, k_h, k_w)
    fields |= slide.window | {
        "plane_h": slide.plane_h,
        "plane_w": slide.plane_w,
        "words": slide.words,
        "in_zero": zero_of(p.x),
        "swapped": int(slide.swapped),
        "weights": "@weights",
        "window": slide.routine,
        "requant": quant,
    }
    return p.layer(
        "ek_depthwise_s8(&{params}, {in0}, {out0}, {scratch});",
        ["ek_depthwise.h"],
        struct="depthwise_s8",
        switches=switches(quant, 0),
        fields=fields,
        constants=constants
        | {"weights": (taps.swapaxes(1, 2) if slide.swapped else taps).reshape(-1)},
        scratch=2 * slide.plane_h * slide.plane_w + 16 * slide.words * slide.window["k_h"],
        overlap={p.x.index: "exact"} if multiplier == 1 else {},
        macs=macs,
        comment=f"{p.x.shape[1:]} * {k_h}x{k_w} -> {p.y.shape[1:]}".replace(", ", "x"),
    )


def onnx(w: Writer, op: Operator) -> None:
    """CONV_2D (weights O,H,W,I) and DEPTHWISE_CONV_2D (weights 1,H,W,O)."""
    x, t = w.tensor(op.inputs[0]), w.tensor(op.inputs[1])
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    kernel = w.known(t.index).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    height, width = kernel.shape[2:]
    image = w.node("Transpose", [w.value(op.inputs[0])], perm=TO_NCHW)
    bias = weights.onnx_bias
    inputs = [w.real(op.inputs[0], image), w.weights(kernel, t.scale, 0), *bias(w, op)]
    y = w.node(
        "Conv",
        inputs,
        group=x.shape[3] if depthwise else x.shape[3] // kernel.shape[1],
        kernel_shape=[height, width],
        strides=[op.options["stride_h"], op.options["stride_w"]],
        dilations=[op.options["dilation_h"], op.options["dilation_w"]],
        pads=onnx_pads(w, op, height, width),
    )
    y = w.quantized(w.fused(y, op.options["activation"]), op.outputs[0])
    w.node("Transpose", [y], w.value(op.outputs[0]), perm=TO_NHWC)


def conv_sums(f: Any, op: Operator, u, w):
    """Sums of products of CONV_2D: (n, height, width, channels)."""
    dilations = [op.options["dilation_h"], op.options["dilation_w"]]
    kernel = f.tf.transpose(w, [1, 2, 3, 0])
    return f.tf.nn.conv2d(u, kernel, *tf_window(op), dilations=dilations)


def depthwise_sums(f: Any, op: Operator, u, w):
    """Sums of products of DEPTHWISE_CONV_2D: (n, height, width, channels)."""
    dilations = [op.options["dilation_h"], op.options["dilation_w"]]
    kernel = f.tf.reshape(w, [*w.shape[1:3], u.shape[3], -1])
    return f.tf.nn.depthwise_conv2d(u, kernel, *tf_window(op), dilations=dilations)


def conv_frozen(graph: Graph, op: Operator) -> str | None:
    """Why a CONV_2D cannot be trained on its grid."""
    x, t = (graph.tensors[i] for i in op.inputs[:2])
    grouped = t.shape[3] != x.shape[3]
    return weights.frozen(graph, op) or ("is a grouped convolution" if grouped else None)


def depthwise_frozen(graph: Graph, op: Operator) -> str | None:
    """Why a DEPTHWISE_CONV_2D cannot be trained on its grid."""
    uneven = op.options["stride_h"] != op.options["stride_w"]
    return weights.frozen(graph, op) or ("strides unevenly" if uneven else None)


def example(rng: np.random.Generator, depthwise: bool = False) -> Graph:
    """Random shape, stride, dilation, padding and activation."""
    k = [int(v) for v in rng.integers(1, 6, 2)] if rng.random() < 0.6 else [3, 3]
    stride = [int(v) for v in rng.integers(1, 4, 2)]
    dilation = [int(v) for v in rng.integers(1, 3, 2)] if rng.random() < 0.3 else [1, 1]
    if max(dilation) > 1:
        stride = [1, 1]
    same = bool(rng.integers(2))
    size = [int(rng.integers((k[i] - 1) * dilation[i] + 1, 14)) for i in range(2)]
    in_ch = int(rng.integers(1, 14))
    multiplier = int(rng.integers(1, 4)) if rng.random() < 0.4 else 1
    out_ch = in_ch * multiplier if depthwise else int(rng.integers(1, 14))
    if rng.random() < 0.3 and not depthwise:  # the 1x1 path
        k, dilation, in_ch = [1, 1], [1, 1], 4 * int(rng.integers(1, 9))
    out = [e.window_size(size[i], k[i], stride[i], dilation[i], same) for i in range(2)]
    shape = (1, *k, out_ch) if depthwise else (out_ch, *k, in_ch)
    per_channel = out_ch > 1 and bool(rng.integers(2))
    sx, sy = e.scale(rng), float(np.float32(rng.uniform(0.02, 1.0)))
    sw = rng.uniform(0.001, 0.02, out_ch if per_channel else 1).astype(np.float32)
    if rng.random() < 0.1:
        sy = float(np.float32(sx * sw[0] / 3))  # a multiplier above one: the exact path
    bias = e.tensor((out_ch,), "int32", sx * sw, data=rng.integers(-4000, 4000, out_ch))
    tensors = [
        e.tensor((1, *size, in_ch), scale=sx, zero=e.zero(rng)),
        e.tensor(shape, scale=sw, axis=3 * depthwise, data=rng.integers(-127, 128, shape)),
        bias,
        e.tensor((1, *out, out_ch), scale=sy, zero=e.zero(rng)),
    ]
    inputs = [0, 1, 2] if rng.random() < 0.8 or depthwise else [0, 1, -1]
    options = {"padding": "same" if same else "valid", "stride_w": stride[1], "stride_h": stride[0]}
    options |= {"depth_multiplier": multiplier} if depthwise else {}
    options |= {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    options |= {"dilation_w": dilation[1], "dilation_h": dilation[0]}
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    return e.model(tensors, [e.operator(name, inputs, [3], options)], [0], [3])


def dilations(slot: int) -> dict[str, Field]:
    """The last two fields of both tables."""
    return {
        "dilation_w": Field("DilationWFactor", slot),
        "dilation_h": Field("DilationHFactor", slot + 1),
    }


OPERATORS = (
    OperatorType(
        "CONV_2D",
        conv,
        "Conv2DOptions",
        strides() | activation(3) | dilations(4),
        onnx=onnx,
        train=weights.train(conv_sums),
        frozen=conv_frozen,
        channels=channels.MIXED,
        weighted=True,
        examples=(example, grouped_example),
    ),
    OperatorType(
        "DEPTHWISE_CONV_2D",
        depthwise,
        "DepthwiseConv2DOptions",
        strides()
        | {"depth_multiplier": Field("DepthMultiplier", 3)}
        | activation(4)
        | dilations(5),
        onnx=onnx,
        train=weights.train(depthwise_sums),
        frozen=depthwise_frozen,
        channels=channels.DEPTHWISE,
        weighted=True,
        examples=(lambda rng: example(rng, depthwise=True),),
    ),
)
