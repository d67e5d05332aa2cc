"""Functions of one variable: a table of 256 values for int8, a loop for float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.operators import channels, floats
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, OperatorType, same_shape

Quantization = tuple[float, int]


def lookup(p: OperatorContext, table: np.ndarray) -> Layer:
    """A table [256] of int8 (or uint8, as int8) for -128 … 127, looked up value by value."""
    return p.layer(
        f"ek_lookup_s8({{table}}, (const int8_t *){{in0}}, (int8_t *){{out0}}, {p.y.size});",
        ["ek_lookup.h"],
        constants={"table": np.roll(table, 128)},
        overlap={p.x.index: 0},
    )


def by_table(
    table: Callable[[OperatorContext, Quantization, Quantization], np.ndarray],
    output: Quantization | None = None,
) -> Callable[[OperatorContext], Layer]:
    """A `lower` from `table(p, input's scale and zero point, output's)`; `output`: what they must be."""

    def lower(p: OperatorContext) -> Layer:
        p.inputs_between(1, 1)
        p.shape_is(p.x.shape)
        if p.types(p.x, p.y) == "float32":
            return floats.unary(p)
        x, y = (p.x.scale[0], zero_of(p.x)), (p.y.scale[0], zero_of(p.y))
        if output:
            fits = np.isclose(y[0], output[0]) and y[1] == output[1]
            p.require(fits, f"needs scale and zero point {output}")
        return lookup(p, table(p, x, y))

    return lower


def relu6(p: OperatorContext, x: Quantization, y: Quantization) -> np.ndarray:
    """Its table; without a rescale, as TFLM."""
    p.require(x == y, "rescales, which TFLM's kernel does not: give input and output one scale")
    return q.relu6_table(*x)


def leaky_relu(p: OperatorContext, x: Quantization, y: Quantization) -> np.ndarray:
    """Its table, for a slope that makes sense."""
    alpha = p.options["alpha"]
    p.require(np.isfinite(alpha) and 0 <= alpha < 1e4, f"has slope {alpha}")
    return q.leaky_relu_table(*x, *y, alpha)


def onnx(kind: str, *attributes: str):
    """An ONNX operator of one input, in real numbers; `attributes` are called as our options are."""

    def write(w: Writer, op: Operator) -> None:
        named = {a: op.options[a] for a in attributes}
        y = w.node(kind, [w.real(op.inputs[0])], **named)
        w.quantized(y, op.outputs[0], w.value(op.outputs[0]))

    return write


def onnx_relu6(w: Writer, op: Operator) -> None:
    """Clip."""
    w.quantized(w.fused(w.real(op.inputs[0]), "relu6"), op.outputs[0], w.value(op.outputs[0]))


def example(name: str, output=None, options=None):
    """A few hundred values; `output(x)` gives the output's scale and zero point from the input's."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, int(rng.integers(200, 400)))
        x = (e.scale(rng) * float(rng.choice([0.2, 1, 3])), e.zero(rng))
        drawn = e.scale(rng), e.zero(rng)
        y = output(x) if output else drawn
        tensors = [e.tensor(shape, "int8", *x), e.tensor(shape, "int8", *y)]
        op = e.operator(name, [0], [1], options(rng) if options else {})
        return e.model(tensors, [op], [0], [1])

    return make


LOGISTIC, TANH = (1 / 256, -128), (1 / 128, 0)  # the output's scale and zero point, by definition
OPERATORS = (
    OperatorType(
        "LOGISTIC",
        by_table(lambda p, x, y: q.logistic_table(*x), LOGISTIC),
        shape=same_shape,
        onnx=onnx("Sigmoid"),
        channels=channels.TABLE,
        examples=(example("LOGISTIC", lambda x: LOGISTIC),),
    ),
    OperatorType(
        "TANH",
        by_table(lambda p, x, y: q.tanh_table(*x), TANH),
        shape=same_shape,
        onnx=onnx("Tanh"),
        channels=channels.TABLE,
        examples=(example("TANH", lambda x: TANH),),
    ),
    OperatorType(
        "RELU",
        by_table(lambda p, x, y: q.relu_table(*x, *y)),
        shape=same_shape,
        onnx=onnx("Relu"),
        channels=channels.TABLE,
        examples=(example("RELU"),),
    ),
    OperatorType(
        "RELU6",
        by_table(relu6),
        shape=same_shape,
        onnx=onnx_relu6,
        channels=channels.TABLE,
        exact_onnx=True,
        examples=(example("RELU6", lambda x: x),),
    ),
    OperatorType(
        "LEAKY_RELU",
        by_table(leaky_relu),
        "LeakyReluOptions",
        {"alpha": Field("Alpha", 0, "Float32")},
        shape=same_shape,
        onnx=onnx("LeakyRelu", "alpha"),
        channels=channels.TABLE,
        examples=(
            example("LEAKY_RELU", options=lambda rng: {"alpha": float(rng.uniform(0.01, 0.5))}),
        ),
    ),
    OperatorType(
        "HARD_SWISH",
        by_table(lambda p, x, y: q.hard_swish_table(*x, *y)),
        shape=same_shape,
        onnx=onnx("HardSwish"),
        channels=channels.TABLE,
        examples=(example("HARD_SWISH"),),
    ),
)
