"""MAXIMUM and MINIMUM of two tensors, with numpy's broadcasting."""

from __future__ import annotations

import numpy as np

from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators.elementwise import broadcast, shape
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import OperatorType


def extreme(p: OperatorContext) -> Layer:
    """Checks it: it only moves values, so all three tensors must have one scale."""
    common = broadcast(p)
    kind = {"int8": "s8", "float32": "f32"}[p.types(*p.inputs, p.y)]
    for t in p.inputs:
        p.same_quantization(t, p.y)
    return p.layer(
        f"ek_{p.op.name.lower()}_{kind}(&{{params}}, {{in0}}, {{in1}}, {{out0}});",
        ["ek_extremes.h"],
        struct="extremes",
        **common,
    )


def onnx(w: Writer, op: Operator) -> None:
    """Max or Min."""
    kind = {"MAXIMUM": "Max", "MINIMUM": "Min"}[op.name]
    y = w.node(kind, [w.real(i) for i in op.inputs])
    w.quantized(y, op.outputs[0], w.value(op.outputs[0]))


def example(name: str):
    """Four dimensions, of which the second input may repeat any; sometimes it is constant."""

    def make(rng: np.random.Generator) -> Graph:
        whole = (1, *(int(v) for v in rng.integers(1, 6, 3)))
        other, x = whole, e.quantization(rng)
        if rng.random() < 0.6:
            other = tuple(d if rng.random() < 0.5 else 1 for d in whole)[int(rng.integers(0, 3)) :]
        constant = rng.integers(-128, 128, other) if rng.random() < 0.5 else None
        tensors = [e.tensor(whole, **x), e.tensor(other, **x, data=constant), e.tensor(whole, **x)]
        order = [0, 1] if rng.random() < 0.5 else [1, 0]
        inputs = [0] if constant is not None else [0, 1]
        return e.model(tensors, [e.operator(name, order, [2])], inputs, [2])

    return make


def _operator(name: str) -> OperatorType:
    return OperatorType(
        name,
        extreme,
        shape=shape,
        onnx=onnx,
        exact_onnx=True,
        channels=channels.LARGER if name == "MAXIMUM" else channels.SMALLER,
        examples=(example(name),),
    )


OPERATORS = (_operator("MAXIMUM"), _operator("MINIMUM"))
