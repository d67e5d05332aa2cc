"""Rarer forms of the operators than in tiny.py: functions of a numpy Generator that give a `.tflite`."""

from __future__ import annotations

import numpy as np

from tests.export.tiny import Op, T, _scale, _zero, write

RELU = ("LEAKY_RELU", "LeakyReluOptions", [(0, "Float32", 0.25)])


def _q(rng) -> dict:
    return {"scale": _scale(rng), "zero": _zero(rng)}


def svdf(rng, width="int8") -> bytes:
    """A state of 8 or 16 bits; call it several times in a row."""
    inputs, units, rank, memory = (int(v) for v in rng.integers(1, [30, 9, 4, 12]))
    filters, q = units * rank, _q(rng)
    top = 127 if width == "int8" else 3000
    ss, st = _scale(rng) * (5 if width == "int8" else 0.005), 0.01 if width == "int8" else 1e-4
    sb = float(np.float32(ss) * np.float32(st))
    zero = _zero(rng) if width == "int8" else 0
    tensors = [
        T((1, inputs), **q),
        T((filters, inputs), scale=0.01, data=rng.integers(-127, 128, (filters, inputs))),
        T((filters, memory), width, st, data=rng.integers(-top, top, (filters, memory))),
        T((units,), "int32", sb, data=rng.integers(-3000, 3000, units)),
        T((1, filters * memory), width, ss, zero, variable=True),
        T((1, units), scale=rng.uniform(0.05, 0.5), zero=int(rng.choice([-128, -20]))),
    ]
    options = [(0, "Int32", rank), (1, "Int8", 1), (2, "Bool", False)]
    return write(tensors, [Op("SVDF", [0, 1, 2, 3, 4], [5], "SVDFOptions", options)], [0], [5])


def mean(rng) -> bytes:
    """Axes that are no neighbours, or all, or given from the end."""
    shape = tuple(int(v) for v in rng.integers(1, 6, rng.integers(2, 5)))
    shape = (1, *shape[1:])
    rank = len(shape)
    axes = [int(a) for a in rng.permutation(rank)[: rng.integers(1, rank + 1)]]
    keep = bool(rng.integers(2))
    out = tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)
    axes = [a - rank if rng.random() < 0.3 else a for a in axes]
    tensors = [T(shape, **_q(rng)), T((len(axes),), "int32", data=axes), T(out, **_q(rng))]
    options = [(0, "Bool", keep)]
    return write(tensors, [Op("MEAN", [0, 1], [2], "ReducerOptions", options)], [0], [2])


def dense(rng) -> bytes:
    """FULLY_CONNECTED over the last of three dimensions."""
    rows, size, out = (int(v) for v in rng.integers(1, [6, 40, 12]))
    sx = _scale(rng)
    sw = rng.uniform(0.001, 0.02, out if rng.random() < 0.5 else 1).astype(np.float32)
    tensors = [
        T((1, rows, size), scale=sx, zero=_zero(rng)),
        T((out, size), scale=sw, data=rng.integers(-127, 128, (out, size))),
        T((out,), "int32", sx * sw, data=rng.integers(-4000, 4000, out)),
        T((1, rows, out), scale=rng.uniform(0.02, 1.0), zero=_zero(rng)),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", True)]
    inputs = [0, 1, 2] if rng.random() < 0.7 else [0, 1]
    op = Op("FULLY_CONNECTED", inputs, [3], "FullyConnectedOptions", options)
    return write(tensors, [op], [0], [3])


def dense_near_halves(rng, channels: bool = False) -> bytes:
    """A FULLY_CONNECTED whose results often lie near a half, with one scale or one for each channel."""
    tensors = [
        T((1, 16), scale=0.05, zero=3),
        T((40, 16), scale=[0.01] * 40 if channels else 0.01, data=rng.integers(-2, 3, (40, 16))),
        T((40,), "int32", 0.0005, data=rng.integers(-400, 400, 40)),
        T((1, 40), scale=0.0015, zero=-5),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    op = Op("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", options)
    return write(tensors, [op], [0], [3])


def padv2(rng) -> bytes:
    shape, q = (1, *(int(v) for v in rng.integers(1, 6, 3))), _q(rng)
    pads = rng.integers(0, 3, (4, 2))
    pads[0] = 0
    out = tuple(int(d + p.sum()) for d, p in zip(shape, pads, strict=True))
    tensors = [T(shape, **q), T((4, 2), "int32", data=pads)]
    tensors += [T((1,), data=[int(rng.integers(-128, 128))], **q), T(out, **q)]
    return write(tensors, [Op("PADV2", [0, 1, 2], [3], "PadV2Options")], [0], [3])


def renamed(rng, name: str) -> bytes:
    """RESHAPE, SQUEEZE or EXPAND_DIMS, then an operator that computes."""
    a, b = (int(v) for v in rng.integers(2, 9, 2))
    q = _q(rng)
    before, after = {
        "RESHAPE": ((1, a, b), (1, a * b)),
        "SQUEEZE": ((1, a, 1, b), (1, a, b)),
        "EXPAND_DIMS": ((1, a, b), (1, a, 1, b)),
    }[name]
    extra = {"RESHAPE": [1, -1], "SQUEEZE": None, "EXPAND_DIMS": 2}[name]
    tensors = [T(before, **q), T(after, **q), T(after, **_q(rng))]
    inputs, table, options = [0], f"{name.title().replace('_', '')}Options", []
    if extra is not None:
        tensors.append(T(np.shape(extra), "int32", data=extra))
        inputs = [0, 3]
    else:
        table, options = "SqueezeOptions", [(0, "Vector", [2])]
    if name == "RESHAPE":
        table = None
    ops = [Op(name, inputs, [1], table, options), Op(RELU[0], [1], [2], *RELU[1:])]
    return write(tensors, ops, [0], [2])


def slice_(rng) -> bytes:
    """Negative strides and ends, masks, axes that vanish."""
    shape, q = (1, *(int(v) for v in rng.integers(2, 7, 3))), _q(rng)
    begin, end, step, masks, out = [0], [1], [1], [0, 0, 0], [1]
    for i, size in enumerate(shape[1:], 1):
        kind = int(rng.integers(4))
        if kind == 0:  # backwards, all of it
            begin.append(-1), end.append(0), step.append(-1)
            masks[1] |= 1 << i
            out.append(size)
        elif kind == 1:  # one element
            begin.append(int(rng.integers(-size, size))), step.append(1)
            end.append(begin[-1] + 1)
            masks[2] |= 1 << i
        elif kind == 2:  # without its last, counted from the end
            begin.append(0), end.append(-1), step.append(1)
            masks[0] |= 1 << i
            out.append(size - 1)
        else:
            begin.append(0), end.append(size), step.append(2)
            out.append(-(-size // 2))
    extra = [T((4,), "int32", data=v) for v in (begin, end, step)]
    options = [(0, "Int32", masks[0]), (1, "Int32", masks[1]), (2, "Int32", 0), (3, "Int32", 0)]
    options += [(4, "Int32", masks[2])]
    op = Op("STRIDED_SLICE", [0, 1, 2, 3], [4], "StridedSliceOptions", options)
    return write([T(shape, **q), *extra, T(tuple(out), **q)], [op], [0], [4])


def transpose(rng) -> bytes:
    """Of two to five dimensions."""
    shape = (1, *(int(v) for v in rng.integers(1, 6, rng.integers(1, 5))))
    order, q = rng.permutation(len(shape)), _q(rng)
    tensors = [T(shape, **q), T((len(shape),), "int32", data=order)]
    tensors += [T(tuple(shape[i] for i in order), **q)]
    return write(tensors, [Op("TRANSPOSE", [0, 1], [2], "TransposeOptions")], [0], [2])


def flat(rng, name: str) -> bytes:
    """ADD, SUB or MUL of a vector or a lone number."""
    size = int(rng.integers(2, 30))
    other = [(1,), (size,), (1, 1)][rng.integers(3)]
    tensors = [T((1, size), **_q(rng)), T(other, data=rng.integers(-128, 128, other), **_q(rng))]
    tensors += [T((1, size), scale=rng.uniform(0.05, 0.4), zero=_zero(rng))]
    swap = [0, 1] if rng.random() < 0.5 else [1, 0]
    op = Op(name, swap, [2], f"{name.title()}Options", [(0, "Int8", 0)])
    return write(tensors, [op], [0], [2])


def conversions(rng) -> bytes:
    """int16 in, int8 inside, int16 softmax, int32 out: what an audio model does at its edges."""
    n = int(rng.integers(2, 20))
    q = _q(rng)
    tensors = [
        T((1, n), "int16", 0.001, 0),
        T((1, n), **q),
        T((1, n), "int16", 1 / 65536, -32768),
        T((1, n), "int32", 1 / 32768, 0),
    ]
    ops = [
        Op("QUANTIZE", [0], [1], "QuantizeOptions"),
        Op("SOFTMAX", [1], [2], "SoftmaxOptions", [(0, "Float32", 1.0)]),
        Op("QUANTIZE", [2], [3], "QuantizeOptions"),
    ]
    return write(tensors, ops, [0], [3])


def dequantize(rng) -> bytes:
    """Two outputs, one of them float."""
    n, q = int(rng.integers(1, 20)), _q(rng)
    tensors = [T((1, n), **q), T((1, n), **_q(rng)), T((1, n), "float32")]
    ops = [Op(RELU[0], [0], [1], *RELU[1:]), Op("DEQUANTIZE", [1], [2], "DequantizeOptions")]
    return write(tensors, ops, [0], [2, 1])


def floats(rng, name: str) -> bytes:
    """One float32 operator with random sizes."""
    h, w, c, out = (int(v) for v in rng.integers(3, 9, 4))
    one = [(0, "Int8", 0), (1, "Int32", 1), (2, "Int32", 2)]  # SAME, strides 1 and 2
    x, image = T((1, h, w, c), "float32"), (1, -(-h // 2), w)

    def constant(*shape):
        return T(shape, "float32", data=rng.standard_normal(shape))

    table, inputs, y, shape = None, [0], [], (1, h, w, c)
    if name == "CONV_2D":
        table, inputs, shape = "Conv2DOptions", [0, 1, 2], (*image, out)
        y = [constant(out, 3, 3, c), constant(out)]
        options = [*one, (3, "Int8", 1), (4, "Int32", 1), (5, "Int32", 1)]
    elif name == "DEPTHWISE_CONV_2D":
        table, inputs, shape = "DepthwiseConv2DOptions", [0, 1, 2], (*image, 2 * c)
        y = [constant(1, 3, 3, 2 * c), constant(2 * c)]
        options = [*one, (3, "Int32", 2), (4, "Int8", 3), (5, "Int32", 1), (6, "Int32", 1)]
    elif name == "FULLY_CONNECTED":
        table, inputs, shape = "FullyConnectedOptions", [0, 1, 2], (1, out)
        x, y = T((1, c), "float32"), [constant(out, c), constant(out)]
        options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    elif "POOL" in name:
        table, shape = "Pool2DOptions", (*image, c)
        options = [*one, (3, "Int32", 3), (4, "Int32", 2), (5, "Int8", 0)]
    elif name == "MEAN":
        table, inputs, shape = "ReducerOptions", [0, 1], (1, w)
        y, options = [T((2,), "int32", data=[1, 3])], [(0, "Bool", False)]
    elif name in ("ADD", "SUB", "MUL"):
        table, inputs, y = f"{name.title()}Options", [0, 1], [constant(c)]
        options = [(0, "Int8", 1)]
    elif name == "SOFTMAX":
        table, options = "SoftmaxOptions", [(0, "Float32", 1.0)]
        x, shape = T((1, c), "float32"), (1, c)
    else:
        options = RELU[2] if name == RELU[0] else []
        table = {RELU[0]: RELU[1], "HARD_SWISH": "HardSwishOptions"}.get(name)
    tensors = [x, *y, T(shape, "float32")]
    op = Op(name, inputs, [len(tensors) - 1], table, options)
    return write(tensors, [op], [0], [len(tensors) - 1])


FLOATS = [
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "MEAN",
    "ADD",
    "SUB",
    "MUL",
    "SOFTMAX",
    "LOGISTIC",
    "TANH",
    "RELU",
    "RELU6",
    "LEAKY_RELU",
    "HARD_SWISH",
]

VARIANTS = {
    "svdf 8": svdf,
    "svdf 16": lambda rng: svdf(rng, "int16"),
    "mean": mean,
    "dense 3-d": dense,
    "padv2": padv2,
    "slice": slice_,
    "transpose": transpose,
    "conversions": conversions,
    "dequantize": dequantize,
    **{n.lower(): lambda rng, n=n: renamed(rng, n) for n in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")},
    **{f"{n.lower()} flat": lambda rng, n=n: flat(rng, n) for n in ("ADD", "SUB", "MUL")},
}
