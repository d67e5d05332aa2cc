"""What a converter leaves behind for a batch that it does not know: undone for a batch of one.

Arithmetic on shapes becomes constants, shapes that follow from it are worked out again (the file holds
1 for what it does not know), and a dilation written as SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND
becomes a dilation again. Lowering then compares each shape with its own computation, as for any file.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.dilation import fold_dilations
from edgekit.operators import OPERATORS
from edgekit.operators.graph import MAX_ELEMENTS, MAX_RANK, Graph, Tensor


def fold_shapes(graph: Graph) -> Graph:
    """The same model for a batch of one, without arithmetic on shapes."""
    return fold_dilations(_fold(graph))


def _fold(graph: Graph) -> Graph:
    """Replace operators whose result follows from shapes and constants by that constant."""
    tensors, kept, fixed = list(graph.tensors), [], graph.tflm_differs
    for op in graph.operators:
        inputs = [tensors[i] if i >= 0 else None for i in op.inputs]
        kind = OPERATORS[op.name]
        value = kind.fold(op, inputs) if kind.fold and len(op.outputs) == 1 else None
        if value is None:
            if kind.fold and not kind.lower:
                raise EdgekitError(
                    f"operator {op.index} ({op.name}) computes on data: not supported; replace that "
                    "layer, or convert the model with a fixed batch of 1"
                )
            kept.append(op)
            t = tensors[op.outputs[0]]
            unknown = t.signature and inputs[0] is not None and len(op.outputs) == 1
            shape = kind.shape(op, inputs) if unknown and kind.shape else None
            if shape is not None and shape != t.shape and _fits(shape, t):
                if np.prod(shape, dtype=object) > MAX_ELEMENTS or len(shape) > MAX_RANK:
                    raise EdgekitError(f"operator {op.index} ({op.name}) gives shape {list(shape)}")
                tensors[t.index], fixed = replace(t, shape=shape), True
            continue
        old = tensors[op.outputs[0]]
        if not value.size:
            raise EdgekitError(f"operator {op.index} ({op.name}) gives no values")
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
