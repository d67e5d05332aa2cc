"""What a converter leaves behind for a batch that it does not know: arithmetic on shapes.

None of it computes on data: for a batch of one, each of these is folded away. PACK and GATHER, which
work on data, too, are in `picking`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.operators.graph import MAX_ELEMENTS, Operator
from edgekit.operators.record import Field, Inputs, OperatorType

SMALL = 16  # values of a shape, not of an image


def on_constants(
    fold: Callable[[Operator, list[np.ndarray]], np.ndarray | None],
) -> Callable[[Operator, Inputs], np.ndarray | None]:
    """A `fold` for an operator whose inputs must all be small int32 constants."""

    def folded(op: Operator, inputs: Inputs) -> np.ndarray | None:
        values = [
            t.data
            for t in inputs
            if t is not None and t.data is not None and t.dtype == np.int32 and t.size <= SMALL
        ]
        return fold(op, values) if len(values) == len(inputs) else None

    return folded


def shape(op: Operator, inputs: Inputs) -> np.ndarray | None:
    """The shape of the input, as values."""
    return None if inputs[0] is None else np.array(inputs[0].shape, np.int32)


@on_constants
def pack(op: Operator, values: list[np.ndarray]) -> np.ndarray | None:
    """A shape from numbers."""
    numbers = all(v.shape == () for v in values) and op.options["axis"] == 0
    return np.stack(values) if numbers else None


@on_constants
def gather(op: Operator, values: list[np.ndarray]) -> np.ndarray | None:
    """Some numbers of a shape."""
    if len(values) != 2 or values[0].ndim != 1 or op.options["axis"] or op.options["batch_dims"]:
        return None
    first, at = values
    inside = (at >= 0).all() and (at < len(first)).all()
    return first[at] if inside else None


@on_constants
def product(op: Operator, values: list[np.ndarray]) -> np.ndarray | None:
    """The number of values in a shape."""
    if len(values) != 2 or values[0].ndim != 1 or not np.isin(values[1], (0, -1)).all():
        return None
    result = int(np.prod(values[0], dtype=object))
    if abs(result) > MAX_ELEMENTS:
        return None
    return np.array([result] if op.options["keep_dims"] else result, np.int32)


OPERATORS = (
    OperatorType("SHAPE", fold=shape),
    OperatorType(
        "REDUCE_PROD",
        table="ReducerOptions",
        fields={"keep_dims": Field("KeepDims", 0, "Bool")},
        fold=product,
    ),
    # a dilation through batches: see export/dilation.py
    OperatorType("SPACE_TO_BATCH_ND"),
    OperatorType("BATCH_TO_SPACE_ND"),
)
