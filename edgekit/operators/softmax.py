"""SOFTMAX."""

from __future__ import annotations

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, literal, scale_of, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, OperatorType, same_shape


def softmax(p: OperatorContext) -> Layer:
    """Checks a SOFTMAX; for int8 the exponential is a table."""
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    p.require(len(p.x.shape) >= 1, "needs at least one dimension")
    beta, depth = p.options["beta"], p.x.shape[-1]
    p.require(np.isfinite(beta) and beta > 0, f"has beta {beta}")
    rows = p.x.size // depth
    wide = str(p.x.dtype) == "int8" and str(p.y.dtype) == "int16"
    if p.types(*((p.x,) if wide else (p.x, p.y))) == "float32":
        return p.layer(
            f"ek_softmax_f32({{in0}}, {{out0}}, {rows}, {depth}, {literal(beta)});",
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
        depth < 8192, "has more than 8,191 classes: the fixed-point sum would leave its range"
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


def onnx(w: Writer, op: Operator) -> None:
    """Softmax over the last axis, of beta times the input."""
    x = w.real(op.inputs[0])
    if op.options["beta"] != 1:
        x = w.node("Mul", [x, w.constant(op.options["beta"], np.float32)])
    w.quantized(w.node("Softmax", [x], axis=-1), op.outputs[0], w.value(op.outputs[0]))


def example(rng: np.random.Generator) -> Graph:
    """Up to three rows."""
    x = e.scale(rng) * float(rng.choice([0.2, 1, 3])), e.zero(rng)
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 40)))
    tensors = [e.tensor(shape, "int8", *x), e.tensor(shape, "int8", 1 / 256, -128)]
    op = e.operator("SOFTMAX", [0], [1], {"beta": float(rng.choice([0.5, 1.0]))})
    return e.model(tensors, [op], [0], [1])


def wide_example(rng: np.random.Generator) -> Graph:
    """More classes than the sum has room for as a signed number."""
    shape = (1, int(rng.integers(4097, 8192)))
    tensors = [e.tensor(shape, scale=0.2, zero=e.zero(rng)), e.tensor(shape, "int8", 1 / 256, -128)]
    return e.model(tensors, [e.operator("SOFTMAX", [0], [1], {"beta": 1.0})], [0], [1])


OPERATORS = (
    OperatorType(
        "SOFTMAX",
        softmax,
        "SoftmaxOptions",
        {"beta": Field("Beta", 0, "Float32")},
        shape=same_shape,
        onnx=onnx,
        examples=(example, wide_example),
    ),
)
