"""Margins that a PAD writes: the windows behind it reach over the edge instead.

A convolution takes what lies outside its input for its zero point, and a maximum leaves it out. Where a PAD
fills its margins with just that, its readers can do without it: no copy, and no second image in the arena.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.operators.graph import Graph, Operator, Tensor
from edgekit.operators.window import margins

FILTERS = {"CONV_2D": "zero", "DEPTHWISE_CONV_2D": "zero", "MAX_POOL_2D": "lowest"}


def fold_padding(graph: Graph) -> Graph:
    """The same graph without such PADs, itself if it has none; `lower` must have taken it.

    The operators that read one have the options `margin_h` and `margin_w` for it (`operators.window`).
    """
    operators = list(graph.operators)
    for pad in [op for op in operators if op.name in ("PAD", "PADV2")][::-1]:
        readers = [op for op in operators if pad.outputs[0] in op.inputs]
        folded = [new for op in readers if (new := _folded(graph, pad, op))]
        if pad.outputs[0] in graph.outputs or not readers or len(folded) < len(readers):
            continue
        for old, new in zip(readers, folded, strict=True):
            operators[operators.index(old)] = new
        operators.remove(pad)
    return (
        replace(graph, operators=tuple(operators))
        if len(operators) < len(graph.operators)
        else graph
    )


def _folded(graph: Graph, pad: Operator, op: Operator) -> Operator | None:
    """`op` on what `pad` pads; None where that is another result."""
    x, y = graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]]
    pads = graph.tensors[pad.inputs[1]].data
    if (
        pads is None
        or op.name not in FILTERS
        or op.inputs[0] != y.index
        or y.index in op.inputs[1:]
    ):
        return None
    if len(y.shape) != 4 or np.any(pads[[0, 3]]) or max(y.shape) >= 1 << 15:
        return None
    if _fill(graph, pad, y) != _outside(FILTERS[op.name], y):
        return None
    options = dict(op.options)
    for i, axis in ((1, "h"), (2, "w")):
        if op.name == "MAX_POOL_2D":
            k, dilation = options[f"filter_{axis}"], 1
        else:
            k, dilation = graph.tensors[op.inputs[1]].shape[i], options[f"dilation_{axis}"]
        before, after = margins(options, axis, y.shape[i], k, dilation)
        before, after = before + int(pads[i, 0]), after + int(pads[i, 1])
        if op.name == "MAX_POOL_2D" and max(before, after) >= k:
            return None  # a window without any value
        if max(before, after) >= 1 << 15:
            return None  # more than the kernel's fields hold
        options[f"margin_{axis}"] = before, after
    return replace(op, inputs=(x.index, *op.inputs[1:]), options=options)


def _fill(graph: Graph, pad: Operator, y: Tensor) -> float | None:
    """What stands in the margins."""
    if len(pad.inputs) > 2 and pad.name == "PADV2":
        value = graph.tensors[pad.inputs[2]].data
        return None if value is None or value.size != 1 else float(value.reshape(-1)[0])
    return _outside("zero", y)


def _outside(kind: str, t: Tensor) -> float:
    """What a window takes for the values beyond the edge."""
    if kind == "lowest":
        return -128.0 if t.dtype == np.int8 else -np.inf
    return float(t.zero_point[0]) if t.dtype == np.int8 else 0.0
