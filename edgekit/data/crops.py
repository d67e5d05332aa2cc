"""From frames with boxes to small pictures with one label each."""

from __future__ import annotations

import zlib

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows

INSIDE = 0.8  # share of a box that a crop must hold to count as showing it
TOUCHED = 0.05  # share of any box that a crop of nothing may hold: a foot, an elbow
TRIES = 60  # places tried for a crop of nothing


def crops(
    recordings: list[Recording],
    classes: tuple[str, ...],
    nothing: str,
    size: int = 96,
    each: int = 1,
    least: float = 24,
    alone: bool = False,
    every: int = 1,
) -> Windows:
    """Square crops of `size` pixels: `each` around every box, and as many where nothing is.

    `recordings` hold (time, height, width) samples and `meta["boxes"]`, for each frame its Boxes. A
    crop around a box holds at least INSIDE of it, anywhere in the crop; with `alone`, no box of
    another class either; `every` takes only every so many frames. A crop of `nothing` touches no box,
    and half of them lie where a box is in another frame of the recording: a place where people walk,
    without people. Boxes lower than `least` pixels are too small to decide on: no crop is made around
    them, none of nothing shows them.

    Returns X (n, size, size, 1) float32, whole grey values 0…255; `origin` is recording@frame. The same
    recordings give the same crops: places are drawn by each recording's name. Raises EdgekitError
    for a label not among `classes` or frames smaller than a crop.
    """
    pieces, rows = [], []
    for recording in recordings:
        boxes = recording.meta.get("boxes")
        time, height, width = recording.samples.shape
        if boxes is None or len(boxes) != time:
            raise EdgekitError(
                f"{recording.name} has boxes for {len(boxes or ())} of {time} frames"
            )
        if min(height, width) < size:
            raise EdgekitError(
                f"{recording.name}: frames of {width} x {height} hold no crop of {size}"
            )
        rng = np.random.default_rng(zlib.crc32(recording.name.encode()))
        anywhere = [b for frame in boxes for b in frame if b.height >= least]
        for t in range(0, time, every):
            picture, found = recording.samples[t], boxes[t]
            offsets = [
                (offset_around(box, size, (width, height), rng), box.label)
                for box in found
                if box.height >= least and _whole(box, size)
                for _ in range(each)
            ]
            offsets = [
                (offset, label)
                for offset, label in offsets
                if not alone
                or all(
                    b.label == label or overlap_fraction(b, offset, size) <= TOUCHED for b in found
                )
            ]
            for k in range(max(len(offsets), each)):
                offset = _empty(found, anywhere if k % 2 else [], size, (width, height), rng)
                if offset is not None:
                    offsets.append((offset, nothing))
            for (x, y), label in offsets:
                if label not in classes:
                    raise EdgekitError(
                        f"{recording.name}: a box is labelled {label!r}, not in {classes}"
                    )
                pieces.append(picture[y : y + size, x : x + size])
                rows.append((recording, t, classes.index(label)))
    if not pieces:
        raise EdgekitError("there are no boxes to cut crops around")
    return Windows(
        X=np.stack(pieces).astype(np.float32)[..., None],
        y=np.array([c for _, _, c in rows], np.int64),
        classes=tuple(classes),
        group=np.array([r.group for r, _, _ in rows]),
        domain=np.array([r.domain for r, _, _ in rows]),
        origin=np.array([f"{r.name}@{t}" for r, t, _ in rows]),
        rate=recordings[0].rate,
        simulated=np.array([r.simulated for r, _, _ in rows]),
    )


def overlap_fraction(box, offset: tuple[int, int], size: int) -> float:
    """How much of a box lies in the crop at `offset` (x, y)."""
    w = min(box.x + box.width, offset[0] + size) - max(box.x, offset[0])
    h = min(box.y + box.height, offset[1] + size) - max(box.y, offset[1])
    return max(0.0, w) * max(0.0, h) / (box.width * box.height)


def offset_around(box, size: int, frame: tuple[int, int], rng) -> tuple[int, int]:
    """A place (x, y) for a crop that holds at least INSIDE of the box, whole if that is possible."""
    offset = []
    for start, length, most in ((box.x, box.width, frame[0]), (box.y, box.height, frame[1])):
        slack = (1 - INSIDE) * length / 2  # of each direction: both together cut 1 - INSIDE at most
        low, high = start + length - size - slack, start + slack
        low, high = max(low, 0), min(high, most - size)
        offset.append(
            round(rng.uniform(low, high)) if high > low else round(np.clip(low, 0, most - size))
        )
    return offset[0], offset[1]


def _whole(box, size: int) -> bool:
    return INSIDE * max(box.width, box.height) <= size


def _empty(found, anywhere, size, frame, rng) -> tuple[int, int] | None:
    """A place without any of the boxes `found`; around one of `anywhere` if there are some."""
    for _ in range(TRIES):
        if len(anywhere):
            offset = offset_around(anywhere[rng.integers(len(anywhere))], size, frame, rng)
        else:
            offset = int(rng.integers(frame[0] - size + 1)), int(rng.integers(frame[1] - size + 1))
        if all(overlap_fraction(box, offset, size) <= TOUCHED for box in found):
            return offset
    return None
