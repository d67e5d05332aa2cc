"""AVERAGE_POOL_2D, MAX_POOL_2D and MEAN."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels, floats
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.onnx_writer import TO_NCHW, TO_NHWC, Writer
from edgekit.operators.record import Field, Inputs, OperatorType, activation, first_two, strides
from edgekit.operators.window import onnx_pads, read_limits, tf_window, window

RECIPROCALS = 4000  # up to so many values a multiplication gives their average


def pool(p: OperatorContext) -> Layer:
    """Checks a pooling and its window."""
    p.inputs_between(1, 1)
    p.one_image()
    k_h, k_w = p.options["filter_h"], p.options["filter_w"]
    p.require(1 <= k_h < 1 << 15 and 1 <= k_w < 1 << 15, f"has a window of {k_h} x {k_w}")
    p.require(k_h * k_w < 1 << 23, "has a window of more than 8 million values")
    w = window(p, k_h, k_w)
    channels = p.x.shape[3]
    p.require(channels < 1 << 15, "has more than 32,767 channels")
    p.shape_is((1, w["out_h"], w["out_w"], channels))
    fields = w | {"channels": channels}
    limits = read_limits(w)
    shared = {
        "fields": fields,
        "overlap": {
            p.x.index: int((np.arange(len(limits)) - limits).max()) * channels * p.x.dtype.itemsize
        },
    }
    verb = p.op.name.lower().replace("_2d", "")
    if verb == "average_pool" and k_h * k_w > RECIPROCALS and str(p.x.dtype) == "int8":
        verb = "average_pool_wide"
    if p.types(p.x, p.y) == "float32":
        fields |= floats.activation(p)
        return p.layer(
            f"ek_{verb}_f32(&{{params}}, {{in0}}, {{out0}});",
            ["ek_float.h"],
            struct="pool_f32",
            **shared,
        )
    p.same_quantization(p.x, p.y)
    low, high = p.int8_limits()
    fields |= {"low": low, "high": high}
    return p.layer(
        f"ek_{verb}_s8(&{{params}}, {{in0}}, {{out0}});", ["ek_pool.h"], struct="pool_s8", **shared
    )


def mean(p: OperatorContext) -> Layer:
    """Checks a MEAN and folds 1/n into its multiplier."""
    outer, rows, middle, reduced, inner = reduction(p)
    if p.types(p.x, p.y) == "float32":
        return p.layer(
            f"ek_mean_f32({{in0}}, {{out0}}, {outer}, {rows}, {middle}, {reduced}, {inner});",
            ["ek_float.h"],
            overlap={p.x.index: 0},
        )
    count = rows * reduced
    multiplier, shift = q.quantize_multiplier(scale_of(p.x) / scale_of(p.y))
    # 1/n goes into the multiplier (reference/reduce.h QuantizedMeanOrSum)
    n_shift = min(count.bit_length() - 1, 32, 31 + shift)
    p.require(n_shift >= 0, "its output scale is far too large")
    multiplier, shift = (multiplier << n_shift) // count, shift - n_shift
    p.require(
        shift <= 30 and (255 * count) << max(shift, 0) < 2**31 and multiplier < 2**31,
        "its sum can overflow 32 bits",
    )
    return summed(p, multiplier, shift)


def summed(p: OperatorContext, multiplier: int, shift: int) -> Layer:
    """The int8 layer of a checked `reduction`: sums times multiplier · 2^(shift - 31)."""
    outer, rows, middle, reduced, inner = reduction(p)
    return p.layer(
        "ek_mean_s8(&{params}, {in0}, {out0});",
        ["ek_pool.h"],
        struct="mean_s8",
        fields={
            "outer": outer,
            "rows": rows,
            "middle": middle,
            "reduced": reduced,
            "inner": inner,
            "offset": -zero_of(p.x) * rows * reduced,
            "multiplier": multiplier,
            "shift": shift,
            "zero": zero_of(p.y),
        },
        overlap={p.x.index: 0},
    )


def reduction(p: OperatorContext) -> list[int]:
    """The shape as kept, reduced, kept, reduced, kept, with dimensions of 1 dropped and neighbours merged.

    Checks the axes, which are input 1, and the output's shape.
    """
    p.inputs_between(2, 2)
    rank = len(p.x.shape)
    given = [int(a) for a in np.ravel(p.constant(1, "axes"))]
    p.require(rank and given and all(-rank <= a < rank for a in given), f"over axes {given}")
    axes, keep = {a % rank for a in given}, p.options["keep_dims"]
    p.shape_is([1 if i in axes else d for i, d in enumerate(p.x.shape) if keep or i not in axes])
    sizes = [1]
    for i, d in enumerate(p.x.shape):
        if d > 1:
            while (len(sizes) % 2 == 0) != (i in axes):
                sizes.append(1)
            sizes[-1] *= d
    p.require(len(sizes) <= 5, f"over axes {sorted(axes)}, which are in too many places")
    if len(sizes) <= 3:  # one run: it is the inner of the two
        sizes = [sizes[0], 1, 1, *sizes[1:]]
    return sizes + [1] * (5 - len(sizes))


def reduced_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """Without the axes, or with 1 in their places."""
    x, second = first_two(inputs)
    if x is None or second is None or second.data is None:
        return None
    rank, keep = len(x.shape), op.options["keep_dims"]
    axes = {int(a) % rank for a in np.ravel(second.data)} if rank else set()
    return tuple(1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes)


def onnx_pool(kind: str):
    """MaxPool or AveragePool."""

    def write(w: Writer, op: Operator) -> None:
        o = op.options
        image = w.node("Transpose", [w.value(op.inputs[0])], perm=TO_NCHW)
        shape: dict[str, Any] = {
            "kernel_shape": [o["filter_h"], o["filter_w"]],
            "strides": [o["stride_h"], o["stride_w"]],
            "pads": onnx_pads(w, op, o["filter_h"], o["filter_w"]),
        }
        y = w.fused(w.node(kind, [w.real(op.inputs[0], image)], **shape), o["activation"])
        w.node("Transpose", [w.quantized(y, op.outputs[0])], w.value(op.outputs[0]), perm=TO_NHWC)

    return write


def onnx_mean(w: Writer, op: Operator) -> None:
    """ReduceMean."""
    axes = [int(a) for a in np.ravel(w.known(op.inputs[1]))]
    keep = int(op.options["keep_dims"])
    y = w.node("ReduceMean", [w.real(op.inputs[0])], axes=axes, keepdims=keep)
    w.quantized(y, op.outputs[0], w.value(op.outputs[0]))


def train_max(f: Any, op: Operator):
    """The largest of each window."""
    size = [op.options["filter_h"], op.options["filter_w"]]
    return f.saturated(f.tf.nn.max_pool2d(f.value(op.inputs[0]), size, *tf_window(op)), op)


def train_average(f: Any, op: Operator):
    """Halves go away from int8's zero, not from the zero point."""
    size, zero = [op.options["filter_h"], op.options["filter_w"]], f.zero(op.inputs[0])
    mean = f.tf.nn.avg_pool2d(f.value(op.inputs[0]), size, *tf_window(op))
    return f.saturated(f.rounded(mean + zero) - zero, op)


def train_mean(f: Any, op: Operator):
    """The sum over the axes, rescaled with 1/n."""
    x, y = f.tensor(op.inputs[0]), f.tensor(op.outputs[0])
    axes = [int(a) for a in f.tensor(op.inputs[1]).data.ravel()]
    total = f.reshaped(f.tf.reduce_sum(f.value(x.index), axes), op)
    factor = float(x.scale[0]) / float(y.scale[0])
    return f.saturated(f.rescaled(total, factor, x.size // y.size), op)


def mean_frozen(graph: Graph, op: Operator) -> str | None:
    """Training takes many samples at once, so the batch must stay apart."""
    rank, axes = len(graph.tensors[op.inputs[0]].shape), graph.tensors[op.inputs[1]].data
    if axes is None or any(int(a) % rank == 0 for a in axes.ravel()):
        return "goes over the batch or unknown axes"
    return None


def pool_example(name: str):
    """Random window, strides, padding and activation."""

    def make(rng: np.random.Generator) -> Graph:
        k, stride = [[int(v) for v in rng.integers(1, most, 2)] for most in (5, 4)]
        same = bool(rng.integers(2))
        size = [int(rng.integers(k[i], 10)) for i in range(2)]
        channels = int(rng.integers(1, 9))
        out = [e.window_size(size[i], k[i], stride[i], 1, same) for i in range(2)]
        x = e.quantization(rng)
        tensors = [e.tensor((1, *size, channels), **x), e.tensor((1, *out, channels), **x)]
        options: dict[str, Any] = {"padding": "same" if same else "valid"}
        options |= {"stride_w": stride[1], "stride_h": stride[0]}
        options |= {"filter_w": k[1], "filter_h": k[0]}
        options |= {"activation": str(rng.choice(["none", "relu", "relu6"]))}
        return e.model(tensors, [e.operator(name, [0], [1], options)], [0], [1])

    return make


def wide_pool_example(rng: np.random.Generator) -> Graph:
    """Averages of more values than a reciprocal is exact for, padding among them."""
    k, channels, x = [int(v) for v in rng.integers(64, 70, 2)], 2, e.quantization(rng)
    size = [k[0] + int(rng.integers(0, 3)), k[1] - int(rng.integers(0, 3))]
    tensors = [e.tensor((1, *size, channels), **x), e.tensor((1, 2, 2, channels), **x)]
    stride = [-(-d // 2) for d in size]
    options: dict[str, Any] = {"padding": "same", "stride_w": stride[1], "stride_h": stride[0]}
    options |= {"filter_w": k[1], "filter_h": k[0], "activation": "none"}
    return e.model(tensors, [e.operator("AVERAGE_POOL_2D", [0], [1], options)], [0], [1])


def _reduced(rng, name: str, shape: tuple[int, ...], axes: list[int], same: bool) -> Graph:
    gone, keep = {a % len(shape) for a in axes}, bool(rng.integers(2))
    out = tuple(1 if i in gone else d for i, d in enumerate(shape) if keep or i not in gone)
    x = e.quantization(rng)
    tensors = [e.tensor(shape, **x), e.ints(axes)]
    tensors += [e.tensor(out, **(x if same else e.quantization(rng)))]
    return e.model(tensors, [e.operator(name, [0, 1], [2], {"keep_dims": keep})], [0], [2])


def reduced_example(name: str, same: bool = False):
    """Neighbouring axes of an image; `same`: the output has the input's scale and zero point."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, *(int(v) for v in rng.integers(1, 9, 3)))
        axes = [[1, 2], [1], [2], [3], [2, 3], [1, 2, 3], [-1]][rng.integers(7)]
        return _reduced(rng, name, shape, axes, same)

    return make


def scattered_example(name: str, same: bool = False):
    """Axes that are no neighbours, or all, or given from the end."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, *(int(v) for v in rng.integers(1, 6, rng.integers(1, 4))))
        rank = len(shape)
        axes = [int(a) for a in rng.permutation(rank)[: rng.integers(1, rank + 1)]]
        axes = [a - rank if rng.random() < 0.3 else a for a in axes]
        return _reduced(rng, name, shape, axes, same)

    return make


POOL = (
    strides()
    | {"filter_w": Field("FilterWidth", 3), "filter_h": Field("FilterHeight", 4)}
    | activation(5)
)
OPERATORS = (
    OperatorType(
        "AVERAGE_POOL_2D",
        pool,
        "Pool2DOptions",
        POOL,
        onnx=onnx_pool("AveragePool"),
        channels=channels.POOL,
        train=train_average,
        examples=(pool_example("AVERAGE_POOL_2D"), wide_pool_example),
    ),
    OperatorType(
        "MAX_POOL_2D",
        pool,
        "Pool2DOptions",
        POOL,
        onnx=onnx_pool("MaxPool"),
        channels=channels.POOL,
        exact_onnx=True,
        train=train_max,
        examples=(pool_example("MAX_POOL_2D"),),
    ),
    OperatorType(
        "MEAN",
        mean,
        "ReducerOptions",
        {"keep_dims": Field("KeepDims", 0, "Bool")},
        shape=reduced_shape,
        onnx=onnx_mean,
        channels=channels.MEAN,
        train=train_mean,
        frozen=mean_frozen,
        examples=(reduced_example("MEAN"), scattered_example("MEAN")),
    ),
)
