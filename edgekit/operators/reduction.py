"""SUM, REDUCE_MAX and REDUCE_MIN: as MEAN, of any axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Operator
from edgekit.operators.layer import Layer, OperatorContext, scale_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.pooling import (
    reduced_example,
    reduced_shape,
    reduction,
    scattered_example,
    summed,
)
from edgekit.operators.record import Channels, Field, OperatorType


def total(p: OperatorContext) -> Layer:
    """Checks a SUM: the kernel of MEAN with the multiplier that does not divide."""
    _, rows, _, reduced, _ = reduction(p)
    p.require(p.types(p.x, p.y) == "int8", "is supported in int8 only: quantize the model")
    count = rows * reduced
    multiplier, shift = q.quantize_multiplier(scale_of(p.x) / scale_of(p.y))
    p.require(
        shift <= 30 and (255 * count) << max(shift, 0) < 2**31, "its sum can overflow 32 bits"
    )
    return summed(p, multiplier, shift)


def extreme(p: OperatorContext) -> Layer:
    """Checks a REDUCE_MAX or REDUCE_MIN, which only moves values."""
    sizes = ", ".join(map(str, reduction(p)))
    kind = {"int8": "s8", "float32": "f32"}[p.types(p.x, p.y)]
    p.same_quantization(p.x, p.y)
    return p.layer(
        f"ek_{p.op.name.lower()}_{kind}({{in0}}, {{out0}}, {sizes});",
        ["ek_reduce.h"],
        overlap={p.x.index: 0},
    )


def onnx(w: Writer, op: Operator) -> None:
    """ReduceMax, ReduceMin or ReduceSum, which alone takes its axes as an input."""
    kind = {"SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax", "REDUCE_MIN": "ReduceMin"}[op.name]
    axes = [int(a) for a in np.ravel(w.known(op.inputs[1]))]
    given: dict[str, Any] = {"keepdims": int(op.options["keep_dims"])}
    inputs = [w.real(op.inputs[0])]
    if op.name == "SUM":
        inputs.append(w.constant(axes, np.int64))
    else:
        given["axes"] = axes
    w.quantized(w.node(kind, inputs, **given), op.outputs[0], w.value(op.outputs[0]))


def _operator(name: str, lower: Any, rule: Channels, same: bool, **more: Any) -> OperatorType:
    return OperatorType(
        name,
        lower,
        "ReducerOptions",
        {"keep_dims": Field("KeepDims", 0, "Bool")},
        shape=reduced_shape,
        onnx=onnx,
        channels=rule,
        examples=(reduced_example(name, same), scattered_example(name, same)),
        **more,
    )


OPERATORS = (
    _operator("SUM", total, channels.MEAN, False),
    _operator("REDUCE_MAX", extreme, channels.EXTREME, True, exact_onnx=True),
    _operator("REDUCE_MIN", extreme, channels.EXTREME, True, exact_onnx=True),
)
