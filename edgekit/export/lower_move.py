"""Pooling, reduction, and the layers that only move values."""

from __future__ import annotations

import numpy as np

from edgekit.export import fixed_point as q
from edgekit.export import lower_float
from edgekit.export.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.export.lower_multiply import read_limits, window

RENAMING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def check_rename(p: OperatorContext) -> None:
    """The same bytes under another shape: nothing to do at run time."""
    p.require(len(p.outputs) == 1, "has more than one output")
    p.require(
        p.x.size == p.y.size and p.x.dtype == p.y.dtype, "changes the number or type of its values"
    )
    same_quantization(p, p.x, p.y)
    if p.op.name == "RESHAPE" and len(p.inputs) > 1 and p.inputs[1] is not None:
        target = [int(d) for d in np.ravel(p.constant(1, "shape"))]
        known = [d for d in target if d > 0]
        p.require(target.count(-1) <= 1 and all(d > 0 or d == -1 for d in target), f"to {target}")
        rest = p.x.size // int(np.prod(known, dtype=object)) if known else p.x.size
        p.shape_is(rest if d == -1 else d for d in target)


def same_quantization(p: OperatorContext, a, b) -> None:
    if str(p.x.dtype) == "int8":
        same = np.array_equal(a.scale, b.scale) and np.array_equal(a.zero_point, b.zero_point)
        p.require(same, "input and output have different scales, and it only moves values")


def pool(p: OperatorContext) -> Layer:
    p.inputs_between(1, 1)
    p.require(
        len(p.x.shape) == 4 and p.x.shape[0] == 1, f"needs one NHWC image, not {list(p.x.shape)}"
    )
    k_h, k_w = p.options["filter_h"], p.options["filter_w"]
    p.require(1 <= k_h < 1 << 15 and 1 <= k_w < 1 << 15, f"has a window of {k_h} x {k_w}")
    p.require(k_h * k_w <= 4000, "averages more than 4,000 values: use MEAN")
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
    if p.types(p.x, p.y) == "float32":
        fields |= lower_float.activation(p)
        return p.layer(
            f"ek_{verb}_f32(&{{params}}, {{in0}}, {{out0}});",
            ["ek_float.h"],
            struct="pool_f32",
            **shared,
        )
    same_quantization(p, p.x, p.y)
    low, high = q.activation_range(p.options["activation"], p.y.scale[0], zero_of(p.y))
    p.require(-128 <= low <= high <= 127, "the fused activation leaves no value of int8")
    fields |= {"low": low, "high": high}
    return p.layer(
        f"ek_{verb}_s8(&{{params}}, {{in0}}, {{out0}});", ["ek_pool.h"], struct="pool_s8", **shared
    )


def mean(p: OperatorContext) -> Layer:
    p.inputs_between(2, 2)
    rank = len(p.x.shape)
    axes = [int(a) for a in np.ravel(p.constant(1, "axes"))]
    p.require(rank and axes and all(-rank <= a < rank for a in axes), f"over axes {axes}")
    axes = {a % rank for a in axes}
    keep = p.options["keep_dims"]
    p.shape_is([1 if i in axes else d for i, d in enumerate(p.x.shape) if keep or i not in axes])
    outer, rows, middle, reduced, inner = _reduction(p, axes)
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
            "offset": -zero_of(p.x) * count,
            "multiplier": multiplier,
            "shift": shift,
            "zero": zero_of(p.y),
        },
        overlap={p.x.index: 0},
    )


def _reduction(p: OperatorContext, axes: set[int]) -> list[int]:
    """The shape as kept, reduced, kept, reduced, kept, with dimensions of 1 dropped and neighbours merged."""
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


def strides(shape, width: int) -> list[int]:
    """Bytes between neighbours along each dimension of a dense array."""
    steps = [width]
    for d in reversed(shape[1:]):
        steps.insert(0, steps[0] * d)
    return steps[: len(shape)]


def copy_fields(p: OperatorContext, shape, step_in, step_out, width: int) -> dict:
    """Fields of struct copy: drop and merge dimensions, and take out the contiguous run."""
    dims = [list(d) for d in zip(shape, step_in, step_out, strict=True) if d[0] != 1]
    run = width
    while dims and dims[-1][1] == dims[-1][2] == run:
        run *= dims.pop()[0]
    merged = []
    for d in dims:
        last = merged[-1] if merged else None
        if last and last[1] == d[0] * d[1] and last[2] == d[0] * d[2]:
            merged[-1] = [last[0] * d[0], d[1], d[2]]
        else:
            merged.append(d)
    p.require(len(merged) <= 5, "moves values over more than five dimensions")
    merged = [[1, 0, 0]] * (5 - len(merged)) + merged
    return {
        "shape": [d[0] for d in merged],
        "step_in": [d[1] for d in merged],
        "step_out": [d[2] for d in merged],
        "run": run,
    }


def bytes_at(place: str, offset: int) -> str:
    return f"(const uint8_t *){place} + {offset}" if offset else place


def pad(p: OperatorContext) -> Layer:
    p.inputs_between(2, 3)
    kind = p.types(p.x, p.y)
    same_quantization(p, p.x, p.y)
    pads = p.constant(1, "paddings")
    p.require(pads.shape == (len(p.x.shape), 2) and (pads >= 0).all(), f"with {pads.tolist()}")
    p.shape_is(int(d) + int(a) + int(b) for d, (a, b) in zip(p.x.shape, pads, strict=True))
    if p.op.name == "PADV2" and len(p.inputs) > 2:
        value = p.constant(2, "padding value", kind).reshape(-1)
        p.require(value.size == 1, "has more than one padding value")
        if kind == "int8":
            same_quantization(p, p.inputs[2], p.y)
    else:
        value = np.array([zero_of(p.y) if kind == "int8" else 0.0], kind)
    width = p.x.dtype.itemsize
    to = strides(p.y.shape, width)
    start = sum(int(pads[i, 0]) * to[i] for i in range(len(to)))
    return p.layer(
        f"ek_fill({{out0}}, {{value}}, {width}, {p.y.size});\n"
        f"  ek_copy_strided(&{{params}}, {{in0}}, (uint8_t *){{out0}} + {start});",
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, p.x.shape, strides(p.x.shape, width), to, width),
        constants={"value": value},
    )


def concatenation(p: OperatorContext) -> Layer:
    p.require(p.options["activation"] == "none", "has a fused activation")
    p.require(all(t is not None for t in p.inputs) and len(p.outputs) == 1, "lacks an input")
    p.types(*p.inputs, p.y)
    rank, width = len(p.y.shape), p.y.dtype.itemsize
    axis = p.options["axis"]
    p.require(rank and -rank <= axis < rank, f"along axis {axis}")
    axis %= rank
    shape = list(p.y.shape)
    shape[axis] = 0
    to, calls, fields = strides(p.y.shape, width), [], []
    for i, t in enumerate(p.inputs):
        same_quantization(p, t, p.y)
        others = [d for j, d in enumerate(t.shape) if j != axis]
        p.require(
            len(t.shape) == rank and others == [d for j, d in enumerate(p.y.shape) if j != axis],
            f"{list(t.shape)} does not fit {list(p.y.shape)}",
        )
        fields.append(copy_fields(p, t.shape, strides(t.shape, width), to, width))
        calls.append(
            f"ek_copy_strided(&{{params}}[{i}], {{in{i}}}, (uint8_t *){{out0}} + {shape[axis] * to[axis]});"
        )
        shape[axis] += t.shape[axis]
    p.shape_is(shape)
    return p.layer(
        "\n  ".join(calls),
        ["ek_copy.h"],
        struct="copy",
        fields=fields,
        inputs=tuple(t.index for t in p.inputs),
        comment=f"{len(p.inputs)} inputs -> {list(p.y.shape)}",
    )


def _one_copy(p: OperatorContext, shape, step_in, start: int) -> Layer:
    p.require(p.x.data is None, "works on a constant: compute it before converting")
    width = p.x.dtype.itemsize
    return p.layer(
        f"ek_copy_strided(&{{params}}, {bytes_at('{in0}', start)}, {{out0}});",
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, shape, step_in, strides(shape, width), width),
    )


def strided_slice(p: OperatorContext) -> Layer:
    p.inputs_between(4, 4)
    p.types(p.x, p.y)
    same_quantization(p, p.x, p.y)
    o, rank = p.options, len(p.x.shape)
    begin, end, step = (
        np.ravel(p.constant(i, n)) for i, n in ((1, "begin"), (2, "end"), (3, "strides"))
    )
    p.require(
        len(begin) == len(end) == len(step) == rank,
        "needs begin, end and stride for each dimension",
    )
    p.require(
        not (o["ellipsis_mask"] or o["new_axis_mask"] or o["offset"]), "uses ellipsis or new axes"
    )
    width = p.x.dtype.itemsize
    from_ = strides(p.x.shape, width)
    shape, steps, start, result = [], [], 0, []
    for i, size in enumerate(p.x.shape):
        s = int(step[i])
        p.require(s != 0, "has a stride of 0")
        shrink = o["shrink_axis_mask"] >> i & 1
        if shrink:
            b = int(begin[i])
            p.require(-size <= b < size, f"takes element {b} of {size}")
            picked = range(b % size, b % size + 1)
        else:
            b = None if o["begin_mask"] >> i & 1 else int(begin[i])
            e = None if o["end_mask"] >> i & 1 else int(end[i])
            picked = range(*slice(b, e, s).indices(size))
        p.require(len(picked) > 0, "is empty")
        shape.append(len(picked))
        steps.append(from_[i] * (1 if shrink else s))
        start += from_[i] * picked[0]
        if not shrink:
            result.append(len(picked))
    p.shape_is(result)
    return _one_copy(p, shape, steps, start)


def transpose(p: OperatorContext) -> Layer:
    p.inputs_between(2, 2)
    p.types(p.x, p.y)
    same_quantization(p, p.x, p.y)
    order = [int(i) for i in np.ravel(p.constant(1, "permutation"))]
    p.require(sorted(order) == list(range(len(p.x.shape))), f"by {order}, which is no permutation")
    steps = strides(p.x.shape, p.x.dtype.itemsize)
    shape = [p.x.shape[i] for i in order]
    p.shape_is(shape)
    return _one_copy(p, shape, [steps[i] for i in order], 0)


def split(p: OperatorContext) -> Layer:
    p.inputs_between(2, 2)
    p.require(p.inputs[1] is not None, "lacks its input")
    axis = np.ravel(p.constant(0, "axis"))
    x = p.inputs[1]
    rank, count = len(x.shape), len(p.outputs)
    p.require(axis.size == 1 and rank and -rank <= axis[0] < rank, f"along axis {axis.tolist()}")
    p.require(x.data is None, "splits a constant")
    axis = int(axis[0]) % rank
    p.require(
        count == p.options["count"] and x.shape[axis] % count == 0, f"into {p.options['count']}"
    )
    part = x.shape[axis] // count
    shape = [part if i == axis else d for i, d in enumerate(x.shape)]
    width = x.dtype.itemsize
    steps = strides(x.shape, width)
    p.x = x
    p.types(x, *p.outputs)
    for t in p.outputs:
        p.require(list(t.shape) == shape, f"should give {shape} and the file says {list(t.shape)}")
        same_quantization(p, x, t)
    return p.layer(
        "\n  ".join(
            f"ek_copy_strided(&{{params}}, {bytes_at('{in0}', i * part * steps[axis])}, {{out{i}}});"
            for i in range(count)
        ),
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, shape, steps, strides(shape, width), width),
    )
