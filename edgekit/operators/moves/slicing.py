"""STRIDED_SLICE and SLICE: a part of the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.moves.copies import one_copy, strides
from edgekit.operators.moves.shape_arithmetic import on_constants
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, OperatorType

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
NO_MASKS = dict.fromkeys(MASKS, 0)
BOTH = "drops an axis and says not where it begins"  # TFLM and LiteRT do not agree what that is
BEYOND = "uses ellipsis or new axes"  # what no slice of ours does


def _beyond(options: Mapping[str, Any]) -> bool:
    return any(options[key] for key in ("ellipsis_mask", "new_axis_mask", "offset"))


def picked(o: dict, i: int, size: int, begin: int, end: int, step: int) -> range | None:
    """Elements of axis `i` that the slice takes; None for a single one that is not there."""
    if o["shrink_axis_mask"] >> i & 1:
        return range(begin % size, begin % size + 1) if -size <= begin < size else None
    first = None if o["begin_mask"] >> i & 1 else begin
    last = None if o["end_mask"] >> i & 1 else end
    return range(*slice(first, last, step).indices(size))


def strided_slice(p: OperatorContext) -> Layer:
    """Checks a STRIDED_SLICE: a copy with other steps."""
    p.inputs_between(4, 4)
    p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    o, rank = p.options, len(p.x.shape)
    begin, end, step = (
        np.ravel(p.constant(i, n)) for i, n in ((1, "begin"), (2, "end"), (3, "strides"))
    )
    p.require(
        len(begin) == len(end) == len(step) == rank,
        "needs begin, end and stride for each dimension",
    )
    p.require(not _beyond(o), BEYOND)
    p.require(not o["begin_mask"] & o["shrink_axis_mask"], BOTH)
    width = p.x.dtype.itemsize
    from_ = strides(p.x.shape, width)
    shape, steps, start, result = [], [], 0, []
    for i, size in enumerate(p.x.shape):
        s = int(step[i])
        p.require(s != 0, "has a stride of 0")
        taken = picked(o, i, size, int(begin[i]), int(end[i]), s)
        if taken is None:
            p.refuse(f"takes element {int(begin[i])} of {size}")
        p.require(len(taken) > 0, "is empty")
        shape.append(len(taken))
        steps.append(from_[i] * taken.step)
        start += from_[i] * taken[0]
        if not o["shrink_axis_mask"] >> i & 1:
            result.append(len(taken))
    p.shape_is(result)
    return one_copy(p, shape, steps, start)


def plain_slice(p: OperatorContext) -> Layer:
    """Checks a SLICE: so many values from here on, or (-1) all that follow."""
    p.inputs_between(3, 3)
    p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    begin, size = (
        [int(v) for v in np.ravel(p.constant(i, n))] for i, n in ((1, "begin"), (2, "size"))
    )
    p.require(len(begin) == len(size) == len(p.x.shape), "needs begin and size for each dimension")
    size = [d - b if n == -1 else n for d, b, n in zip(p.x.shape, begin, size, strict=True)]
    inside = all(b >= 0 < n and b + n <= d for d, b, n in zip(p.x.shape, begin, size, strict=True))
    p.require(inside, f"takes {size} from {begin} of {list(p.x.shape)}")
    p.shape_is(size)
    steps = strides(p.x.shape, p.x.dtype.itemsize)
    return one_copy(p, size, steps, sum(b * step for b, step in zip(begin, steps, strict=True)))


def onnx_plain_slice(w: Writer, op: Operator) -> None:
    """Slice."""
    begin, shape = np.ravel(w.known(op.inputs[1])), w.tensor(op.outputs[0]).shape
    bounds = [w.constant(b, np.int64) for b in (begin, begin + shape)]
    w.node("Slice", [w.value(op.inputs[0]), *bounds], w.value(op.outputs[0]))


@on_constants
def fold_slice(op: Operator, values: list[np.ndarray]) -> np.ndarray | None:
    """A slice of a shape."""
    o, first = op.options, values[0]
    if len(values) != 4 or first.ndim != 1 or any(v.shape != (1,) for v in values[1:]):
        return None
    begin, end, step = (int(v[0]) for v in values[1:])
    if _beyond(o) or not step or o["begin_mask"] & o["shrink_axis_mask"]:
        return None
    taken = picked(o, 0, len(first), begin, end, step)
    if taken is None:
        return None
    return first[taken[0]] if o["shrink_axis_mask"] & 1 else first[list(taken)]


def onnx_slice(w: Writer, op: Operator) -> None:
    """Slice, then Reshape for the axes that a single index takes away."""
    o, t = op.options, w.tensor(op.inputs[0])
    if _beyond(o):
        raise EdgekitError(f"operator {op.index} ({op.name}) {BEYOND}")
    begin, end, step = (np.ravel(w.known(i)).tolist() for i in op.inputs[1:4])
    starts, ends, steps = [], [], []
    for i, size in enumerate(t.shape):
        taken = picked(o, i, size, begin[i], end[i], step[i])
        if taken is None:
            raise EdgekitError(f"operator {op.index} ({op.name}) takes what is not there")
        starts.append(taken.start)
        ends.append(taken.stop if taken.stop >= 0 else -size - 1)  # ONNX counts -1 from the end
        steps.append(taken.step)
    bounds = (starts, ends, list(range(len(t.shape))), steps)
    inputs = [w.value(op.inputs[0]), *(w.constant(b, np.int64) for b in bounds)]
    shape = w.constant(w.tensor(op.outputs[0]).shape, np.int64)
    w.node("Reshape", [w.node("Slice", inputs), shape], w.value(op.outputs[0]))


def _slice(rng, shape, bounds, masks: dict, out) -> Graph:
    x = e.quantization(rng)
    tensors = [e.tensor(shape, **x), *(e.ints(v) for v in bounds), e.tensor(out, **x)]
    op = e.operator("STRIDED_SLICE", [0, 1, 2, 3], [4], NO_MASKS | {"offset": False} | masks)
    return e.model(tensors, [op], [0], [4])


def slice_example(rng: np.random.Generator) -> Graph:
    """Forwards, within bounds."""
    shape = (1, *(int(v) for v in rng.integers(2, 7, 3)))
    begin = [0, *(int(rng.integers(0, d)) for d in shape[1:])]
    inner = zip(begin[1:], shape[1:], strict=True)
    end = [1, *(int(rng.integers(b + 1, d + 1)) for b, d in inner)]
    step = [1, *(int(v) for v in rng.integers(1, 3, 3))]
    out = [len(range(*bounds)) for bounds in zip(begin, end, step, strict=True)]
    return _slice(rng, shape, (begin, end, step), {}, out)


def backward_slice_example(rng: np.random.Generator) -> Graph:
    """Negative strides and ends, masks, axes that vanish."""
    shape = (1, *(int(v) for v in rng.integers(2, 7, 3)))
    rows, masks, out = [(0, 1, 1)], dict.fromkeys(MASKS, 0), [1]
    for i, size in enumerate(shape[1:], 1):
        kind = int(rng.integers(4))
        if kind == 0:  # backwards, all of it
            rows.append((-1, 0, -1))
            masks["end_mask"] |= 1 << i
            out.append(size)
        elif kind == 1:  # one element
            at = int(rng.integers(-size, size))
            rows.append((at, at + 1, 1))
            masks["shrink_axis_mask"] |= 1 << i
        elif kind == 2:  # without its last, counted from the end
            rows.append((0, -1, 1))
            masks["begin_mask"] |= 1 << i
            out.append(size - 1)
        else:
            rows.append((0, size, 2))
            out.append(-(-size // 2))
    return _slice(rng, shape, np.array(rows).T.tolist(), masks, out)


def plain_slice_example(rng: np.random.Generator) -> Graph:
    """Any block; the size of one side is left open now and then."""
    shape, x = (1, *(int(v) for v in rng.integers(1, 7, 3))), e.quantization(rng)
    begin = [int(rng.integers(0, d)) for d in shape]
    size = [int(rng.integers(1, d - b + 1)) for d, b in zip(shape, begin, strict=True)]
    open_ended = [rng.random() < 0.3 for _ in shape]
    told = [-1 if o else n for o, n in zip(open_ended, size, strict=True)]
    out = [d - b if n == -1 else n for d, b, n in zip(shape, begin, told, strict=True)]
    tensors = [e.tensor(shape, **x), e.ints(begin), e.ints(told), e.tensor(out, **x)]
    return e.model(tensors, [e.operator("SLICE", [0, 1, 2], [3])], [0], [3])


OPERATORS = (
    OperatorType(
        "STRIDED_SLICE",
        strided_slice,
        "StridedSliceOptions",
        {
            "begin_mask": Field("BeginMask", 0),
            "end_mask": Field("EndMask", 1),
            "ellipsis_mask": Field("EllipsisMask", 2),
            "new_axis_mask": Field("NewAxisMask", 3),
            "shrink_axis_mask": Field("ShrinkAxisMask", 4),
            "offset": Field("Offset", 5, "Bool"),
        },
        fold=fold_slice,
        onnx=onnx_slice,
        exact_onnx=True,
        examples=(slice_example, backward_slice_example),
    ),
    OperatorType(
        "SLICE",
        plain_slice,
        onnx=onnx_plain_slice,
        exact_onnx=True,
        examples=(plain_slice_example,),
    ),
)
