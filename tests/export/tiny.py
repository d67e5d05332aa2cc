"""Write small `.tflite` files directly, so that operator tests need no TensorFlow and no converter."""

from __future__ import annotations

from dataclasses import dataclass

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "string": 5, "int16": 7, "int8": 9}
TYPES |= {"resource": 13, "int4": 17}


@dataclass
class T:
    """A tensor to write; `data` makes it a constant."""

    shape: tuple
    dtype: str = "int8"
    scale: object = None  # a number, or one for each slice of `axis`
    zero: int = 0
    axis: int = 0
    data: object = None
    variable: bool = False
    signature: tuple | None = None  # the shape with -1 for what the file does not know


@dataclass
class Op:
    """An operator to write, by its name, number or as "CUSTOM name".

    `options` is a list of (slot, kind, value) of its options table.
    """

    name: str
    inputs: list
    outputs: list
    table: str | None = None
    options: tuple = ()


def write(tensors, ops, inputs, outputs, graphs: int = 1, signatures=()) -> bytes:
    """The bytes of a model with these tensors (T) and operators (Op); `graphs` times the same graph."""
    b = flatbuffers.Builder(1024)

    def table(fields):
        """fields: (slot, kind, value); kind is a Prepend…Slot suffix or "Offset"."""
        b.StartObject(max((f[0] for f in fields), default=0) + 1)
        for slot, kind, value in fields:
            if kind == "Offset":
                b.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                # a default that differs from any value, so that every field is stored
                getattr(b, f"Prepend{kind}Slot")(slot, value, None)
        return b.EndObject()

    def offsets(values):
        b.StartVector(4, len(values), 4)
        for v in reversed(values):
            b.PrependUOffsetTRelative(v)
        return b.EndVector()

    def vector(values, dtype):
        return b.CreateNumpyVector(np.asarray(values, dtype).reshape(-1))

    buffers, written = [table([])], []
    for n, t in enumerate(tensors):
        buffer = 0
        if t.data is not None:
            raw = np.ascontiguousarray(t.data, np.dtype(t.dtype)).reshape(-1).view(np.uint8)
            b.StartVector(1, len(raw), 16)
            b.head = b.head - len(raw)
            b.Bytes[b.head : b.head + len(raw)] = raw.tobytes()
            data = b.EndVector()
            buffers.append(table([(0, "Offset", data)]))
            buffer = len(buffers) - 1
        fields = [
            (0, "Offset", vector(t.shape, np.int32)),
            (1, "Int8", TYPES[t.dtype]),
            (2, "Uint32", buffer),
            (3, "Offset", b.CreateString(f"t{n}")),
        ]
        if t.variable:
            fields.append((5, "Bool", True))
        if t.signature is not None:
            fields.append((7, "Offset", vector(t.signature, np.int32)))
        if t.scale is not None:
            scale = np.atleast_1d(np.asarray(t.scale, np.float32))
            scales = vector(scale, np.float32)
            zeros = vector(np.full(len(scale), t.zero), np.int64)
            quantization = table(
                [(2, "Offset", scales), (3, "Offset", zeros), (6, "Int32", t.axis)]
            )
            fields.append((4, "Offset", quantization))
        written.append(table(fields))
    names = sorted({op.name for op in ops})
    codes = []
    for name in names:
        builtin, _, custom = name.partition(" ")
        number = int(builtin) if builtin.isdigit() else getattr(tflite.BuiltinOperator, builtin)
        fields = [(0, "Int8", min(number, 127)), (2, "Int32", 1), (3, "Int32", number)]
        codes.append(table(fields + ([(1, "Offset", b.CreateString(custom))] if custom else [])))
    operators = []
    for op in ops:
        fields = [
            (0, "Uint32", names.index(op.name)),
            (1, "Offset", vector(op.inputs, np.int32)),
            (2, "Offset", vector(op.outputs, np.int32)),
        ]
        if op.table:
            options = table(
                [
                    (slot, "Offset", vector(v, np.int32)) if kind == "Vector" else (slot, kind, v)
                    for slot, kind, v in op.options
                ]
            )
            fields += [
                (3, "Uint8", getattr(tflite.BuiltinOptions, op.table)),
                (4, "Offset", options),
            ]
        operators.append(table(fields))
    sub = table(
        [
            (0, "Offset", offsets(written)),
            (1, "Offset", vector(inputs, np.int32)),
            (2, "Offset", vector(outputs, np.int32)),
            (3, "Offset", offsets(operators)),
        ]
    )
    fields = [
        (0, "Uint32", 3),
        (1, "Offset", offsets(codes)),
        (2, "Offset", offsets([sub] * graphs)),
        (3, "Offset", b.CreateString("tiny")),
        (4, "Offset", offsets(buffers)),
    ]
    if signatures:
        keys = [table([(2, "Offset", b.CreateString(key))]) for key in signatures]
        fields.append((7, "Offset", offsets(keys)))
    b.Finish(table(fields), b"TFL3")
    return bytes(b.Output())


# --- one random model for each operator; rng: numpy Generator


def _scale(rng) -> float:
    return float(np.float32(rng.uniform(0.004, 0.1)))


def _zero(rng) -> int:
    return int(rng.integers(-128, 128))


def window_size(size, k, stride, dilation, same):
    return -(-size // stride) if same else (size - (k - 1) * dilation - 1) // stride + 1


def convolution(rng, depthwise=False) -> bytes:
    """CONV_2D or DEPTHWISE_CONV_2D with random shape, stride, dilation, padding and activation."""
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
    out = [window_size(size[i], k[i], stride[i], dilation[i], same) for i in range(2)]
    shape = (1, *k, out_ch) if depthwise else (out_ch, *k, in_ch)
    axis = 3 if depthwise else 0
    per_channel = out_ch > 1 and bool(rng.integers(2))
    sx, sy = _scale(rng), float(np.float32(rng.uniform(0.02, 1.0)))
    sw = rng.uniform(0.001, 0.02, out_ch if per_channel else 1).astype(np.float32)
    if rng.random() < 0.1:
        sy = float(np.float32(sx * sw[0] / 3))  # a multiplier above one: the exact path
    bias = T((out_ch,), "int32", sx * sw, data=rng.integers(-4000, 4000, out_ch))
    tensors = [
        T((1, *size, in_ch), scale=sx, zero=_zero(rng)),
        T(shape, scale=sw, axis=axis, data=rng.integers(-127, 128, shape)),
        bias,
        T((1, *out, out_ch), scale=sy, zero=_zero(rng)),
    ]
    inputs = [0, 1, 2] if rng.random() < 0.8 or depthwise else [0, 1, -1]
    activation = int(rng.choice([0, 1, 3]))
    options = [(0, "Int8", 0 if same else 1), (1, "Int32", stride[1]), (2, "Int32", stride[0])]
    if depthwise:
        options += [(3, "Int32", multiplier), (4, "Int8", activation)]
        options += [(5, "Int32", dilation[1]), (6, "Int32", dilation[0])]
    else:
        options += [(3, "Int8", activation), (4, "Int32", dilation[1]), (5, "Int32", dilation[0])]
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    table = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    return write(tensors, [Op(name, inputs, [3], table, options)], [0], [3])


def depthwise(rng) -> bytes:
    return convolution(rng, depthwise=True)


def fully_connected(rng) -> bytes:
    size, out, rows = (int(v) for v in rng.integers(1, [70, 20, 3]))
    per_channel = out > 1 and bool(rng.integers(2))
    sx, sy = _scale(rng), float(np.float32(rng.uniform(0.02, 1.0)))
    sw = rng.uniform(0.001, 0.02, out if per_channel else 1).astype(np.float32)
    tensors = [
        T((rows, size), scale=sx, zero=_zero(rng)),
        T((out, size), scale=sw, data=rng.integers(-127, 128, (out, size))),
        T((out,), "int32", sx * sw, data=rng.integers(-4000, 4000, out)),
        T((rows, out), scale=sy, zero=_zero(rng)),
    ]
    options = [(0, "Int8", int(rng.choice([0, 1, 3]))), (1, "Int8", 0), (2, "Bool", False)]
    inputs = [0, 1, 2] if rng.random() < 0.7 else [0, 1, -1]
    return write(
        tensors, [Op("FULLY_CONNECTED", inputs, [3], "FullyConnectedOptions", options)], [0], [3]
    )


def elementwise(rng, name: str) -> bytes:
    shape = tuple(int(v) for v in rng.integers(1, 6, 4))
    shape = (1, *shape[1:])
    other = shape
    if rng.random() < 0.5:
        other = tuple(d if rng.random() < 0.5 else 1 for d in shape)
    constant = rng.integers(-128, 128, other) if rng.random() < 0.4 else None
    sy = rng.uniform(0.02, 0.3)
    tensors = [
        T(shape, scale=_scale(rng), zero=_zero(rng)),
        T(other, scale=_scale(rng), zero=_zero(rng), data=constant),
        T(shape, scale=sy, zero=_zero(rng)),
    ]
    options = [(0, "Int8", int(rng.choice([0, 1, 3])))]
    op = Op(name, [0, 1], [2], f"{name.title()}Options", options)
    return write(tensors, [op], [0] if constant is not None else [0, 1], [2])


def pool(rng, name: str) -> bytes:
    k, stride = [int(v) for v in rng.integers(1, 5, 2)], [int(v) for v in rng.integers(1, 4, 2)]
    same = bool(rng.integers(2))
    size = [int(rng.integers(k[i], 10)) for i in range(2)]
    channels = int(rng.integers(1, 9))
    out = [window_size(size[i], k[i], stride[i], 1, same) for i in range(2)]
    scale, zero = _scale(rng), _zero(rng)
    tensors = [
        T((1, *size, channels), scale=scale, zero=zero),
        T((1, *out, channels), scale=scale, zero=zero),
    ]
    options = [(0, "Int8", 0 if same else 1), (1, "Int32", stride[1]), (2, "Int32", stride[0])]
    options += [(3, "Int32", k[1]), (4, "Int32", k[0]), (5, "Int8", int(rng.choice([0, 1, 3])))]
    return write(tensors, [Op(name, [0], [1], "Pool2DOptions", options)], [0], [1])


def mean(rng) -> bytes:
    shape = (1, *(int(v) for v in rng.integers(1, 9, 3)))
    axes = [[1, 2], [1], [2], [3], [2, 3], [1, 2, 3], [-1]][rng.integers(7)]
    keep = bool(rng.integers(2))
    gone = {a % 4 for a in axes}
    out = tuple(1 if i in gone else d for i, d in enumerate(shape) if keep or i not in gone)
    tensors = [
        T(shape, scale=_scale(rng), zero=_zero(rng)),
        T((len(axes),), "int32", data=axes),
        T(out, scale=_scale(rng), zero=_zero(rng)),
    ]
    return write(
        tensors, [Op("MEAN", [0, 1], [2], "ReducerOptions", [(0, "Bool", keep)])], [0], [2]
    )


def unary(rng, name: str) -> bytes:
    shape = (1, int(rng.integers(200, 400)))
    x = (_scale(rng) * float(rng.choice([0.2, 1, 3])), _zero(rng))
    y = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0), "SOFTMAX": (1 / 256, -128), "RELU6": x}
    out = y.get(name, (_scale(rng), _zero(rng)))
    if name == "SOFTMAX":
        shape = (int(rng.integers(1, 4)), int(rng.integers(1, 40)))
    table, options = {
        "SOFTMAX": ("SoftmaxOptions", [(0, "Float32", float(rng.choice([0.5, 1.0])))]),
        "LEAKY_RELU": ("LeakyReluOptions", [(0, "Float32", float(rng.uniform(0.01, 0.5)))]),
        "HARD_SWISH": ("HardSwishOptions", []),
        "QUANTIZE": ("QuantizeOptions", []),
    }.get(name, (None, []))
    tensors = [T(shape, scale=x[0], zero=x[1]), T(shape, scale=out[0], zero=out[1])]
    return write(tensors, [Op(name, [0], [1], table, options)], [0], [1])


def moving(rng, name: str) -> bytes:
    """PAD, TRANSPOSE, STRIDED_SLICE, CONCATENATION or SPLIT, followed by nothing."""
    shape = (1, *(int(v) for v in rng.integers(2, 7, 3)))
    q = {"scale": _scale(rng), "zero": _zero(rng)}
    x = T(shape, **q)
    if name == "PAD":
        pads = rng.integers(0, 3, (4, 2))
        pads[0] = 0
        out = tuple(int(d + p.sum()) for d, p in zip(shape, pads, strict=True))
        extra = [T((4, 2), "int32", data=pads)]
        return write([x, *extra, T(out, **q)], [Op(name, [0, 1], [2], "PadOptions")], [0], [2])
    if name == "TRANSPOSE":
        order = rng.permutation(4)
        out = tuple(shape[i] for i in order)
        extra = [T((4,), "int32", data=order)]
        return write(
            [x, *extra, T(out, **q)], [Op(name, [0, 1], [2], "TransposeOptions")], [0], [2]
        )
    if name == "STRIDED_SLICE":
        begin = [0, *(int(rng.integers(0, d)) for d in shape[1:])]
        end = [
            1,
            *(int(rng.integers(b + 1, d + 1)) for b, d in zip(begin[1:], shape[1:], strict=True)),
        ]
        step = [1, *(int(v) for v in rng.integers(1, 3, 3))]
        out = tuple(len(range(b, e, s)) for b, e, s in zip(begin, end, step, strict=True))
        extra = [T((4,), "int32", data=v) for v in (begin, end, step)]
        options = [(i, "Int32", 0) for i in range(5)]
        op = Op(name, [0, 1, 2, 3], [4], "StridedSliceOptions", options)
        return write([x, *extra, T(out, **q)], [op], [0], [4])
    axis = int(rng.integers(1, 4))
    if name == "CONCATENATION":
        other = tuple(int(rng.integers(1, 5)) if i == axis else d for i, d in enumerate(shape))
        out = tuple(d + other[i] if i == axis else d for i, d in enumerate(shape))
        op = Op(name, [0, 1], [2], "ConcatenationOptions", [(0, "Int32", axis - 4), (1, "Int8", 0)])
        return write([x, T(other, **q), T(out, **q)], [op], [0, 1], [2])
    count = int(rng.integers(2, 4))
    whole = tuple(d * count if i == axis else d for i, d in enumerate(shape))
    tensors = [T((), "int32", data=axis), T(whole, **q), *(T(shape, **q) for _ in range(count))]
    outputs = list(range(2, 2 + count))
    op = Op("SPLIT", [0, 1], outputs, "SplitOptions", [(0, "Int32", count)])
    return write(tensors, [op], [1], outputs)


OPERATORS = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "MEAN": mean,
    **{n: lambda rng, n=n: elementwise(rng, n) for n in ("ADD", "SUB", "MUL")},
    **{n: lambda rng, n=n: pool(rng, n) for n in ("AVERAGE_POOL_2D", "MAX_POOL_2D")},
    **{
        n: lambda rng, n=n: unary(rng, n)
        for n in [
            "LOGISTIC",
            "TANH",
            "RELU",
            "RELU6",
            "LEAKY_RELU",
            "HARD_SWISH",
            "QUANTIZE",
            "SOFTMAX",
        ]
    },
    **{
        n: lambda rng, n=n: moving(rng, n)
        for n in ("PAD", "TRANSPOSE", "STRIDED_SLICE", "CONCATENATION", "SPLIT")
    },
}


def samples(graph, n: int, rng) -> list[tuple[np.ndarray, ...]]:
    """n random samples, each a tuple with one array for each model input."""
    wanted = [graph.tensors[i] for i in graph.inputs]

    def one(t):
        if t.dtype == np.float32:
            return (2 * rng.standard_normal(t.shape)).astype(np.float32)
        info = np.iinfo(t.dtype)
        return rng.integers(info.min, info.max + 1, t.shape).astype(t.dtype)

    return [tuple(one(t) for t in wanted) for _ in range(n)]


def mutated(data: bytes, rng) -> bytes:
    """A file with one to five wounds: changed bytes, flipped bits, extreme integers, a cut."""
    d = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        kind, at = int(rng.integers(4)), int(rng.integers(len(d)))
        if kind == 0:
            d[at] = int(rng.integers(256))
        elif kind == 1:
            d[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            value = int(rng.choice([0, 1, -1, 2**31 - 1, -(2**31), 1 << 16, 127, 255]))
            d[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")[: len(d) - at]
        elif rng.random() < 0.2:
            d = d[: at + 1]
    return bytes(d)


def retrained(data: bytes) -> bytes:
    """The same file with the first int8 constant's values in reverse order."""
    from edgekit.export import read

    tensors = read(data).tensors
    old = next(t.data for t in tensors if t.data is not None and t.data.dtype == np.int8).tobytes()
    assert data.count(old) == 1
    return data.replace(old, old[::-1])
