"""The operators that the generator knows, one record each: see `record.OperatorType`.

To add one, write its record into the family that it belongs to, or into a file of its own that is listed
here. Reading, bounds checks, shapes, code, ONNX and training look it up in `OPERATORS`;
`edgekit.testing.operator` runs it against TensorFlow Lite Micro.
"""

from __future__ import annotations

from edgekit.operators import (
    activation,
    conversion,
    convolution,
    dense,
    elementwise,
    extremes,
    lstm,
    matmul,
    numbers,
    pooling,
    prelu,
    rarer_convolution,
    reduction,
    resizing,
    softmax,
    svdf,
    unary,
    variables,
)
from edgekit.operators.moves import (
    moving,
    picking,
    renaming,
    shape_arithmetic,
    slicing,
    splitting,
)
from edgekit.operators.record import Field, OperatorType

FAMILIES = (
    convolution,
    dense,
    elementwise,
    pooling,
    moving,
    slicing,
    splitting,
    renaming,
    softmax,
    activation,
    conversion,
    svdf,
    lstm,
    reduction,
    extremes,
    unary,
    picking,
    numbers,
    resizing,
    prelu,
    matmul,
    rarer_convolution,
    variables,
    shape_arithmetic,
)
OPERATORS: dict[str, OperatorType] = {t.name: t for family in FAMILIES for t in family.OPERATORS}

__all__ = ["OPERATORS", "Field", "OperatorType"]


def supported() -> list[str]:
    """Names of the operators that there is code for."""
    return [name for name, kind in OPERATORS.items() if kind.lower]
