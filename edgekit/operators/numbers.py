"""ARG_MAX, ARG_MIN and CAST: plain numbers out of quantized ones."""

from __future__ import annotations

import numpy as np

from edgekit.operators import example as e
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.moves.splitting import one_axis
from edgekit.operators.record import Field, OperatorType, same_shape

KINDS = {"int8": "s8", "uint8": "u8", "int16": "s16", "int32": "s32", "float32": "f32"}
TYPES = {2: "int32", 4: "int64"}  # TensorType, as ARG_MAX gives it
WIDENS = {
    "int8": ("int16", "int32", "float32"),
    "uint8": ("int16", "int32", "float32"),
    "int16": ("int32", "float32"),
}


def arg(p: OperatorContext) -> Layer:
    """Checks an ARG_MAX or ARG_MIN: the number of the first of the largest or smallest along one axis."""
    p.inputs_between(2, 2)
    p.require(p.x.data is None, "works on a constant")
    axis = one_axis(p, 1, len(p.x.shape))
    kind = KINDS[p.types(p.x)]
    p.require(
        str(p.y.dtype) == p.options["output"] == "int32",
        f"gives {p.y.dtype}: ask for tf.int32 (output_type)",
    )
    shape = p.x.shape[:axis] + p.x.shape[axis + 1 :]
    p.shape_is(shape)
    outer, inner = (
        int(np.prod(s, dtype=np.int64)) for s in (p.x.shape[:axis], p.x.shape[axis + 1 :])
    )
    return p.layer(
        f"ek_{p.op.name.lower()}_{kind}({{in0}}, {{out0}}, {outer}, {p.x.shape[axis]}, {inner});",
        ["ek_numbers.h"],
    )


def cast(p: OperatorContext) -> Layer:
    """Checks a CAST to a type that holds every value of the first; scales do not count."""
    p.inputs_between(1, 1)
    p.require(p.x.data is None, "works on a constant")
    p.shape_is(p.x.shape)
    a, b = str(p.x.dtype), str(p.y.dtype)
    p.require(b in WIDENS.get(a, ()), f"from {a} to {b} is not supported: only to a wider type")
    return p.layer(
        f"ek_cast_{KINDS[a]}_{KINDS[b]}({{in0}}, {{out0}}, {p.y.size});", ["ek_numbers.h"]
    )


def arg_example(name: str):
    """Along any axis, with ties, of which the first counts."""

    def make(rng: np.random.Generator) -> Graph:
        shape = (1, *(int(v) for v in rng.integers(1, 9, rng.integers(1, 4))))
        axis = int(rng.integers(1, len(shape)))
        out = shape[:axis] + shape[axis + 1 :]
        given = axis - len(shape) if rng.random() < 0.5 else axis
        tensors = [e.tensor(shape, **e.quantization(rng)), e.tensor((), "int32", data=given)]
        op = e.operator(name, [0, 1], [2], {"output": "int32"})
        return e.model([*tensors, e.tensor(out, "int32")], [op], [0], [2])

    return make


def cast_example(rng: np.random.Generator) -> Graph:
    """Bytes of a picture as real numbers, then quantized."""
    shape = (1, int(rng.integers(2, 40)))
    kind = str(rng.choice(["int8", "int16"]))
    tensors = [e.tensor(shape, kind, e.scale(rng)), e.tensor(shape, "float32")]
    tensors += [e.tensor(shape, scale=e.scale(rng) * 20, zero=e.zero(rng))]
    ops = [e.operator("CAST", [0], [1]), e.operator("QUANTIZE", [1], [2])]
    return e.model(tensors, ops, [0], [2])


def _arg(name: str, table: str) -> OperatorType:
    output = {"output": Field("OutputType", 0, "Int8", TYPES)}
    return OperatorType(name, arg, table, output, examples=(arg_example(name),))


OPERATORS = (
    _arg("ARG_MAX", "ArgMaxOptions"),
    _arg("ARG_MIN", "ArgMinOptions"),
    OperatorType("CAST", cast, shape=same_shape, examples=(cast_example,)),
)
