"""What a client sends of its training: the difference to the arrays it was sent, whole, in int8 or only its
largest parts.

What is left out is kept by the client and added to its next update (error feedback; Karimireddy et al.,
2019), so that nothing is lost for good. Encoded updates are one array of bytes that the server checks before
it reads them. Nothing here needs Flower.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.core.errors import EdgekitError

INT8, TOP = "int8", "top"
KINDS = ("float32", INT8, TOP)
SHARE = 0.1  # of the values, that `top` sends


def encode(kind: str, update: Sequence[np.ndarray]) -> tuple[bytes, list[np.ndarray]]:
    """(bytes to send, what they leave out of `update`, array by array, each (n, …) as in the model).

    int8: for each array a float32 step, then its values in steps, to the nearest, -127 … 127. top: the SHARE
    of all values that are largest, a float32 step, their places (uint16, or uint32 where a model has more
    than 65,536 values), then their values in steps of int8. Raises EdgekitError for another `kind`, and for
    values that are not finite.
    """
    _known(kind)
    if not all(np.isfinite(a).all() for a in update):
        raise EdgekitError("an update holds values that are not finite: train at a lower rate")
    if kind == INT8:
        steps = [_step(a) for a in update]
        values = [_in_steps(a, s) for a, s in zip(update, steps, strict=True)]
        sent = np.array(steps, "<f4").tobytes() + b"".join(v.tobytes() for v in values)
    else:
        flat = np.concatenate([a.ravel() for a in update])
        count = _top(len(flat))
        places = np.sort(np.argpartition(np.abs(flat), -count)[-count:])
        step = _step(flat[places])
        sent = np.array([step], "<f4").tobytes() + places.astype(_place(len(flat))).tobytes()
        sent += _in_steps(flat[places], step).tobytes()
    kept = decode(kind, sent, [a.shape for a in update])
    return sent, [a - b for a, b in zip(update, kept, strict=True)]


def decode(kind: str, sent: bytes, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """The update that `sent` holds, float32 arrays of `shapes`, (n, …) each; zeros where `top` sent nothing.

    Raises EdgekitError for a `kind` that `encode` does not know, another number of bytes, a step that is no
    step and places outside of the model.
    """
    _known(kind)
    sizes = [int(np.prod(s)) for s in shapes]
    total = sum(sizes)
    arrays, place = (len(shapes), None) if kind == INT8 else (1, _place(total))
    count = total if place is None else _top(total)
    due = 4 * arrays + count * (1 + (place.itemsize if place else 0))
    if len(sent) != due:
        raise EdgekitError(
            f"an update has {len(sent)} bytes, this model's has {due}: the client has another model"
        )
    steps = np.frombuffer(sent, "<f4", arrays)
    if not np.isfinite(steps).all() or (steps < 0).any():
        raise EdgekitError("an update's step is not a finite number from 0: leave the client out")
    values = np.frombuffer(sent, np.int8, count, due - count).astype(np.float32)
    if place is None:
        flat = values * np.repeat(steps, sizes)
    else:
        places = np.frombuffer(sent, place, count, 4).astype(np.int64)
        if (np.diff(places) <= 0).any() or places[-1] >= total:
            raise EdgekitError("an update's places are not the model's: leave the client out")
        flat = np.zeros(total, np.float32)
        flat[places] = values * steps[0]
    cuts = np.cumsum(sizes)[:-1]
    return [a.reshape(s) for a, s in zip(np.split(flat, cuts), shapes, strict=True)]


def _known(kind: str) -> None:
    if kind not in KINDS[1:]:
        raise EdgekitError(f"updates={kind!r:.30} is not known: take one of {', '.join(KINDS)}")


def _top(total: int) -> int:
    return max(1, int(SHARE * total))


def _place(total: int) -> np.dtype:
    return np.dtype("<u2" if total <= 1 << 16 else "<u4")


def _step(values: np.ndarray) -> np.float32:
    return np.float32(np.abs(values).max(initial=0) / 127)


def _in_steps(values: np.ndarray, step: np.float32) -> np.ndarray:
    return np.clip(np.rint(values / (step or np.float32(1))), -127, 127).astype(np.int8)
