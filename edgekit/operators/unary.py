"""ABS, NEG, SQUARE, SQRT, RSQRT, EXP, LOG, ELU and GELU: more functions of one variable.

For int8 each is a table, with the steps of TFLM, or of LiteRT where TFLM computes it in float32 only. A value
below zero has no root: the runtimes stop there, and the tables give what zero gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.activation import Quantization, example, lookup, onnx
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, OperatorType, same_shape

Table = Callable[[Quantization, Quantization], np.ndarray]
IN_FLOAT32 = ("ABS", "NEG", "SQUARE", "SQRT", "RSQRT")  # exact there without a library


def unary(table: Table | None) -> Callable[[OperatorContext], Layer]:
    """A `lower` by `table(input's scale and zero point, output's)` for int8, by a loop for float32."""

    def lower(p: OperatorContext) -> Layer:
        p.inputs_between(1, 1)
        p.shape_is(p.x.shape)
        if p.types(p.x, p.y) == "int8":
            if table is None:
                p.refuse("is defined in float32 only, and here it works on int8")
            return lookup(p, table((p.x.scale[0], zero_of(p.x)), (p.y.scale[0], zero_of(p.y))))
        p.require(p.op.name in IN_FLOAT32, "is supported in int8 only: quantize the model")
        return p.layer(
            f"ek_{p.op.name.lower()}_f32({{in0}}, {{out0}}, {p.y.size});",
            ["ek_unary.h"],
            overlap={p.x.index: 0},
        )

    return lower


def absolute(x: Quantization, y: Quantization) -> np.ndarray:
    """ABS (micro/kernels/elementwise.cc): no rescale where the scales are equal."""
    value = abs(q.CODES - x[1])
    if x[0] != y[0]:
        value = q.multiply_by_quantized(value, *q.quantize_multiplier(float(x[0]) / float(y[0])))
    return _int8(value + y[1])


def reciprocal_root(x: Quantization, y: Quantization) -> np.ndarray:
    """RSQRT (micro/kernels/elementwise.cc): an integer root with 20 bits more, then the rescale."""
    multiplier, shift = q.quantize_multiplier(1 / (math.sqrt(float(x[0])) * float(y[0])))

    def one(value: int) -> int:
        if value <= 0:
            return 127
        inverse, inverse_shift = q.inverse_root(value)
        data = q.multiply_by_quantized(1, inverse, inverse_shift + 20)
        return int(q.multiply_by_quantized(data, multiplier, shift - 20)) + y[1]

    return _int8([one(int(code) - x[1]) for code in q.CODES])


def in_float(function: Callable[[np.ndarray, float], np.ndarray], most: float = 2.0**31) -> Table:
    """A table by way of float32 (LUTPopulate); `function` is given the lowest output, too. most: steps from
    which on the runtimes do not saturate."""

    def table(x: Quantization, y: Quantization) -> np.ndarray:
        values = np.float32(x[0]) * (np.arange(-128, 128) - x[1]).astype(np.float32)
        lowest = np.float32(-128 - y[1]) * np.float32(y[0])
        with np.errstate(all="ignore"):
            steps = function(values, float(lowest)) * (np.float32(1) / np.float32(y[0]))
            rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps))
        return _codes(rounded, y, most)

    return table


def _codes(steps: np.ndarray, y: Quantization, most: float = 2.0**31) -> np.ndarray:
    """int8 of whole `steps` from the zero point. Raises EdgekitError where a runtime would overflow."""
    if not (np.abs(steps) < most).all():  # or NaN
        raise EdgekitError(
            "input and output scales are too far apart: 32-bit arithmetic would overflow"
        )
    return np.clip(steps.astype(np.float64) + y[1], -128, 127).astype(np.int8)


def root(x: Quantization, y: Quantization) -> np.ndarray:
    """SQRT (lite/kernels/elementwise.cc), which cuts off and does not round."""
    values = np.float32(x[0]) * np.maximum(np.arange(-128, 128) - x[1], 0).astype(np.float32)
    with np.errstate(all="ignore"):
        steps = np.trunc(np.sqrt(values) / np.float32(y[0]))
    return _codes(steps, y)


def _float32(function: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    """Value by value in double, then rounded: numpy's own float32 functions are a step off here and there."""

    def every(x: np.ndarray) -> np.ndarray:
        return np.array([function(float(v)) for v in x]).astype(np.float32)

    return every


def exponential(x: np.ndarray, lowest: float) -> np.ndarray:
    """exp, in float32."""
    return _float32(lambda v: math.exp(min(v, 88.0)))(x)


def logarithm(x: np.ndarray, lowest: float) -> np.ndarray:
    """ln; the lowest output for what has none."""
    return _float32(lambda v: math.log(v) if v > 0 else lowest)(x)


def elu(x: np.ndarray, lowest: float) -> np.ndarray:
    """exp(x) - 1 below zero."""
    below = exponential(np.minimum(x, 0), lowest) - np.float32(1)
    return np.where(x < 0, below, x).astype(np.float32)


def gelu(x: np.ndarray, lowest: float) -> np.ndarray:
    """x · P(a normal variable < x), of which erfc keeps the digits below zero."""
    below = _float32(math.erfc)(x * np.float32(-math.sqrt(0.5)))
    return np.float32(0.5) * x * below


def gelu_by_tanh(x: np.ndarray, lowest: float) -> np.ndarray:
    """GELU, approximated."""
    inner = np.float32(math.sqrt(2 / math.pi)) * x * (1 + np.float32(0.044715) * x * x)
    return np.float32(0.5) * x * (1 + _float32(math.tanh)(inner))


def gelu_of(p: OperatorContext) -> Layer:
    """Checks a GELU, which comes in two forms."""
    return unary(in_float(gelu_by_tanh if p.options["approximate"] else gelu))(p)


def _int8(values: Any) -> np.ndarray:
    return np.clip(np.asarray(values, object), -128, 127).astype(np.int8)


def onnx_rsqrt(w: Writer, op: Operator) -> None:
    """Reciprocal of Sqrt."""
    y = w.node("Reciprocal", [w.node("Sqrt", [w.real(op.inputs[0])])])
    w.quantized(y, op.outputs[0], w.value(op.outputs[0]))


def positive_example(name: str):
    """Nothing below zero: the runtimes refuse to go on there."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, int(rng.integers(200, 400)))
        x = (e.scale(rng) * float(rng.choice([0.2, 1, 3])), -128)
        tensors = [e.tensor(shape, "int8", *x), e.tensor(shape, **e.quantization(rng))]
        return e.model(tensors, [e.operator(name, [0], [1])], [0], [1])

    return make


def float_example(name: str):
    """Between a DEQUANTIZE and a QUANTIZE, as converters write what int8 does not have; nothing is 0."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, int(rng.integers(200, 400)))
        x: dict[str, Any] = {"scale": e.scale(rng), "zero": -128}
        tensors = [e.tensor(shape, **x), e.tensor((1,), data=[-127], **x), e.tensor(shape, **x)]
        tensors += [e.tensor(shape, "float32"), e.tensor(shape, "float32")]
        tensors += [e.tensor(shape, scale=e.scale(rng) * 2, zero=e.zero(rng))]
        ops = [e.operator("MAXIMUM", [0, 1], [2]), e.operator("DEQUANTIZE", [2], [3])]
        ops += [e.operator(name, [3], [4]), e.operator("QUANTIZE", [4], [5])]
        return e.model(tensors, ops, [0], [5])

    return make


def _operator(name: str, table: Table | None, *examples: Any, **more: Any) -> OperatorType:
    return OperatorType(
        name,
        unary(table),
        shape=same_shape,
        channels=channels.TABLE,
        examples=examples,
        **more,
    )


OPERATORS = (
    _operator("ABS", absolute, example("ABS"), float_example("ABS"), onnx=onnx("Abs")),
    _operator("NEG", None, float_example("NEG")),
    _operator("SQUARE", None, float_example("SQUARE")),
    _operator("SQRT", root, positive_example("SQRT"), tflm=False),
    _operator("RSQRT", reciprocal_root, positive_example("RSQRT"), float_example("RSQRT")),
    _operator("EXP", in_float(exponential, np.inf), example("EXP"), onnx=onnx("Exp"), tflm=False),
    _operator("LOG", in_float(logarithm), positive_example("LOG"), tflm=False),
    _operator("ELU", in_float(elu), example("ELU"), onnx=onnx("Elu")),
    OperatorType(
        "GELU",
        gelu_of,
        "GeluOptions",
        {"approximate": Field("Approximate", 0, "Bool")},
        shape=same_shape,
        channels=channels.TABLE,
        tflm=False,
        examples=tuple(
            example("GELU", options=lambda rng, way=way: {"approximate": way})
            for way in (False, True)
        ),
    ),
)
