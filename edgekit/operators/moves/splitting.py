"""SPLIT and SPLIT_V: the values in parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator, Tensor
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.moves.copies import bytes_at, copy_fields, strides
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, OperatorType


def one_axis(p: OperatorContext, position: int, rank: int) -> int:
    """The single axis that is constant input `position`, counted from the front."""
    axes = np.ravel(p.constant(position, "axis"))
    p.require(axes.size == 1 and rank and -rank <= axes[0] < rank, f"along axis {axes.tolist()}")
    return int(axes[0]) % rank


def split(p: OperatorContext) -> Layer:
    """Checks a SPLIT: a copy for each part, which are alike."""
    p.inputs_between(2, 2, outputs=p.options["count"])
    x, count = p.inputs[1], len(p.outputs)
    axis = one_axis(p, 0, len(x.shape))
    p.require(
        count == p.options["count"] and x.shape[axis] % count == 0, f"into {p.options['count']}"
    )
    return _parts(p, x, axis, [x.shape[axis] // count] * count)


def split_v(p: OperatorContext) -> Layer:
    """Checks a SPLIT_V: a copy for each part; one of the sizes may be -1, which is the rest."""
    p.inputs_between(3, 3, outputs=p.options["count"])
    axis, sizes = one_axis(p, 2, len(p.x.shape)), part_sizes(p)
    p.require(len(sizes) == p.options["count"] == len(p.outputs), f"into {p.options['count']}")
    p.require(
        min(sizes) > 0 and sum(sizes) == p.x.shape[axis], f"{p.x.shape[axis]} values into {sizes}"
    )
    return _parts(p, p.x, axis, sizes)


def part_sizes(p: OperatorContext) -> list[int]:
    """The sizes that are input 1, with the one that is -1 worked out."""
    sizes = [int(v) for v in np.ravel(p.constant(1, "sizes"))]
    axis = one_axis(p, 2, len(p.x.shape))
    p.require(sizes and sizes.count(-1) <= 1, f"into {sizes}")
    rest = p.x.shape[axis] - sum(v for v in sizes if v != -1)
    return [rest if v == -1 else v for v in sizes]


def _parts(p: OperatorContext, x: Tensor, axis: int, sizes: list[int]) -> Layer:
    p.require(x.data is None, "splits a constant")
    p.x = x
    p.types(x, *p.outputs)
    width = x.dtype.itemsize
    steps, at, calls, fields = strides(x.shape, width), 0, [], []
    for i, (t, size) in enumerate(zip(p.outputs, sizes, strict=True)):
        shape = [size if k == axis else d for k, d in enumerate(x.shape)]
        p.require(list(t.shape) == shape, f"should give {shape} and the file says {list(t.shape)}")
        p.same_quantization(x, t)
        fields.append(copy_fields(p, shape, steps, strides(shape, width), width))
        source = bytes_at("{in0}", at * steps[axis])
        calls.append(f"ek_copy_strided(&{{params}}[{i}], {source}, {{out{i}}});")
        at += size
    more: Any = {"fields": fields}
    if all(f == fields[0] for f in fields):
        calls = [c.replace(f"[{i}]", "", 1) for i, c in enumerate(calls)]
        more = {"fields": fields[0]}
    return p.layer("\n  ".join(calls), ["ek_copy.h"], struct="copy", **more)


def onnx_split(w: Writer, op: Operator) -> None:
    """A Slice for each part."""
    given = op.inputs[0 if op.name == "SPLIT_V" else 1]
    axis = int(np.ravel(w.known(op.inputs[2 if op.name == "SPLIT_V" else 0]))[0])
    at = 0
    for i in op.outputs:
        shape = w.tensor(i).shape
        bounds = [[at], [at + shape[axis]], [axis % len(shape)]]
        inputs = [w.value(given), *(w.constant(b, np.int64) for b in bounds)]
        w.node("Slice", inputs, w.value(i))
        at += shape[axis]


def split_example(rng: np.random.Generator) -> Graph:
    """Two or three parts along any axis."""
    shape, x = (1, *(int(v) for v in rng.integers(2, 7, 3))), e.quantization(rng)
    axis, count = int(rng.integers(1, 4)), int(rng.integers(2, 4))
    whole = tuple(d * count if i == axis else d for i, d in enumerate(shape))
    tensors = [e.tensor((), "int32", data=axis), e.tensor(whole, **x)]
    tensors += [e.tensor(shape, **x) for _ in range(count)]
    outputs = list(range(2, 2 + count))
    return e.model(tensors, [e.operator("SPLIT", [0, 1], outputs, {"count": count})], [1], outputs)


def split_v_example(rng: np.random.Generator) -> Graph:
    """Parts of any size along any axis, the size of one of them sometimes left open."""
    shape, x = [1, *(int(v) for v in rng.integers(2, 7, 3))], e.quantization(rng)
    axis, sizes = int(rng.integers(1, 4)), [int(v) for v in rng.integers(1, 5, rng.integers(2, 4))]
    whole = [sum(sizes) if i == axis else d for i, d in enumerate(shape)]
    parts = [[size if i == axis else d for i, d in enumerate(shape)] for size in sizes]
    told = list(sizes)
    if rng.random() < 0.4:
        told[int(rng.integers(len(sizes)))] = -1
    tensors = [e.tensor(whole, **x), e.ints(told), e.tensor((), "int32", data=axis - 4)]
    outputs = list(range(3, 3 + len(sizes)))
    op = e.operator("SPLIT_V", [0, 1, 2], outputs, {"count": len(sizes)})
    return e.model([*tensors, *(e.tensor(p, **x) for p in parts)], [op], [0], outputs)


OPERATORS = (
    OperatorType(
        "SPLIT",
        split,
        "SplitOptions",
        {"count": Field("NumSplits", 0)},
        onnx=onnx_split,
        exact_onnx=True,
        examples=(split_example,),
    ),
    OperatorType(
        "SPLIT_V",
        split_v,
        "SplitVOptions",
        {"count": Field("NumSplits", 0)},
        onnx=onnx_split,
        exact_onnx=True,
        examples=(split_v_example,),
    ),
)
