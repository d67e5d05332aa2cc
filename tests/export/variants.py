"""Rarer models than in tiny.py: functions of a numpy Generator that give a `.tflite`."""

from __future__ import annotations

from edgekit.testing.tflite_file import Op, T, write
from tests.export.tiny import OPERATORS, RARER

VARIANTS = RARER
svdf, conversions = OPERATORS["SVDF"], RARER["QUANTIZE 1"]
RELU = ("LEAKY_RELU", "LeakyReluOptions", [(0, "Float32", 0.25)])


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
