"""What a converter leaves behind for a batch that it does not know: undone for a batch of one.

Arithmetic on shapes becomes constants, shapes that follow from it are worked out again (the file holds
1 for what it does not know), and a dilation written as SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND
becomes a dilation again. Lowering then compares each shape with its own computation, as for any file.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.graph import MAX_ELEMENTS, Graph, Operator, Tensor
from edgekit.export.operators import FOLDED

SMALL = 16  # values of a shape, not of an image
SAME_SHAPE = ("SOFTMAX", "LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH")
SAME_SHAPE += ("QUANTIZE", "DEQUANTIZE")


def fold_shapes(graph: Graph) -> Graph:
    """The same model for a batch of one, without arithmetic on shapes."""
    return _dilate(_fold(graph))


def _fold(graph: Graph) -> Graph:
    """Replace operators whose result follows from shapes and constants by that constant."""
    tensors, kept, fixed = list(graph.tensors), [], graph.tflm_differs
    for op in graph.operators:
        inputs = [tensors[i] if i >= 0 else None for i in op.inputs]
        value = _folded(op, inputs)
        if value is None:
            if op.name in FOLDED and op.name not in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"):
                raise EdgekitError(
                    f"operator {op.index} ({op.name}) computes on data: not supported; replace that "
                    "layer, or convert the model with a fixed batch of 1"
                )
            kept.append(op)
            t = tensors[op.outputs[0]] if op.outputs else None
            shape = _shape(op, inputs) if t is not None and t.signature else None
            if shape is not None and shape != t.shape and _fits(shape, t):
                if np.prod(shape, dtype=object) > MAX_ELEMENTS or len(shape) > 6:
                    raise EdgekitError(f"operator {op.index} ({op.name}) gives shape {list(shape)}")
                tensors[t.index], fixed = replace(t, shape=shape), True
            continue
        old = tensors[op.outputs[0]]
        if old.dtype != value.dtype or old.data is not None or old.index in graph.inputs:
            raise EdgekitError(f"operator {op.index} ({op.name}) writes a tensor of the wrong type")
        tensors[old.index] = replace(old, shape=value.shape, data=value)
    return replace(graph, tensors=tuple(tensors), operators=tuple(kept), tflm_differs=fixed)


def _fits(shape: tuple[int, ...], t: Tensor) -> bool:
    """Whether the file leaves room for this shape: it says -1 and stores 1 where it knows no size."""
    return len(shape) == len(t.signature) == len(t.shape) and all(
        d == say if say >= 0 else stored in (1, d)
        for d, say, stored in zip(shape, t.signature, t.shape, strict=True)
    )


def _folded(op: Operator, inputs: list[Tensor | None]) -> np.ndarray | None:
    if any(t is None for t in inputs) or len(op.outputs) != 1:
        return None
    if op.name == "SHAPE":
        return np.array(inputs[0].shape, np.int32)
    if any(t.data is None or t.dtype != np.int32 or t.size > SMALL for t in inputs):
        return None
    values, o = [t.data for t in inputs], op.options
    first = values[0]
    if op.name == "PACK" and all(v.shape == () for v in values) and o["axis"] == 0:
        return np.stack(values)
    if op.name == "CONCATENATION" and all(v.ndim == 1 for v in values) and o["axis"] in (0, -1):
        return np.concatenate(values)
    if op.name == "GATHER" and len(values) == 2 and first.ndim == 1 and not o["axis"]:
        inside = (values[1] >= 0).all() and (values[1] < len(first)).all()
        return first[values[1]] if inside and not o["batch_dims"] else None
    if op.name == "REDUCE_PROD" and first.ndim == 1 and len(values) == 2:
        product = int(np.prod(first, dtype=object))
        if not np.isin(values[1], (0, -1)).all() or abs(product) > MAX_ELEMENTS:
            return None
        return np.array([product] if o["keep_dims"] else product, np.int32)
    if op.name == "STRIDED_SLICE" and len(values) == 4 and all(v.shape == (1,) for v in values[1:]):
        if o["ellipsis_mask"] or o["new_axis_mask"] or o["offset"] or first.ndim != 1:
            return None
        begin, end, step = (int(v[0]) for v in values[1:])
        if o["shrink_axis_mask"]:
            return first[begin] if -len(first) <= begin < len(first) else None
        begin, end = None if o["begin_mask"] else begin, None if o["end_mask"] else end
        return first[begin:end:step] if step else None
    return None


def _shape(op: Operator, inputs: list[Tensor | None]) -> tuple[int, ...] | None:
    """The shape that an operator gives, where that is easily said."""
    x, o = inputs[0], op.options
    if x is None or len(op.outputs) != 1:
        return None
    if op.name in SAME_SHAPE:
        return x.shape
    second = inputs[1] if len(inputs) > 1 else None
    if second is None:
        return None
    if op.name == "RESHAPE" and second.data is not None and second.size <= SMALL:
        target = [int(d) for d in np.ravel(second.data)]
        known = int(np.prod([d for d in target if d > 0], dtype=object))
        if target.count(-1) > 1 or min(target, default=1) < -1 or 0 in target or x.size % known:
            return None
        return tuple(x.size // known if d == -1 else d for d in target)
    if op.name in ("ADD", "SUB", "MUL"):
        try:
            return np.broadcast_shapes(x.shape, second.shape)
        except ValueError:
            return None
    if op.name == "CONCATENATION" and all(t is not None for t in inputs):
        axis, rank = o["axis"], len(x.shape)
        if any(len(t.shape) != rank for t in inputs) or not -rank <= axis < rank:
            return None
        shape = list(x.shape)
        shape[axis] = sum(t.shape[axis] for t in inputs)
        return tuple(shape)
    if op.name == "FULLY_CONNECTED" and len(second.shape) == 2 and x.size % second.shape[1] == 0:
        if o["keep_num_dims"]:
            return (*x.shape[:-1], second.shape[0])
        return (x.size // second.shape[1], second.shape[0])
    if op.name == "TRANSPOSE" and second.data is not None:
        order = [int(i) for i in np.ravel(second.data)]
        if sorted(order) == list(range(len(x.shape))):
            return tuple(x.shape[i] for i in order)
    if op.name == "MEAN" and second.data is not None:
        rank = len(x.shape)
        axes = {int(a) % rank for a in np.ravel(second.data)} if rank else set()
        return tuple(
            1 if i in axes else d for i, d in enumerate(x.shape) if o["keep_dims"] or i not in axes
        )
    return None


def _dilate(graph: Graph) -> Graph:
    """SPACE_TO_BATCH_ND, [EXPAND_DIMS], convolution, [RESHAPE], BATCH_TO_SPACE_ND → a dilated convolution."""
    tensors, operators, fixed = list(graph.tensors), list(graph.operators), graph.tflm_differs
    readers: dict[int, list[Operator]] = {}
    for op in operators:
        for i in op.inputs:
            readers.setdefault(i, []).append(op)

    def only_reader(op: Operator) -> Operator | None:
        (out, *more) = op.outputs
        found = readers.get(out, [])
        return found[0] if len(found) == 1 and not more and out not in graph.outputs else None

    for start in [op for op in operators if op.name == "SPACE_TO_BATCH_ND"]:
        chain = [start]
        while chain[-1] is not None and chain[-1].name != "BATCH_TO_SPACE_ND" and len(chain) < 6:
            chain.append(only_reader(chain[-1]))
        try:
            new, shapes = _dilated(chain, tensors)
        except _NotADilation as why:
            raise EdgekitError(
                f"operator {start.index} (SPACE_TO_BATCH_ND, writing "
                f"{tensors[start.outputs[0]].name!r}) is supported only as a dilation's beginning, "
                f"and here {why}: convert the model with a fixed batch of 1"
            ) from None
        for i, shape in shapes.items():
            tensors[i] = replace(tensors[i], shape=shape)
        at = operators.index(chain[-1])
        operators[at : at + 1] = new
        operators = [op for op in operators if op not in chain]
        fixed = True
    for op in operators:
        if op.name == "BATCH_TO_SPACE_ND":
            raise EdgekitError(
                f"operator {op.index} (BATCH_TO_SPACE_ND, writing {tensors[op.outputs[0]].name!r}) is "
                "supported only as a dilation's end: convert the model with a fixed batch of 1"
            )
    return replace(graph, tensors=tuple(tensors), operators=tuple(operators), tflm_differs=fixed)


class _NotADilation(Exception):
    """Why a chain of operators is no dilation."""


def _need(condition, why: str) -> None:
    if not condition:
        raise _NotADilation(why)


def _dilated(chain, tensors) -> tuple[list[Operator], dict[int, tuple[int, ...]]]:
    """The operators instead of `chain`, and the shapes of the tensors that they write."""
    names = [op.name if op else "" for op in chain]
    _need(names[-1] == "BATCH_TO_SPACE_ND", "no BATCH_TO_SPACE_ND follows on one path")
    expanded = names[1] == "EXPAND_DIMS"
    _need(
        names[1 + expanded] in ("CONV_2D", "DEPTHWISE_CONV_2D")
        and names[2 + expanded : -1] in ([], ["RESHAPE"], ["SQUEEZE"]),
        f"{', '.join(names[1:-1]) or 'nothing'} lies between",
    )
    start, conv, end = chain[0], chain[1 + expanded], chain[-1]

    def constants(op: Operator) -> list[np.ndarray]:
        found = [tensors[i].data if i >= 0 else None for i in op.inputs[1:]]
        _need(
            len(found) == 2
            and all(v is not None and v.dtype == np.int32 and v.size <= SMALL for v in found),
            "its block or its margins are no constants",
        )
        return found

    (block, pads), (block_end, crops) = constants(start), constants(end)
    x, y = tensors[start.inputs[0]], tensors[end.outputs[0]]
    count = block.size
    _need(
        np.array_equal(block, block_end)
        and block.shape == (count,)
        and pads.shape == crops.shape == (count, 2)
        and (block >= 1).all()
        and (pads >= crops).all()
        and (crops >= 0).all()
        and len(x.shape) == len(y.shape) == 4 - expanded
        and count <= 2 - expanded,
        "blocks and margins do not fit",
    )
    axes = list(range(1, 1 + count))  # of an NHWC image
    image = x.shape
    if expanded:
        at = tensors[chain[1].inputs[1]].data
        _need(at is not None and at.size == 1, "where it expands is no constant")
        at = int(at.reshape(-1)[0]) % 4
        _need(at in (1, 2), "it expands another axis")
        image, axes = (*x.shape[:at], 1, *x.shape[at:]), [3 - at]
    o, filters = conv.options, tensors[conv.inputs[1]]
    _need(len(filters.shape) == 4 and image[0] == 1, "the filter or the image has odd dimensions")
    letters = {1: "h", 2: "w"}
    _need(
        all(o[f"{w}_{a}"] == 1 for w in ("stride", "dilation") for a in "hw"),
        "the convolution has strides",
    )
    _need(o["padding"] == "valid", "the convolution pads")
    options, margins, shape = dict(o), [], list(image)
    for axis, size, (before, after) in zip(axes, block, pads - crops, strict=True):
        options[f"dilation_{letters[axis]}"] = int(size)
        total = (filters.shape[axis] - 1) * int(size)
        margins.append((int(before), int(after), total))
        shape[axis] = image[axis] + int(before) + int(after) - total
    for axis in {1, 2} - set(axes):
        margins.append((0, 0, filters.shape[axis] - 1))
        shape[axis] = image[axis] - filters.shape[axis] + 1
    _need(min(shape) > 0, "the filter is larger than the image")
    if all(a == b == 0 for a, b, _ in margins):
        options["padding"] = "valid"
    else:
        _need(all((a, b) == (t // 2, t - t // 2) for a, b, t in margins), "its margins are odd")
        options["padding"] = "same"
    shape[3] = filters.shape[0] if conv.name == "CONV_2D" else filters.shape[3]
    image, shape = tuple(image), tuple(shape)
    _need(np.prod(shape, dtype=object) <= MAX_ELEMENTS, "the result is too large")
    into = chain[1].outputs[0] if expanded else x.index
    flat = len(chain) > 3 + expanded
    out = conv.outputs[0] if flat else y.index
    new, shapes = [], {out: shape}
    if expanded:
        new.append(replace(chain[1], inputs=(x.index, chain[1].inputs[1])))
        shapes[into] = image
    new.append(replace(conv, inputs=(into, *conv.inputs[1:]), outputs=(out,), options=options))
    if flat:
        rename = chain[-2]
        _need(int(np.prod(y.shape, dtype=object)) == np.prod(shape, dtype=object), "shapes differ")
        new.append(Operator(rename.index, "RESHAPE", (out,), (y.index,)))
    else:
        _need(y.shape == shape, f"it gives {list(shape)} and the file says {list(y.shape)}")
    return new, shapes
