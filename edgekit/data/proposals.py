"""Boxes proposed by a machine that has time: background subtraction, and OpenCV's people detector.

For the gateway or the desk, not for the device. What it proposes is not the truth: it joins people who
overlap, cuts off what a sign hides, and takes a tape in the wind for somebody. A person confirms or
corrects each box (`view.label`), and only confirmed boxes judge anything.
"""

from __future__ import annotations

import numpy as np

from edgekit.data.video import Box, opencv

CHANGED = 24  # grey values from the background that count as something
FILLED = 0.2  # share of a box that must have changed
SHARED = 0.4  # overlap over union of two boxes of the same person
MARGIN = (0.17, 0.07)  # of a detector's window: what it leaves beside and above somebody


def background(pictures: np.ndarray) -> np.ndarray:
    """(height, width) uint8: the median of pictures (time, height, width) of a camera that hangs still."""
    return np.median(pictures, axis=0).astype(np.uint8)


def propose(
    pictures: np.ndarray, empty: np.ndarray, tall: tuple[float, float], label: str = "person"
) -> list[tuple[Box, ...]]:
    """Boxes of what is not `empty` in each of `pictures` (time, height, width) uint8.

    `tall` (low, high) in pixels is how tall people may be. A changed patch as slim as one person is
    one; a wider one is shared out among the people that the detector sees in it (Dalal and Triggs,
    CVPR 2005, as OpenCV ships it), and what is left of it is another, if it is high enough. Raises
    EdgekitError where OpenCV is missing.
    """
    cv2 = opencv()
    detector = cv2.HOGDescriptor()
    detector.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    return [_boxes(cv2, detector, picture, empty, tall, label) for picture in pictures]


def _boxes(cv2, detector, picture, empty, tall, label: str) -> tuple[Box, ...]:
    change = np.abs(picture.astype(np.int16) - empty).astype(np.float32)
    changed = (cv2.GaussianBlur(change, (3, 3), 0) > CHANGED).astype(np.uint8)
    # a tape or a cable is thinner than somebody: opening with an upright bar takes it out
    changed = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((8, 2), np.uint8))
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((9, 4), np.uint8))
    count, _, patches, _ = cv2.connectedComponentsWithStats(changed)
    seen, found = None, []
    for x, y, w, h, area in patches[1:count].tolist():
        if h < 0.6 * tall[0] or area < FILLED * w * h:
            continue
        if w <= 0.6 * h and h <= 1.1 * tall[1]:
            found.append((x, y, w, h))
            continue
        seen = _detected(cv2, detector, picture, tall) if seen is None else seen
        own: list[tuple[int, int, int, int]] = []
        for box in seen:
            inside = x <= box[0] + box[2] / 2 <= x + w and y <= box[1] + box[3] / 2 <= y + h
            if inside and all(overlap(box, other) < SHARED for other in own):
                own.append(_tight(changed, box) or box)
        rest = changed[y : y + h, x : x + w].copy()
        for left, top, wide, high in own:
            cut = slice(max(0, top - y), top - y + high), slice(max(0, left - x), left - x + wide)
            rest[cut] = 0
        more = _tight(rest, (0, 0, w, h))
        if more and more[3] >= tall[0] and rest.sum() > FILLED * 0.4 * more[3] ** 2:
            own.append((x + more[0], y + more[1], more[2], more[3]))
        found += own
    return tuple(Box(*box, label, "proposed") for box in sorted(found))


def overlap(a, b) -> float:
    """Intersection over union of two boxes (x, y, width, height, …)."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0, w) * max(0, h)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def agreement(proposed, confirmed, least: float = 0.4) -> dict[str, float]:
    """Precision and recall of proposed boxes against confirmed ones, picture by picture.

    Two boxes are of the same person if their `overlap` is at least `least`; each serves once.
    """
    from scipy.optimize import linear_sum_assignment

    hits = said = true = 0
    for mine, theirs in zip(proposed, confirmed, strict=True):
        said, true = said + len(mine), true + len(theirs)
        if mine and theirs:
            shared = np.array([[overlap(a, b) for b in theirs] for a in mine])
            hits += int((shared[linear_sum_assignment(-shared)] >= least).sum())
    return {"precision": hits / max(1, said), "recall": hits / max(1, true), "boxes": said}


def _detected(cv2, detector, picture, tall) -> list[tuple[int, int, int, int]]:
    """The detector's windows less their margins, the surest first; its smallest person is 96 high."""
    scale = max(1.0, 96 / tall[0])
    large = cv2.resize(picture, None, fx=scale, fy=scale)
    windows, sure = detector.detectMultiScale(large, winStride=(8, 8), padding=(16, 16), scale=1.08)
    boxes = []
    for k in np.argsort(-np.ravel(sure)):
        x, y, w, h = (v / scale for v in windows[k])
        x, y = max(0, int(x + MARGIN[0] * w)), max(0, int(y + MARGIN[1] * h))
        w, h = (1 - 2 * MARGIN[0]) * w, (1 - 2 * MARGIN[1]) * h
        if 0.8 * tall[0] <= h <= 1.2 * tall[1]:
            boxes.append((x, y, max(0, int(w)), max(0, int(h))))
    return boxes


def _tight(changed: np.ndarray, box) -> tuple[int, int, int, int] | None:
    """The box drawn in to what has changed inside of it; None if that is nearly nothing."""
    x, y, w, h = (int(v) for v in box)
    patch = changed[y : y + h, x : x + w]
    columns = np.flatnonzero(patch.sum(axis=0) > 0.06 * patch.shape[0])
    lines = np.flatnonzero(patch.sum(axis=1) > 1)
    if len(columns) < 4 or len(lines) < 8:
        return None
    wide, high = int(columns[-1] - columns[0] + 1), int(lines[-1] - lines[0] + 1)
    return x + int(columns[0]), y + int(lines[0]), wide, high
