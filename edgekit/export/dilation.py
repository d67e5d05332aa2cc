"""A dilation that a converter wrote through batches: a dilated convolution again.

SPACE_TO_BATCH_ND, [EXPAND_DIMS], convolution, [RESHAPE or SQUEEZE], BATCH_TO_SPACE_ND is what becomes of one
where the batch is not known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators.graph import MAX_ELEMENTS, Graph, Operator
from edgekit.operators.moves.shape_arithmetic import SMALL


def fold_dilations(graph: Graph) -> Graph:
    """The same model with such chains as dilated convolutions; raises EdgekitError for other uses."""
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
        chain: list[Any] = [start]
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
        found: list = [tensors[i].data if i >= 0 else None for i in op.inputs[1:]]
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
    options, margins, sizes = dict(o), [], list(image)
    for axis, size, (before, after) in zip(axes, block, pads - crops, strict=True):
        options[f"dilation_{letters[axis]}"] = int(size)
        total = (filters.shape[axis] - 1) * int(size)
        margins.append((int(before), int(after), total))
        sizes[axis] = image[axis] + int(before) + int(after) - total
    for axis in {1, 2} - set(axes):
        margins.append((0, 0, filters.shape[axis] - 1))
        sizes[axis] = image[axis] - filters.shape[axis] + 1
    _need(min(sizes) > 0, "the filter is larger than the image")
    if all(a == b == 0 for a, b, _ in margins):
        options["padding"] = "valid"
    else:
        _need(all((a, b) == (t // 2, t - t // 2) for a, b, t in margins), "its margins are odd")
        options["padding"] = "same"
    sizes[3] = filters.shape[0] if conv.name == "CONV_2D" else filters.shape[3]
    shape = tuple(sizes)
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
