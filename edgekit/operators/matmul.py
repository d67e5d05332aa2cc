"""BATCH_MATMUL: products of matrices, of which neither need be constant (attention)."""

from __future__ import annotations

import numpy as np

from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, Inputs, OperatorType, first_two

Shape = tuple[int, ...]


def matmul(p: OperatorContext) -> Layer:
    """Checks it; batches broadcast, and a transposed input is only read in other steps."""
    p.inputs_between(2, 2)
    a, b = p.inputs
    p.require(p.types(a, b, p.y) == "int8", "is supported in int8 only: quantize the model")
    p.require(min(len(a.shape), len(b.shape)) >= 2, "needs matrices")
    p.require(max(len(a.shape), len(b.shape)) <= 5, "has more than three dimensions of batches")
    shape = _product(a.shape, b.shape, p.options["adj_x"], p.options["adj_y"])
    if shape is None:
        p.refuse(f"shapes {list(a.shape)} and {list(b.shape)} do not fit")
    p.shape_is(shape)
    (rows, depth), (row_a, k_a) = _matrix(a.shape, p.options["adj_x"])
    (_, columns), (k_b, column_b) = _matrix(b.shape, p.options["adj_y"])
    multiplier, shift = q.quantize_multiplier(scale_of(a) * scale_of(b) / scale_of(p.y))
    p.require(
        shift <= 30 and (255 * 255 * depth) << max(shift, 0) < 1 << 31, "can overflow 32 bits"
    )
    batch = ((1,) * (5 - len(shape)) + shape)[:3]
    return p.layer(
        "ek_matmul_s8(&{params}, {in0}, {in1}, {out0});",
        ["ek_matmul.h"],
        struct="matmul_s8",
        inputs=(a.index, b.index),
        fields={
            "batch": batch,
            "step_a": _batch_steps(a.shape),
            "step_b": _batch_steps(b.shape),
            "rows": rows,
            "columns": columns,
            "depth": depth,
            "row_a": row_a,
            "k_a": k_a,
            "column_b": column_b,
            "k_b": k_b,
            "multiplier": multiplier,
            "zero_a": zero_of(a),
            "zero_b": zero_of(b),
            "zero_out": zero_of(p.y),
            "shift": shift,
        },
        macs=p.y.size * depth,
        comment=f"{list(a.shape)}, {list(b.shape)} -> {list(p.y.shape)}",
    )


def _matrix(shape: Shape, transposed: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of a matrix as it is multiplied, and the values from one to the next."""
    rows, columns = shape[-2:]
    return ((columns, rows), (1, columns)) if transposed else ((rows, columns), (columns, 1))


def _batch_steps(shape: Shape) -> list[int]:
    """Values from one matrix to the next along each of three dimensions; 0 where one is repeated."""
    whole = (1,) * (5 - len(shape)) + shape
    return [0 if whole[i] == 1 else int(np.prod(whole[i + 1 :])) for i in range(3)]


def _product(a: Shape, b: Shape, adj_x: bool, adj_y: bool) -> Shape | None:
    """The shape of the product, or None where there is none."""
    if min(len(a), len(b)) < 2:
        return None
    ((rows, depth), _), ((other, columns), _) = _matrix(a, adj_x), _matrix(b, adj_y)
    try:
        batch = np.broadcast_shapes(a[:-2], b[:-2])
    except ValueError:
        return None
    return (*batch, rows, columns) if depth == other else None


def shape(op: Operator, inputs: Inputs) -> Shape | None:
    """Batches as they broadcast, then rows and columns."""
    a, b = first_two(inputs)
    if a is None or b is None:
        return None
    return _product(a.shape, b.shape, op.options["adj_x"], op.options["adj_y"])


def onnx(w: Writer, op: Operator) -> None:
    """MatMul, after Transpose where it says so."""
    given = []
    for i, key in zip(op.inputs, ("adj_x", "adj_y"), strict=True):
        value, rank = w.real(i), len(w.tensor(i).shape)
        if op.options[key]:
            order = [*range(rank - 2), rank - 1, rank - 2]
            value = w.node("Transpose", [value], perm=order)
        given.append(value)
    w.quantized(w.node("MatMul", given), op.outputs[0], w.value(op.outputs[0]))


def example(rng: np.random.Generator) -> Graph:
    """Either input transposed or not, batches of up to three dimensions, the second sometimes constant."""
    rows, depth, columns = (int(v) for v in rng.integers(1, 9, 3))
    batch = (1, *(int(v) for v in rng.integers(1, 4, rng.integers(0, 3))))
    adj = [bool(v) for v in rng.integers(0, 2, 2)]
    a = (*batch, *((depth, rows) if adj[0] else (rows, depth)))
    other = tuple(d if rng.random() < 0.6 else 1 for d in batch)
    b = (*other, *((columns, depth) if adj[1] else (depth, columns)))
    constant = rng.integers(-128, 128, b) if rng.random() < 0.3 else None
    tensors = [
        e.tensor(a, **e.quantization(rng)),
        e.tensor(b, **e.quantization(rng), data=constant),
        e.tensor((*batch, rows, columns), scale=rng.uniform(0.05, 1.0), zero=e.zero(rng)),
    ]
    options = {"adj_x": adj[0], "adj_y": adj[1]}
    inputs = [0, 1] if constant is None else [0]
    return e.model(tensors, [e.operator("BATCH_MATMUL", [0, 1], [2], options)], inputs, [2])


OPERATORS = (
    OperatorType(
        "BATCH_MATMUL",
        matmul,
        "BatchMatMulOptions",
        {"adj_x": Field("AdjX", 0, "Bool"), "adj_y": Field("AdjY", 1, "Bool")},
        shape=shape,
        onnx=onnx,
        examples=(example,),
    ),
)
