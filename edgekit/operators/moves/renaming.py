"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape, nothing to do at run time."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import OperatorContext
from edgekit.operators.moves.shape_arithmetic import SMALL
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, Inputs, OperatorType, first_two


def rename(p: OperatorContext) -> None:
    """Checks it; its reader finds the bytes where the input has them."""
    p.require(len(p.outputs) == 1, "has more than one output")
    p.require(
        p.x.size == p.y.size and p.x.dtype == p.y.dtype, "changes the number or type of its values"
    )
    p.same_quantization(p.x, p.y)
    if p.op.name == "RESHAPE" and len(p.inputs) > 1 and p.inputs[1] is not None:
        target = [int(d) for d in np.ravel(p.constant(1, "shape"))]
        known = [d for d in target if d > 0]
        p.require(target.count(-1) <= 1 and all(d > 0 or d == -1 for d in target), f"to {target}")
        rest = p.x.size // int(np.prod(known, dtype=object)) if known else p.x.size
        p.shape_is(rest if d == -1 else d for d in target)
    p.require(p.x.data is None, "reshapes a constant: reshape it before converting")


def reshape_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The second input, with its one -1 worked out."""
    x, second = first_two(inputs)
    if x is None or second is None or second.data is None or second.size > SMALL:
        return None
    target = [int(d) for d in np.ravel(second.data)]
    known = int(np.prod([d for d in target if d > 0], dtype=object))
    if target.count(-1) > 1 or min(target, default=1) < -1 or 0 in target or x.size % known:
        return None
    return tuple(x.size // known if d == -1 else d for d in target)


def onnx(w: Writer, op: Operator) -> None:
    """Reshape."""
    shape = w.constant(w.tensor(op.outputs[0]).shape, np.int64)
    w.node("Reshape", [w.value(op.inputs[0]), shape], w.value(op.outputs[0]))


def train(f: Any, op: Operator):
    """Another shape, the same values."""
    return f.reshaped(f.value(op.inputs[0]), op)


def example(name: str):
    """One of them, then an operator that computes."""

    def make(rng: np.random.Generator) -> Graph:
        a, b = (int(v) for v in rng.integers(2, 9, 2))
        x = e.quantization(rng)
        before, after, extra, options = {
            "RESHAPE": ((1, a, b), (1, a * b), e.ints(1, -1), {}),
            "SQUEEZE": ((1, a, 1, b), (1, a, b), None, {"axes": (2,)}),
            "EXPAND_DIMS": ((1, a, b), (1, a, 1, b), e.tensor((), "int32", data=2), {}),
        }[name]
        tensors = [e.tensor(before, **x), e.tensor(after, **x)]
        tensors += [e.tensor(after, **e.quantization(rng)), *([extra] if extra else [])]
        ops = [e.operator(name, [0, 3] if extra else [0], [1], options)]
        ops += [e.operator("QUANTIZE", [1], [2])]
        return e.model(tensors, ops, [0], [2])

    return make


def _operator(name: str, **more: Any) -> OperatorType:
    return OperatorType(
        name,
        rename,
        onnx=onnx,
        train=train,
        exact_onnx=True,
        channels=channels.RENAMED,
        examples=(example(name),),
        **more,
    )


OPERATORS = (
    _operator("RESHAPE", shape=reshape_shape),
    _operator(
        "SQUEEZE", table="SqueezeOptions", fields={"axes": Field("SqueezeDimsAsNumpy", 0, "Vector")}
    ),
    _operator("EXPAND_DIMS"),
)
