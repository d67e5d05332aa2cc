"""What a gateway makes of a device's sketches: has its world changed?

`WeeklyKS` judges one week against the device's own reference; `Adwin` is river's adaptive windowing on means
of a few windows. Windows that follow each other resemble each other, so neither counts them as independent:
the sketch carries the variance of its days, and a week counts as so many windows as it is worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.monitor.sketch import EDGES, ONE, Sketch

if TYPE_CHECKING:
    import pandas as pd

HALF_YEAR = 26  # weeks
RATE = 1 / (100 * HALF_YEAR)  # false alarms a device-week: one in a hundred half-years
HIGHEST = 40.0  # critical values that are tried


@dataclass(frozen=True)
class Detection:
    """A detector's verdict on a week: its `statistic` against the `critical` value, of which a device that
    is as it was exceeds it in a share `rate` of weeks; `why` it was not judged, or ""."""

    detector: str
    statistic: float
    critical: float
    rate: float
    why: str = ""

    @property
    def drifted(self) -> bool:
        return not self.why and self.statistic > self.critical


@dataclass(frozen=True)
class WeeklyKS:
    """Kolmogorov-Smirnov between this week and the reference, at a `rate` of false alarms a device-week."""

    rate: float = RATE

    def judge(self, sketch: Sketch) -> Detection:
        """The verdict on a sketch at its week's end, before `end_week`."""
        shares = sketch.first.cumsum()[:EDGES] / max(1, sketch.first.sum())
        if not sketch.learnt or not sketch.now:
            why = "still learning" if not sketch.learnt else "no window this week"
            return Detection("weekly KS", 0.0, np.inf, self.rate, why)
        if not (shares * (1 - shares)).any():
            return Detection("weekly KS", 0.0, np.inf, self.rate, "all windows fell into one bin")
        critical = critical_value(self.rate, tuple(shares), sketch.phases.batches)
        return Detection("weekly KS", statistic(sketch), critical, self.rate)


def inflation(sketch: Sketch) -> float:
    """How many windows of the reference tell as much as one independent window, at least 1.

    By batch means: the variance between days of the share below an edge, over what independent windows would
    have, both summed over the edges (A. M. Law, "Simulation Modeling and Analysis", chapter 9). Raises
    EdgekitError before the reference is whole.
    """
    if not sketch.learnt:
        raise EdgekitError(
            "the sketch still learns; its days are known when its reference is whole"
        )
    batch, batches = sketch.phases.batch, sketch.phases.batches
    below = sketch.first.cumsum()[:EDGES] / batches  # of a mean day
    between = (sketch.square - batches * (below**2).sum()) / (batches - 1)
    alone = (below * (1 - below / batch)).sum()
    return max(1.0, float(between / alone)) if alone > 0 else 1.0


def statistic(sketch: Sketch) -> float:
    """The week's distance over its standard error but for the bin's own share: D / √(φ (1/n + 1/m)).

    n and m windows of the reference and the week, φ their `inflation`. Raises EdgekitError as it does.
    """
    spread = inflation(sketch) * (1 / sketch.first.sum() + 1 / max(1, sketch.now))
    return float(sketch.ks() / ONE / np.sqrt(spread))


def false_alarm_rate(
    critical: float, shares: Sequence[float] = tuple(np.arange(1, 8) / 8), batches: int = 28
) -> float:
    """A bound of how often a week of a device that is as it was exceeds `critical`, from 0 to 1.

    At an edge with share p below it, statistic over √(p(1-p)) is Student's t with `batches - 1` degrees of
    freedom, for its variance is estimated from so many days; the edges' shares add up (Bonferroni).
    """
    from scipy import stats

    p = np.array(shares)
    spread = np.sqrt(np.maximum(p * (1 - p), 1e-12))
    return float(min(1.0, 2 * stats.t.sf(critical / spread, batches - 1).sum()))


@lru_cache(maxsize=4096)
def critical_value(
    rate: float = RATE, shares: tuple[float, ...] = tuple(np.arange(1, 8) / 8), batches: int = 28
) -> float:
    """The value that `false_alarm_rate` says is exceeded in a share `rate` of weeks.

    shares: of the reference below each edge. batches: how many of them the reference has.
    Raises EdgekitError for a rate that is none.
    """
    from scipy.optimize import brentq

    if not 0 < rate < 1:
        raise EdgekitError(f"a rate of false alarms lies between 0 and 1, not at {rate!r:.40}")
    excess = lambda c: false_alarm_rate(c, shares, batches) - rate  # noqa: E731
    return float(brentq(excess, 0.0, HIGHEST)) if excess(HIGHEST) < 0 else HIGHEST


class Adwin:
    """river's ADWIN on daily means (A. Bifet and R. Gavaldà, SDM 2007), at confidence `delta`.

    It takes its values for independent: give it means of so many windows as `inflation` says are worth one.
    Raises EdgekitError where river is missing.
    """

    def __init__(self, delta: float = 0.002):
        try:
            from river.drift import ADWIN
        except ImportError:
            raise missing("ADWIN needs", "river", "fleet") from None
        self.delta = delta
        self._adwin = ADWIN(delta=delta, clock=4, grace_period=28, min_window_length=7)

    @property
    def mean(self) -> float:
        """Of what it still holds for the present."""
        return float(self._adwin.estimation)

    def update(self, means: Iterable[float]) -> Detection:
        """A week's means, in their order."""
        found = 0.0
        for value in means:
            self._adwin.update(float(value))
            found = max(found, float(self._adwin.drift_detected))
        return Detection("ADWIN", found, 0.5, self.delta)


def operating_curve(
    clean: np.ndarray, drifted: np.ndarray, thresholds: Sequence[float], within: int = 2
) -> pd.DataFrame:
    """What each of `thresholds` of a statistic costs and finds, a row each.

    `clean` (n, weeks) is the statistic of half-years of devices in which nothing happened, `drifted`
    (n, weeks) that of the weeks from a drift on; `thresholds` are in its unit. Columns: threshold;
    false_alarms, each week above the threshold counted, per 100 device-half-years, with their Poisson
    interval false_low, false_high; found, the share noticed `within` so many weeks, with its Wilson
    interval found_low, found_high (95 % both).
    """
    import pandas as pd
    from scipy import stats

    per = 100 / len(clean)
    rows = []
    for threshold in thresholds:
        alarms = int((clean > threshold).sum())
        hits, n = int((drifted[:, :within] > threshold).any(axis=1).sum()), len(drifted)
        interval = stats.binomtest(hits, n).proportion_ci(method="wilson") if n else (0.0, 1.0)
        low = stats.chi2.ppf(0.025, 2 * alarms) / 2 if alarms else 0.0
        rows.append(
            {
                "threshold": float(threshold),
                "false_alarms": per * alarms,
                "false_low": per * low,
                "false_high": per * stats.chi2.ppf(0.975, 2 * alarms + 2) / 2,
                "found": hits / n if n else np.nan,
                "found_low": float(interval[0]),
                "found_high": float(interval[1]),
            }
        )
    return pd.DataFrame(rows)
