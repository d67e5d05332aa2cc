"""What a fault looks like in the samples of one recording; `quality` says it in words."""

from __future__ import annotations

import numpy as np

FLAT_RUN = 16  # equal samples in a row that count as a dropout, unless the signal always has such
LONGER = 20  # times as long as runs usually are in this signal
PILE = 5  # times as many samples at an extreme as at the values next to it


# --------------------------------------------------------------------------- within a recording


def longest_finite(x: np.ndarray) -> int:
    """Samples of the longest stretch of `x` (n, channel) without NaN or infinity."""
    bad = np.flatnonzero(~np.isfinite(x).all(axis=tuple(range(1, x.ndim))))
    return int(np.diff(np.concatenate(([-1], bad, [len(x)]))).max()) - 1


def runs(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first index, length) of each stretch of equal samples."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(x)) + 1, [len(x)]))
    return edges[:-1], np.diff(edges)


def stuck(x: np.ndarray) -> int:
    """Samples in which nothing moves, in runs far longer than this signal usually has.

    A temperature in steps of 0.1 °C stands still for many samples and is sound; a sensor that hangs
    stands still for LONGER times that.
    """
    if len(x) < FLAT_RUN:
        return 0
    _, length = runs(x)
    usual = float(np.mean(np.sort(length)[: max(1, int(0.9 * len(length)))]))
    limit = FLAT_RUN if usual < 1.5 else max(FLAT_RUN, LONGER * usual)
    return int(length[length >= limit].sum())


def clipped(x: np.ndarray) -> int:
    """Samples in runs of three or more at the largest or the smallest value, where that value is far
    commoner than its neighbours: a flat top."""
    if len(x) < 3:
        return 0
    values, counts = np.unique(x, return_counts=True)
    if len(values) < 8:
        return 0  # a switch, a counter, a state: nothing to clip
    first, length = runs(x)
    total = 0
    for value, at, beside in ((x.max(), -1, counts[-4:-1]), (x.min(), 0, counts[1:4])):
        if counts[at] >= PILE * max(1.0, float(np.mean(beside))):
            total += int(length[(length >= 3) & (x[first] == value)].sum())
    return total


def frames(x: np.ndarray) -> dict:
    """Of pictures (time, height, width) uint8: shares of `blank` and `frozen` frames, and of `extreme`
    pixels, black or white."""
    n = len(x)
    small = x[:: max(1, n // 500)]
    blank = float(np.mean([f.std() < 2 for f in small])) if n else 1.0
    pairs = range(1, n, max(1, n // 500))
    frozen = float(np.mean([np.array_equal(x[i], x[i - 1]) for i in pairs])) if n > 1 else 0.0
    extreme = float(np.mean((small == 0) | (small == 255))) if n else 0.0
    return {"blank": blank, "frozen": frozen, "extreme": extreme}
