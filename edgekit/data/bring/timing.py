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
NICE = (
    1,
    1.04,
    1.25,
    1.28,
    2,
    2.5,
    2.56,
    3,
    3.2,
    4,
    4.8,
    5,
    5.12,
    6,
    6.25,
    6.66,
    8,
    9.6,
    1.92,
    4.41,
)
NICE += (2.205, 3.84, 1.6, 2.6, 5.2, 2.08, 4.16, 8.33, 1.024, 2.048, 4.096, 1.5, 1.2, 2.4, 6.4)


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


def study(t: np.ndarray) -> Timing | None:
    """`t` (n,) seconds. None where they cannot be time stamps: too few, or standing still."""
    t = np.asarray(t, np.float64)
    if len(t) < 3 or not np.isfinite(t).all():
        return None
    steps = np.diff(t)
    forward = steps[steps > 0]
    if not len(forward) or t[-1] <= t[0]:
        return None
    if len(forward) < 0.7 * len(steps):  # stamps in whole seconds, many samples to each
        return Timing(float((len(t) - 1) / (t[-1] - t[0])), math.nan, (), int((steps < 0).sum()))
    period = float(np.median(forward))
    regular = (steps > 0) & (steps <= GAP * period)
    wide = steps > GAP * period
    if wide.mean() > IRREGULAR:
        regular, wide = steps > 0, steps > FAR * period
        regular &= ~wide
    mean = float(steps[regular].mean())
    gaps = tuple((int(i) + 1, float(steps[i])) for i in np.flatnonzero(wide))
    jitter = float(steps[regular].std() / mean)
    return Timing(1 / mean, jitter, gaps, int((steps < 0).sum()))


def pieces(t: np.ndarray, timing: Timing) -> list[tuple[int, int]]:
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
