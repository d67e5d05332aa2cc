"""What was handed over, checked: a wrong shape, type or value is answered in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError


class ShownBytes(bytes):
    """Bytes that a notebook shows as what they are; `Path(…).write_bytes` saves them."""

    kind = ""

    def __repr__(self) -> str:
        return f"<{self.kind} of {len(self):,} bytes>"

    __str__ = __repr__

    def shown(self) -> str:
        """What is in them, as HTML."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<p>{self.kind} of <b>{len(self):,} bytes</b></p>{self.shown()}"


def floats(x: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """`x` as float32 (n, *shape), n at least 1.

    `what` is its name for the error. Raises EdgekitError for something that is no array of numbers, is empty,
    has another shape, or holds NaN or infinity.
    """
    array = numbers(x, what)
    if array.shape[1:] != shape:
        raise EdgekitError(f"{what} has the shape {array.shape}, the model takes {batch(shape)}")
    if not len(array):
        raise EdgekitError(f"{what} is empty: it has the shape {array.shape}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if bad := int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum()):
        raise EdgekitError(
            f"{bad} of {len(array)} rows of {what} hold NaN or infinity: leave them out"
        )
    return array


def numbers(x: Any, what: str) -> np.ndarray:
    """`x` as an array of numbers (n, …); `what` is its name for the error.

    Raises EdgekitError for text, objects, ragged lists and nothing.
    """
    try:
        array = np.asarray(x)
    except (ValueError, TypeError) as error:
        raise EdgekitError(f"{what} is no array of numbers: {error}") from None
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        found = type(x).__name__ if array.ndim == 0 else array.dtype
        raise EdgekitError(f"{what} is no array of numbers (it is {found})")
    return array


def labels(y: Any, rows: int, classes: int) -> np.ndarray:
    """`y` as class indices (rows,) int64. Raises EdgekitError unless each is whole and in 0…classes-1."""
    array = numbers(y, "y")
    if array.shape != (rows,):
        raise EdgekitError(
            f"y has the shape {array.shape}; {rows} rows of X need class indices of shape ({rows},)"
        )
    if array.dtype.kind not in "iub":
        raise EdgekitError(f"y is {array.dtype}: give class indices, whole numbers from 0")
    if array.min() < 0 or array.max() >= classes:
        raise EdgekitError(
            f"y goes from {array.min()} to {array.max()}; the model tells classes 0 to {classes - 1}"
        )
    return array.astype(np.int64)


def model_bytes(tflite: Any) -> bytes:
    """The bytes of a `.tflite`, given as such or as its path. Raises EdgekitError for what is none."""
    if isinstance(tflite, (str, Path)):
        path = Path(tflite)
        if not path.is_file():
            raise EdgekitError(f"there is no file {path}")
        tflite = path.read_bytes()
    if not isinstance(tflite, (bytes, bytearray, memoryview)):
        raise EdgekitError(
            f"a .tflite is given as bytes or as its path, not as {type(tflite).__name__}; "
            "ek.quantize(model, X) makes one of a Keras model"
        )
    data = bytes(tflite)
    if data[4:8] != b"TFL3":
        raise EdgekitError(f"these {len(data):,} bytes are no .tflite")
    return data


def batch(shape: tuple[int, ...]) -> str:
    """`(n, 40, 3)`: how a batch of that shape is written."""
    return f"({', '.join(map(str, ('n', *shape)))})" if shape else "(n,)"
