"""From time stamps to a rate: how even they are, where they jump, and samples on an even grid."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

GAP = 2.5  # periods without a sample
UNEVEN = 0.15  # jitter from which samples are put on an even grid
IRREGULAR = 0.05  # share of gaps from which the sampling itself is irregular
FAR = 20  # periods that are never bridged
NICE = (1, 1.024, 1.04, 1.2, 1.25, 1.28, 1.5, 1.6, 1.92, 2, 2.048, 2.08, 2.205, 2.4, 2.5, 2.56, 2.6, 3, 3.2,
        3.84, 4, 4.096, 4.16, 4.41, 4.8, 5, 5.12, 5.2, 6, 6.25, 6.4, 6.66, 8, 8.33, 9.6)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """What time stamps say: `rate` in Hz; `jitter`, the spread of the intervals over the interval,
    gaps left out (NaN where stamps are coarser than samples); `gaps` as (index of the sample after it,
    seconds); how often time ran `backwards`.
    """

    rate: float
    jitter: float
    gaps: tuple[tuple[int, float], ...] = ()
    backwards: int = 0

    @property
    def uneven(self) -> bool:
        return self.jitter > UNEVEN


def filled(t: np.ndarray) -> tuple[np.ndarray, int]:
    """`t` (n,) with missing stamps put between their neighbours, and how many were missing."""
    missing = ~np.isfinite(t)
    count = int(missing.sum())
    if not count or count > len(t) - 3:
        return t, count
    at, known = np.arange(len(t)), np.flatnonzero(~missing)
    t = np.interp(at, known, t[known])
    period = np.median(np.diff(t[known[0] : known[-1] + 1]))
    before, behind = np.arange(known[0]), np.arange(known[-1] + 1, len(t))
    t[before] = t[known[0]] - period * (known[0] - before)
    t[behind] = t[known[-1]] + period * (behind - known[-1])
    return t, count


def order(t: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Indices that put rows in order, and what was done; None where they are in order, or begin anew.

    Rows from last to first are turned round. Rows are sorted if that gives even steps, none of them
    nothing: a logger that was started again gives double or odd ones, and is cut instead.
    """
    steps = np.diff(t)
    back = steps < 0
    if not back.any():
        return None, ""
    if back.mean() > 0.9:
        return np.arange(len(t))[::-1], "time runs from last to first: rows were turned round"
    by_time = np.argsort(t, kind="stable")
    even = np.diff(t[by_time])
    period = float(np.median(even))
    usual = even[even <= GAP * period]
    regular = period > 0 and even.min() > 0.5 * period and usual.std() < 0.2 * usual.mean()
    if regular and len(usual) > 0.98 * len(even):
        return by_time, f"{int(back.sum())} rows stand before earlier ones: sorted by time"
    return None, ""


def analyze_timestamps(t: np.ndarray) -> Timing | None:
    """`t` (n,) seconds. None where they cannot be time stamps: too few, or standing still."""
    t = np.asarray(t, np.float64)
    if len(t) < 3 or not np.isfinite(t).all():
        return None
    steps = np.diff(t)
    forward = steps[steps > 0]
    back = int((steps < 0).sum())
    if not len(forward) or back > 0.3 * len(steps):
        return None
    if len(forward) < 0.7 * len(steps):  # stamps in whole seconds, many samples to each
        return _coarse(t, steps, back)
    period = float(np.median(forward))
    regular = (steps > 0) & (steps <= GAP * period)
    wide = steps > GAP * period
    if wide.mean() > IRREGULAR:
        regular, wide = steps > 0, steps > FAR * period
        regular &= ~wide
    mean = float(steps[regular].mean())
    gaps = tuple((int(i) + 1, float(steps[i])) for i in np.flatnonzero(wide))
    jitter = float(steps[regular].std() / mean)
    return Timing(1 / mean, jitter, gaps, back)


def _coarse(t: np.ndarray, steps: np.ndarray, back: int) -> Timing | None:
    """Many samples to a stamp: how many there are from one new stamp to the next, gaps left out."""
    moved = np.flatnonzero(steps)
    tick = float(np.median(steps[steps > 0]))
    gaps = tuple((int(i) + 1, float(steps[i])) for i in moved if steps[i] > GAP * tick)
    counts, lasts = np.diff(moved), steps[moved[1:]]
    usual = (lasts > 0) & (lasts <= GAP * tick)
    samples, seconds = (
        (counts[usual].sum(), lasts[usual].sum()) if usual.any() else (len(steps), t[-1] - t[0])
    )
    return Timing(float(samples / seconds), math.nan, gaps, back) if seconds > 0 else None


def contiguous(t: np.ndarray, timing: Timing) -> list[tuple[int, int]]:
    """Stretches (first, stop) without a gap in which time runs forward."""
    steps = np.diff(np.asarray(t, np.float64))
    breaks = {i for i, _ in timing.gaps} | {int(i) + 1 for i in np.flatnonzero(steps < 0)}
    edges = [0, *sorted(breaks), len(t)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


def even(samples: np.ndarray, t: np.ndarray, rate: float) -> np.ndarray:
    """`samples` (n, channel) at the seconds `t`, put on an even grid of `rate` Hz by straight lines."""
    t = np.asarray(t, np.float64)
    keep = np.concatenate(([True], np.diff(t) > 0))
    grid = t[0] + np.arange(int((t[-1] - t[0]) * rate) + 1) / rate
    columns = [np.interp(grid, t[keep], c[keep]) for c in samples.T]
    return np.stack(columns, axis=1).astype(samples.dtype)


def nominal(rate: float, within: float = 0.01) -> float:
    """The round rate that a clock of `rate` Hz was meant to have, else `rate` to three digits."""
    decade = 10.0 ** math.floor(math.log10(rate))
    near = min(
        (n * d for n in NICE for d in (decade, 10 * decade)), key=lambda r: abs(r / rate - 1)
    )
    return float(f"{near if abs(near / rate - 1) <= within else rate:.4g}") if near < 1e4 else (
        float(round(near)) if abs(near / rate - 1) <= within else float(round(rate))
    )  # fmt: skip
