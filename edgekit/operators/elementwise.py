"""ADD, SUB and MUL, with numpy's broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import channels, floats
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, scale_of, zero_of
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Inputs, OperatorType, activation, first_two


def elementwise(p: OperatorContext) -> Layer:
    """ADD, SUB, MUL with numpy broadcasting."""
    common = broadcast(p)
    a, b = p.inputs
    fields, kind, verb = common["fields"], p.types(a, b, p.y), p.op.name.lower()
    if kind == "float32":
        fields |= floats.activation(p)
        return p.layer(
            f"ek_{verb}_f32(&{{params}}, {{in0}}, {{in1}}, {{out0}});",
            ["ek_float.h"],
            struct="elementwise_f32",
            **common,
        )
    sa, sb, so = scale_of(a), scale_of(b), scale_of(p.y)
    if p.op.name == "MUL":
        out = q.quantize_multiplier(sa * sb / so)
        ma = mb = (0, 0)
        bound = 255 * 255
    else:
        twice = 2 * max(sa, sb)
        ma, mb = q.quantize_multiplier(sa / twice), q.quantize_multiplier(sb / twice)
        out = q.quantize_multiplier(twice / ((1 << 20) * so))
        bound = 2 * (255 << 20)
    p.require(
        out[1] <= 30 and bound << max(out[1], 0) < 1 << 31, "output scale too small: overflow"
    )
    if p.op.name != "MUL":
        p.require(out[1] <= 0, "output scale too small beside the inputs'")  # TFLM asserts the same
    low, high = p.int8_limits()
    fields |= {
        "zero_a": zero_of(a),
        "zero_b": zero_of(b),
        "zero_out": zero_of(p.y),
        "low": low,
        "high": high,
        "multiplier_a": ma[0],
        "multiplier_b": mb[0],
        "multiplier_out": out[0],
        "shift_a": ma[1],
        "shift_b": mb[1],
        "shift_out": out[1],
    }
    inner = fields["step_a"][3] == fields["step_b"][3] == 1
    alike = fields["shape"][3] == 1 or inner
    if p.op.name == "ADD" and not (alike and -22 <= out[1] < 0 and mb[1] > -31):
        verb = "add_any"
    return p.layer(
        f"ek_{verb}_s8(&{{params}}, {{in0}}, {{in1}}, {{out0}});",
        ["ek_elementwise.h"],
        struct="elementwise_s8",
        switches=("EK_ANY_CLAMPS",) if (low, high) != (-128, 127) else (),
        **common,
    )


def broadcast(p: OperatorContext) -> dict[str, Any]:
    """What a `layer` of two inputs that broadcast is told; `fields` are shape, step_a and step_b.

    Checks the number of inputs and the output's shape.
    """
    p.inputs_between(2, 2)
    a, b = p.inputs
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        p.refuse(f"shapes {list(a.shape)} and {list(b.shape)} do not broadcast")
    p.shape_is(shape)
    dims, step_a, step_b = _broadcast(p, a.shape, b.shape, shape)
    overlap = {t.index: 0 for t in (a, b) if t.data is None and t.shape == p.y.shape}
    for t in (a, b):  # an input that repeats is still needed after the first row
        if t.shape != p.y.shape:
            overlap.pop(t.index, None)
    return {
        "inputs": (a.index, b.index),
        "overlap": overlap,
        "fields": {"shape": dims, "step_a": step_a, "step_b": step_b},
        "comment": f"{list(a.shape)}, {list(b.shape)} -> {list(p.y.shape)}",
    }


def _broadcast(p: OperatorContext, a, b, out):
    """Four dimensions and each input's step along them, after merging what is contiguous."""
    dims: list[list] = []
    a, b = (1,) * (len(out) - len(a)) + a, (1,) * (len(out) - len(b)) + b
    for da, db, do in zip(a, b, out, strict=True):
        kind = (da == do, db == do)
        if do == 1:
            continue
        if dims and dims[-1][1] == kind:
            dims[-1][0] *= do
        else:
            dims.append([do, kind])
    p.require(len(dims) <= 4, "broadcasts over more than four dimensions")
    steps: tuple[list[int], list[int]] = ([], [])
    size = [1, 1]
    for d, kind in reversed(dims):
        for i in range(2):
            steps[i].insert(0, size[i] if kind[i] else 0)
            size[i] *= d if kind[i] else 1
    missing = 4 - len(dims)
    return (
        [1] * missing + [d for d, _ in dims],
        [0] * missing + steps[0],
        [0] * missing + steps[1],
    )


def add(p: OperatorContext) -> Layer:
    """ADD: the kernel's first input is the one of the larger scale."""
    if all(t is not None and len(t.scale) == 1 for t in p.inputs):
        p.inputs.sort(key=scale_of, reverse=True)
    return elementwise(p)


def shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The shape to which both inputs broadcast."""
    a, b = first_two(inputs)
    if a is None or b is None:
        return None
    try:
        return tuple(np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        return None


def onnx(kind: str):
    """An ONNX operator of two inputs, in real numbers."""

    def write(w: Writer, op: Operator) -> None:
        y = w.node(kind, [w.real(i) for i in op.inputs])
        w.quantized(w.fused(y, op.options["activation"]), op.outputs[0], w.value(op.outputs[0]))

    return write


def train_add(f: Any, op: Operator):
    """The sum, with its one rounding."""
    y = f.tensor(op.outputs[0])
    steps = [f.value(i) * (float(f.tensor(i).scale[0]) / float(y.scale[0])) for i in op.inputs]
    return f.saturated(f.rounded(steps[0] + steps[1]), op)


def example(name: str):
    """Four dimensions, of which the second input may repeat any; sometimes it is constant."""

    def make(rng: np.random.Generator) -> Graph:
        shape = tuple(int(v) for v in rng.integers(1, 6, 4))
        shape = (1, *shape[1:])
        other = shape
        if rng.random() < 0.5:
            other = tuple(d if rng.random() < 0.5 else 1 for d in shape)
        constant = rng.integers(-128, 128, other) if rng.random() < 0.4 else None
        sy = rng.uniform(0.02, 0.3)
        tensors = [
            e.tensor(shape, **e.quantization(rng)),
            e.tensor(other, **e.quantization(rng), data=constant),
            e.tensor(shape, scale=sy, zero=e.zero(rng)),
        ]
        options = {"activation": str(rng.choice(["none", "relu", "relu6"]))}
        op = e.operator(name, [0, 1], [2], options)
        return e.model(tensors, [op], [0] if constant is not None else [0, 1], [2])

    return make


def flat_example(name: str):
    """Of a vector or a lone number, in either order."""

    def make(rng: np.random.Generator) -> Graph:
        size = int(rng.integers(2, 30))
        other = [(1,), (size,), (1, 1)][rng.integers(3)]
        tensors = [
            e.tensor((1, size), **e.quantization(rng)),
            e.tensor(other, data=rng.integers(-128, 128, other), **e.quantization(rng)),
            e.tensor((1, size), scale=rng.uniform(0.05, 0.4), zero=e.zero(rng)),
        ]
        order = [0, 1] if rng.random() < 0.5 else [1, 0]
        op = e.operator(name, order, [2], {"activation": "none"})
        return e.model(tensors, [op], [0], [2])

    return make


def _operator(name: str, lower=elementwise, **more: Any) -> OperatorType:
    return OperatorType(
        name,
        lower,
        f"{name.title()}Options",
        activation(0),
        shape=shape,
        onnx=onnx(name.title()),
        channels=channels.ELEMENTWISE,
        examples=(example(name), flat_example(name)),
        **more,
    )


OPERATORS = (_operator("ADD", add, train=train_add), _operator("SUB"), _operator("MUL"))
