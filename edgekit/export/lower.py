"""Graph → layers: check each operator against its tensors, and choose its kernel and constants."""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export import fixed_point as q
from edgekit.export import lower_float, lower_move, lower_multiply, lower_state, unsupported
from edgekit.export.graph import Graph
from edgekit.export.layer import Layer, OperatorContext, scale_of, zero_of

ACTIVATIONS = ("int8", "uint8", "int16", "float32")  # types of values computed at run time


def lower(graph: Graph) -> tuple[list[Layer], dict[int, int]]:
    """Return the layers, and for each tensor that only renames another (RESHAPE …) the one it renames.

    Raises EdgekitError, naming the operator, where shapes, types or quantization do not fit together.
    """
    unsupported.quantization(graph)
    layers, alias = [], {}
    for op in graph.operators:
        p = OperatorContext(graph, op)
        for t in p.inputs:
            if t is not None and t.data is None and str(t.dtype) not in ACTIVATIONS:
                p.refuse(f"{t.name!r} has type {t.dtype}; convert the model to int8")
        if op.name in lower_move.RENAMING:
            lower_move.check_rename(p)
            if p.x.data is not None:
                p.refuse("reshapes a constant: reshape it before converting")
            alias[p.y.index] = p.x.index
            continue
        if op.name in KERNELS:
            layers.append(KERNELS[op.name](p))
        else:
            raise EdgekitError(f"operator {op.index} ({op.name}) is not supported here")
    if not layers:
        raise EdgekitError("the model does nothing: it has no operator that computes")
    return layers, alias


def elementwise(p: OperatorContext) -> Layer:
    """ADD, SUB, MUL with numpy broadcasting."""
    p.inputs_between(2, 2)
    a, b = p.inputs
    p.require(a is not None and b is not None, "lacks an input")
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        p.refuse(f"shapes {list(a.shape)} and {list(b.shape)} do not broadcast")
    p.shape_is(shape)
    kind = p.types(a, b, p.y)
    dims, step_a, step_b = _broadcast(p, a.shape, b.shape, shape)
    fields = {"shape": dims, "step_a": step_a, "step_b": step_b}
    overlap = {t.index: 0 for t in (a, b) if t.data is None and t.shape == p.y.shape}
    for t in (a, b):  # an input that repeats is still needed after the first row
        if t.shape != p.y.shape:
            overlap.pop(t.index, None)
    common = {
        "inputs": (a.index, b.index),
        "overlap": overlap,
        "fields": fields,
        "comment": f"{list(a.shape)}, {list(b.shape)} -> {list(p.y.shape)}",
    }
    verb = p.op.name.lower()
    if kind == "float32":
        fields |= lower_float.activation(p)
        return p.layer(
            f"ek_{verb}_f32(&{{params}}, {{in0}}, {{in1}}, {{out0}});",
            ["ek_float.h"],
            struct="elementwise_f32",
            **common,
        )
    sa, sb, so = scale_of(a), scale_of(b), scale_of(p.y)
    if p.op.name == "MUL":
        out = q.quantize_multiplier(sa * sb / so)
        ma = mb = (0, 0)
        bound = 255 * 255
    else:
        twice = 2 * max(sa, sb)
        ma, mb = q.quantize_multiplier(sa / twice), q.quantize_multiplier(sb / twice)
        out = q.quantize_multiplier(twice / ((1 << 20) * so))
        bound = 2 * (255 << 20)
    p.require(
        out[1] <= 30 and bound << max(out[1], 0) < 1 << 31, "output scale too small: overflow"
    )
    if p.op.name != "MUL":
        p.require(out[1] <= 0, "output scale too small beside the inputs'")  # TFLM asserts the same
    low, high = q.activation_range(p.options["activation"], so, zero_of(p.y))
    p.require(-128 <= low <= high <= 127, "the fused activation leaves no value of int8")
    fields |= {
        "zero_a": zero_of(a),
        "zero_b": zero_of(b),
        "zero_out": zero_of(p.y),
        "low": low,
        "high": high,
        "multiplier_a": ma[0],
        "multiplier_b": mb[0],
        "multiplier_out": out[0],
        "shift_a": ma[1],
        "shift_b": mb[1],
        "shift_out": out[1],
    }
    return p.layer(
        f"ek_{verb}_s8(&{{params}}, {{in0}}, {{in1}}, {{out0}});",
        ["ek_elementwise.h"],
        struct="elementwise_s8",
        **common,
    )


def _broadcast(p: OperatorContext, a, b, out):
    """Four dimensions and each input's step along them, after merging what is contiguous."""
    dims = []
    a, b = (1,) * (len(out) - len(a)) + a, (1,) * (len(out) - len(b)) + b
    for da, db, do in zip(a, b, out, strict=True):
        kind = (da == do, db == do)
        if do == 1:
            continue
        if dims and dims[-1][1] == kind:
            dims[-1][0] *= do
        else:
            dims.append([do, kind])
    p.require(len(dims) <= 4, "broadcasts over more than four dimensions")
    steps, size = ([], []), [1, 1]
    for d, kind in reversed(dims):
        for i in range(2):
            steps[i].insert(0, size[i] if kind[i] else 0)
            size[i] *= d if kind[i] else 1
    missing = 4 - len(dims)
    return (
        [1] * missing + [d for d, _ in dims],
        [0] * missing + steps[0],
        [0] * missing + steps[1],
    )


def activation(p: OperatorContext) -> Layer:
    """Functions of one variable: a table for int8, a loop for float32."""
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    if p.types(p.x, p.y) == "float32":
        return lower_float.unary(p)
    x, y = (p.x.scale[0], zero_of(p.x)), (p.y.scale[0], zero_of(p.y))
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(p.op.name)
    if fixed:
        p.require(
            np.isclose(y[0], fixed[0]) and y[1] == fixed[1], f"needs scale and zero point {fixed}"
        )
    if p.op.name == "LOGISTIC":
        table = q.logistic_table(*x)
    elif p.op.name == "TANH":
        table = q.tanh_table(*x)
    elif p.op.name == "RELU":
        table = q.relu_table(*x, *y)
    elif p.op.name == "RELU6":
        p.require(x == y, "rescales, which TFLM's kernel does not: give input and output one scale")
        table = q.relu6_table(*x)
    elif p.op.name == "LEAKY_RELU":
        alpha = p.options["alpha"]
        p.require(np.isfinite(alpha) and 0 <= alpha < 1e4, f"has slope {alpha}")
        table = q.leaky_relu_table(*x, *y, alpha)
    else:
        table = q.hard_swish_table(*x, *y)
    return lookup(p, table)


def lookup(p: OperatorContext, table: np.ndarray) -> Layer:
    return p.layer(
        f"ek_lookup_s8({{table}}, (const int8_t *){{in0}}, (int8_t *){{out0}}, {p.y.size});",
        ["ek_lookup.h"],
        constants={"table": np.roll(table, 128)},
        overlap={p.x.index: 0},
    )


def softmax(p: OperatorContext) -> Layer:
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    p.require(len(p.x.shape) >= 1, "needs at least one dimension")
    beta, depth = p.options["beta"], p.x.shape[-1]
    p.require(np.isfinite(beta) and beta > 0, f"has beta {beta}")
    rows = p.x.size // depth
    wide = str(p.x.dtype) == "int8" and str(p.y.dtype) == "int16"
    if p.types(*((p.x,) if wide else (p.x, p.y))) == "float32":
        return p.layer(
            f"ek_softmax_f32({{in0}}, {{out0}}, {rows}, {depth}, {lower_float.literal(beta)});",
            ["ek_float.h"],
            overlap={p.x.index: 0},
        )
    bits = 16 if wide else 8
    p.require(
        len(p.y.scale) == 1
        and zero_of(p.y) == -(1 << (bits - 1))
        and abs(scale_of(p.y) * (1 << bits) - 1) < 1e-3,
        f"needs an output scale of 1/{1 << bits} and zero point {-(1 << (bits - 1))}",
    )
    p.require(
        depth < 4096, "has more than 4,095 classes: the fixed-point sum would leave its range"
    )
    table = q.softmax_table(scale_of(p.x), beta)
    return p.layer(
        f"ek_softmax_s{bits}(&{{params}}, {{in0}}, {{out0}});",
        ["ek_softmax.h"],
        struct="softmax_s8",
        fields={"rows": rows, "depth": depth, "exponential": "@exponential", "count": len(table)},
        constants={"exponential": table},
        overlap={} if wide else {p.x.index: 0},
    )


def quantize(p: OperatorContext) -> Layer:
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    if str(p.x.dtype) == "int16":
        return quantize_wide(p)
    if str(p.x.dtype) == "int8" and str(p.y.dtype) == "uint8":
        p.require(len(p.x.scale) == len(p.y.scale) == 1, "needs one scale for input and output")
        scales = scale_of(p.x), zero_of(p.x), scale_of(p.y), zero_of(p.y)
        table = np.clip(q.requantize_table(*scales), 0, 255).astype(np.uint8)
        return lookup(p, table.view(np.int8))
    p.require(
        str(p.y.dtype) == "int8" and len(p.y.scale) == 1,
        f"to {p.y.dtype} is not supported; use int8",
    )
    if p.x.dtype == np.float32:
        return p.layer(
            f"ek_quantize_s8({{in0}}, {{out0}}, {p.y.size}, {lower_float.literal(p.y.scale[0])}, "
            f"{zero_of(p.y)});",
            ["ek_quantize.h"],
            overlap={p.x.index: 0},
        )
    p.require(len(p.x.scale) == 1, "needs one scale for its input")
    first = 0 if p.x.dtype == np.uint8 else -128
    table = q.requantize_table(scale_of(p.x), zero_of(p.x), scale_of(p.y), zero_of(p.y), first)
    table = np.clip(table, -128, 127).astype(np.int8)
    return lookup(p, table if first else np.roll(table, 128))


def quantize_wide(p: OperatorContext) -> Layer:
    """int16 → int8 or int32, as audio front ends and their classifiers want it."""
    kind = str(p.y.dtype)
    p.require(kind in ("int8", "int32"), f"from int16 to {kind} is not supported; use int8")
    p.require(len(p.x.scale) == len(p.y.scale) == 1, "needs one scale for input and output")
    zero_in, zero_out = zero_of(p.x), zero_of(p.y)
    p.require(-(1 << 15) <= zero_in < 1 << 15, "has a zero point that is no int16")
    p.require(-(1 << 30) < zero_out < 1 << 30, "has a zero point that is too large")
    multiplier, shift = q.quantize_multiplier(scale_of(p.x) / scale_of(p.y))
    p.require(shift <= 13, "its output scale is far too small")
    return p.layer(
        f"ek_requantize_s16_s{8 * p.y.dtype.itemsize}({{in0}}, {{out0}}, {p.y.size}, {zero_in}, "
        f"{multiplier}, {shift}, {zero_out});",
        ["ek_rescale.h"],
    )


def dequantize(p: OperatorContext) -> Layer:
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    p.require(
        str(p.x.dtype) == "int8" and str(p.y.dtype) == "float32", "goes from int8 to float32 only"
    )
    p.require(len(p.x.scale) == 1, "needs one scale for its input")
    return p.layer(
        f"ek_dequantize_s8({{in0}}, {{out0}}, {p.y.size}, {lower_float.literal(p.x.scale[0])}, "
        f"{zero_of(p.x)});",
        ["ek_quantize.h"],
    )


KERNELS = {
    "CONV_2D": lower_multiply.conv,
    "DEPTHWISE_CONV_2D": lower_multiply.depthwise,
    "FULLY_CONNECTED": lower_multiply.fully_connected,
    "ADD": elementwise,
    "SUB": elementwise,
    "MUL": elementwise,
    "AVERAGE_POOL_2D": lower_move.pool,
    "MAX_POOL_2D": lower_move.pool,
    "MEAN": lower_move.mean,
    "PAD": lower_move.pad,
    "PADV2": lower_move.pad,
    "CONCATENATION": lower_move.concatenation,
    "STRIDED_SLICE": lower_move.strided_slice,
    "TRANSPOSE": lower_move.transpose,
    "SPLIT": lower_move.split,
    "SOFTMAX": softmax,
    "LOGISTIC": activation,
    "TANH": activation,
    "RELU": activation,
    "RELU6": activation,
    "LEAKY_RELU": activation,
    "HARD_SWISH": activation,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
    "SVDF": lower_state.svdf,
}
