"""QUANTIZE and DEQUANTIZE: from one type or scale to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.activation import example, lookup
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, literal, scale_of, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import OperatorType, same_shape


def quantize(p: OperatorContext) -> Layer:
    """Checks a QUANTIZE and chooses among its kernels by the types of input and output."""
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    if str(p.x.dtype) == "int16":
        return quantize_wide(p)
    if str(p.x.dtype) == "int8" and str(p.y.dtype) == "uint8":
        p.require(len(p.x.scale) == len(p.y.scale) == 1, "needs one scale for input and output")
        scales = scale_of(p.x), zero_of(p.x), scale_of(p.y), zero_of(p.y)
        table = np.clip(q.requantize_table(*scales), 0, 255).astype(np.uint8)
        return lookup(p, table.view(np.int8))
    p.require(
        str(p.y.dtype) == "int8" and len(p.y.scale) == 1,
        f"to {p.y.dtype} is not supported; use int8",
    )
    if p.x.dtype == np.float32:
        return p.layer(
            f"ek_quantize_s8({{in0}}, {{out0}}, {p.y.size}, {literal(p.y.scale[0])}, "
            f"{zero_of(p.y)});",
            ["ek_quantize.h"],
            overlap={p.x.index: 0},
        )
    p.require(len(p.x.scale) == 1, "needs one scale for its input")
    first = 0 if p.x.dtype == np.uint8 else -128
    table = q.requantize_table(scale_of(p.x), zero_of(p.x), scale_of(p.y), zero_of(p.y), first)
    table = np.clip(table, -128, 127).astype(np.int8)
    return lookup(p, table if first else np.roll(table, 128))


def quantize_wide(p: OperatorContext) -> Layer:
    """int16 → int8 or int32, as audio front ends and their classifiers want it."""
    kind = str(p.y.dtype)
    p.require(kind in ("int8", "int32"), f"from int16 to {kind} is not supported; use int8")
    p.require(len(p.x.scale) == len(p.y.scale) == 1, "needs one scale for input and output")
    zero_in, zero_out = zero_of(p.x), zero_of(p.y)
    p.require(-(1 << 15) <= zero_in < 1 << 15, "has a zero point that is no int16")
    p.require(-(1 << 30) < zero_out < 1 << 30, "has a zero point that is too large")
    multiplier, shift = q.quantize_multiplier(scale_of(p.x) / scale_of(p.y))
    p.require(shift <= 13, "its output scale is far too small")
    return p.layer(
        f"ek_requantize_s16_s{8 * p.y.dtype.itemsize}({{in0}}, {{out0}}, {p.y.size}, {zero_in}, "
        f"{multiplier}, {shift}, {zero_out});",
        ["ek_rescale.h"],
    )


def dequantize(p: OperatorContext) -> Layer:
    """Checks a DEQUANTIZE, int8 to float32."""
    p.inputs_between(1, 1)
    p.shape_is(p.x.shape)
    p.require(
        str(p.x.dtype) == "int8" and str(p.y.dtype) == "float32", "goes from int8 to float32 only"
    )
    p.require(len(p.x.scale) == 1, "needs one scale for its input")
    return p.layer(
        f"ek_dequantize_s8({{in0}}, {{out0}}, {p.y.size}, {literal(p.x.scale[0])}, "
        f"{zero_of(p.x)});",
        ["ek_quantize.h"],
    )


def onnx_quantize(w: Writer, op: Operator) -> None:
    """QuantizeLinear, after DequantizeLinear where the input is int8."""
    is_float = w.tensor(op.inputs[0]).dtype == np.float32
    x = w.value(op.inputs[0]) if is_float else w.real(op.inputs[0])
    w.quantized(x, op.outputs[0], w.value(op.outputs[0]))


def onnx_dequantize(w: Writer, op: Operator) -> None:
    """DequantizeLinear."""
    inputs = [w.value(op.inputs[0]), *w.quantization(w.tensor(op.inputs[0]))]
    w.node("DequantizeLinear", inputs, w.value(op.outputs[0]))


def train_quantize(f: Any, op: Operator):
    """From one int8 scale to another."""
    x, y = f.tensor(op.inputs[0]), f.tensor(op.outputs[0])
    return f.saturated(f.rescaled(f.value(x.index), float(x.scale[0]) / float(y.scale[0])), op)


def wide_example(rng: np.random.Generator) -> Graph:
    """int16 in, int8 inside, int16 softmax, int32 out: what an audio model does at its edges."""
    n = int(rng.integers(2, 20))
    tensors = [
        e.tensor((1, n), "int16", 0.001, 0),
        e.tensor((1, n), **e.quantization(rng)),
        e.tensor((1, n), "int16", 1 / 65536, -32768),
        e.tensor((1, n), "int32", 1 / 32768, 0),
    ]
    ops = [
        e.operator("QUANTIZE", [0], [1]),
        e.operator("SOFTMAX", [1], [2], {"beta": 1.0}),
        e.operator("QUANTIZE", [2], [3]),
    ]
    return e.model(tensors, ops, [0], [3])


def dequantize_example(rng: np.random.Generator) -> Graph:
    """Two outputs, one of them float."""
    n, x = int(rng.integers(1, 20)), e.quantization(rng)
    tensors = [e.tensor((1, n), **x), e.tensor((1, n), **e.quantization(rng))]
    tensors += [e.tensor((1, n), "float32")]
    ops = [e.operator("LEAKY_RELU", [0], [1], {"alpha": 0.25}), e.operator("DEQUANTIZE", [1], [2])]
    return e.model(tensors, ops, [0], [2, 1])


OPERATORS = (
    OperatorType(
        "QUANTIZE",
        quantize,
        shape=same_shape,
        onnx=onnx_quantize,
        channels=channels.TABLE,
        train=train_quantize,
        examples=(example("QUANTIZE"), wide_example),
    ),
    OperatorType(
        "DEQUANTIZE",
        dequantize,
        shape=same_shape,
        onnx=onnx_dequantize,
        examples=(dequantize_example,),
    ),
)
