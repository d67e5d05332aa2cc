"""FULLY_CONNECTED."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels, floats, weights
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, Inputs, OperatorType, activation, first_two
from edgekit.operators.weights import pair_order, requant, switches, weights_and_bias


def fully_connected(p: OperatorContext) -> Layer:
    """Checks a FULLY_CONNECTED."""
    p.inputs_between(2, 3)
    p.require(p.options["weights_format"] == 0, "has shuffled weights")
    filters = p.inputs[1]
    p.require(len(filters.shape) == 2, "its weights need two dimensions")
    out_size, in_size = filters.shape
    p.require(p.x.size % in_size == 0, f"{p.x.size} inputs are no multiple of {in_size}")
    rows_count = p.x.size // in_size
    if p.options["keep_num_dims"]:
        p.require(p.x.shape[-1:] == (in_size,), f"its last dimension is not {in_size}")
        p.shape_is((*p.x.shape[:-1], out_size))
    else:
        p.require(
            p.y.size == rows_count * out_size and p.y.shape[-1:] == (out_size,),
            f"should give {rows_count} x {out_size} and the file says {list(p.y.shape)}",
        )
    fields = {"rows": rows_count, "in_size": in_size, "out_size": out_size}
    macs = rows_count * in_size * out_size
    if p.types(p.x, p.y) == "float32":
        return floats.multiply(p, "fully_connected_f32", fields, out_size, macs)
    rows, bias, bound = weights_and_bias(p, 0)
    quant, constants = requant(p, rows, bias, bound)
    fields |= {"weights": "@weights", "requant": quant}
    return p.layer(
        "ek_fully_connected_s8(&{params}, {in0}, {out0});",
        ["ek_fully_connected.h"],
        struct="fully_connected_s8",
        switches=switches(quant, out_size),
        fields=fields,
        constants=constants | {"weights": pair_order(rows)},
        macs=macs,
    )


def shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """Rows and channels, or the input's shape but for its last dimension."""
    x, t = first_two(inputs)
    if x is None or t is None or len(t.shape) != 2 or x.size % t.shape[1]:
        return None
    if op.options["keep_num_dims"]:
        return (*x.shape[:-1], t.shape[0])
    return (x.size // t.shape[1], t.shape[0])


def onnx(w: Writer, op: Operator) -> None:
    """Gemm on rows."""
    t, y = w.tensor(op.inputs[1]), w.tensor(op.outputs[0])
    rows = w.node("Reshape", [w.value(op.inputs[0]), w.constant([-1, t.shape[1]], np.int64)])
    bias = weights.onnx_bias
    inputs = [w.real(op.inputs[0], rows), w.weights(w.known(t.index), t.scale, 0), *bias(w, op)]
    value = w.fused(w.node("Gemm", inputs, transB=1), op.options["activation"])
    value = w.quantized(value, op.outputs[0])
    w.node("Reshape", [value, w.constant(y.shape, np.int64)], w.value(op.outputs[0]))


def sums(f: Any, op: Operator, u, w):
    """Sums of products: (rows, channels)."""
    return f.tf.matmul(f.tf.reshape(u, [-1, w.shape[1]]), w, transpose_b=True)


def example(rng: np.random.Generator) -> Graph:
    """One or two rows."""
    size, out, rows = (int(v) for v in rng.integers(1, [70, 20, 3]))
    per_channel = out > 1 and bool(rng.integers(2))
    sx, sy = e.scale(rng), float(np.float32(rng.uniform(0.02, 1.0)))
    sw = rng.uniform(0.001, 0.02, out if per_channel else 1).astype(np.float32)
    tensors = [
        e.tensor((rows, size), scale=sx, zero=e.zero(rng)),
        e.tensor((out, size), scale=sw, data=rng.integers(-127, 128, (out, size))),
        e.tensor((out,), "int32", sx * sw, data=rng.integers(-4000, 4000, out)),
        e.tensor((rows, out), scale=sy, zero=e.zero(rng)),
    ]
    options: dict[str, Any] = {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    options |= {"weights_format": 0, "keep_num_dims": False}
    inputs = [0, 1, 2] if rng.random() < 0.7 else [0, 1, -1]
    op = e.operator("FULLY_CONNECTED", inputs, [3], options)
    return e.model(tensors, [op], [0], [3])


def deep_example(rng: np.random.Generator) -> Graph:
    """Over the last of three dimensions."""
    rows, size, out = (int(v) for v in rng.integers(1, [6, 40, 12]))
    sx = e.scale(rng)
    sw = rng.uniform(0.001, 0.02, out if rng.random() < 0.5 else 1).astype(np.float32)
    tensors = [
        e.tensor((1, rows, size), scale=sx, zero=e.zero(rng)),
        e.tensor((out, size), scale=sw, data=rng.integers(-127, 128, (out, size))),
        e.tensor((out,), "int32", sx * sw, data=rng.integers(-4000, 4000, out)),
        e.tensor((1, rows, out), scale=rng.uniform(0.02, 1.0), zero=e.zero(rng)),
    ]
    options = {"activation": "none", "weights_format": 0, "keep_num_dims": True}
    inputs = [0, 1, 2] if rng.random() < 0.7 else [0, 1]
    op = e.operator("FULLY_CONNECTED", inputs, [3], options)
    return e.model(tensors, [op], [0], [3])


OPERATORS = (
    OperatorType(
        "FULLY_CONNECTED",
        fully_connected,
        "FullyConnectedOptions",
        activation(0)
        | {
            "weights_format": Field("WeightsFormat", 1, "Int8"),
            "keep_num_dims": Field("KeepNumDims", 2, "Bool"),
        },
        shape=shape,
        onnx=onnx,
        train=weights.train(sums),
        frozen=weights.frozen,
        channels=channels.MIXED,
        weighted=True,
        examples=(example, deep_example),
    ),
)
