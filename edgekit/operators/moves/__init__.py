"""Operators that move values, rename them or fold away, and compute nothing."""

from edgekit.operators.moves import (
    moving,
    picking,
    renaming,
    shape_arithmetic,
    slicing,
    splitting,
)

__all__ = ["moving", "picking", "renaming", "shape_arithmetic", "slicing", "splitting"]
