"""Where to put the threshold: not where accuracy is best, but where it is cheapest.

cost = Cost(missed=4_000, false_alarm=150, prior=0.02)  # € and the share of faulty measurements
threshold = choose(val_score, val_faulty, cost)         # on validation recordings
threshold_cost(test_score, test_faulty, test_group, threshold, cost)  # on others, with an interval

Expected cost as in C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001. A detector's own
prior (how many of the recordings at hand are faulty) does not enter: `prior` says how many will be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from edgekit.core.errors import EdgekitError
from edgekit.learn import bootstrap

if TYPE_CHECKING:
    import pandas as pd

STEPS = 400  # thresholds that a curve looks at


@dataclass(frozen=True)
class Cost:
    """What a missed fault and a false alarm cost, in one currency, and how many measurements are faulty.

    `prior` 0…1. Raises EdgekitError for numbers that no plant has.
    """

    missed: float
    false_alarm: float
    prior: float

    def __post_init__(self):
        if not (self.missed > 0 and self.false_alarm > 0 and 0 < self.prior < 1):
            raise EdgekitError(
                f"costs must be positive and the prior between 0 and 1, got {self.missed:g}, "
                f"{self.false_alarm:g}, {self.prior:g}"
            )

    def expected(self, missed: np.ndarray, false_alarm: np.ndarray) -> np.ndarray:
        """Per measurement, of the shares of faults missed and of healthy measurements that alarm."""
        return self.prior * self.missed * missed + (1 - self.prior) * self.false_alarm * false_alarm


def curve(
    score: ArrayLike,
    faulty: ArrayLike,
    group: ArrayLike,
    cost: Cost,
    *,
    draws: int = 400,
    seed: int = 0,
) -> pd.DataFrame:
    """Expected cost over the threshold, an alarm being a score above it.

    `score` (n,), `faulty` (n,) bool, `group` (n,) recordings. Columns: threshold, missed and false_alarm
    (shares), cost (per measurement), low and high (95 % of `draws` bootstraps that draw whole recordings,
    healthy and faulty ones apart). Raises EdgekitError where one kind is absent or a score not finite.
    """
    import pandas as pd

    score, faulty, group = _checked(score, faulty, group)
    at = _thresholds(score)
    missed, false_alarm = _shares(score, faulty, at, np.ones(len(score)))
    drawn = _drawn(score, faulty, group, at, cost, draws, seed)
    low, high = bootstrap.bounds(drawn)
    return pd.DataFrame(
        {
            "threshold": at,
            "missed": missed,
            "false_alarm": false_alarm,
            "cost": cost.expected(missed, false_alarm),
            "low": low,
            "high": high,
        }
    )


def choose(score: ArrayLike, faulty: ArrayLike, cost: Cost) -> float:
    """The cheapest threshold, in the unit of `score` (n,); `faulty` (n,) bool.

    Of a range that is equally cheap the middle of its widest stretch. Raises EdgekitError where one kind is
    absent or a score not finite.
    """
    score, faulty, _ = _checked(score, faulty, np.arange(np.size(score)))
    edges = np.unique(score)
    at = np.concatenate([[edges[0] - 1e-9], (edges[:-1] + edges[1:]) / 2, [edges[-1] + 1e-9]])
    expected = cost.expected(*_shares(score, faulty, at, np.ones(len(score))))
    cheapest = np.flatnonzero(expected <= expected.min() * (1 + 1e-12))
    width = np.diff(np.concatenate([[edges[0]], edges, [edges[-1]]]))  # of the gap each lies in
    return float(at[cheapest[width[cheapest].argmax()]])


@dataclass(frozen=True)
class ThresholdCost:
    """What a threshold costs per measurement: `cost` with its 95 % interval `low` to `high`.

    `missed` and `false_alarm` are shares of faulty and of healthy scores, `recordings` how many were drawn.
    Where nothing was missed the interval cannot know how rare missing is: with n faulty recordings, up to
    3/n is not ruled out (the rule of three; `missed_below`, and the same for `false_alarm_below`).
    """

    cost: float
    low: float
    high: float
    missed: float
    false_alarm: float
    missed_below: float
    false_alarm_below: float
    recordings: int


def threshold_cost(
    score: ArrayLike,
    faulty: ArrayLike,
    group: ArrayLike,
    threshold: float,
    cost: Cost,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> ThresholdCost:
    """What `threshold` costs on `score` (n,), `faulty` (n,) bool, of recordings `group` (n,).

    The interval is of `draws` bootstraps of whole recordings. Raises EdgekitError where one kind is absent
    or a score not finite.
    """
    score, faulty, group = _checked(score, faulty, group)
    at = np.array([float(threshold)])
    missed, false_alarm = _shares(score, faulty, at, np.ones(len(score)))
    low, high = bootstrap.bounds(_drawn(score, faulty, group, at, cost, draws, seed)[:, 0])
    n = {kind: len(np.unique(group[faulty == kind])) for kind in (True, False)}
    return ThresholdCost(
        cost=float(cost.expected(missed, false_alarm)[0]),
        low=float(low),
        high=float(high),
        missed=float(missed[0]),
        false_alarm=float(false_alarm[0]),
        missed_below=max(float(missed[0]), min(1.0, 3 / n[True])),
        false_alarm_below=max(float(false_alarm[0]), min(1.0, 3 / n[False])),
        recordings=sum(n.values()),
    )


def _checked(score, faulty, group) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score, faulty = np.asarray(score, float), np.asarray(faulty, bool)
    if not np.isfinite(score).all():
        raise EdgekitError("a score is not finite; no alarm can go by it")
    if not len(score) or faulty.all() or not faulty.any():
        raise EdgekitError("a threshold needs healthy and faulty recordings, both")
    return score, faulty, np.asarray(group)


def _thresholds(score: np.ndarray) -> np.ndarray:
    edges = np.unique(np.quantile(score, np.linspace(0, 1, STEPS)))
    return np.concatenate([[edges[0] - 1e-9], edges])


def _shares(score, faulty, at, weight) -> tuple[np.ndarray, np.ndarray]:
    """Weighted shares (thresholds,) of faults at or below, and of healthy scores above each threshold."""
    shares = []
    for kind, missed in ((True, True), (False, False)):
        order = np.argsort(score[faulty == kind])
        ordered, w = score[faulty == kind][order], weight[faulty == kind][order]
        below = np.concatenate([[0.0], np.cumsum(w)])[np.searchsorted(ordered, at, side="right")]
        share = below / max(w.sum(), 1e-12)
        shares.append(share if missed else 1 - share)
    return shares[0], shares[1]


def _drawn(score, faulty, group, at, cost: Cost, draws: int, seed: int) -> np.ndarray:
    """Cost (draws, thresholds) of resampled recordings; healthy and faulty ones are drawn apart."""
    rng = np.random.default_rng(seed)
    _, index = np.unique(group.astype(str), return_inverse=True)
    strata = 2 * index + ~faulty  # a bearing may have been both: a recording of each kind
    members, row = np.unique(strata, return_inverse=True)
    kinds = [np.flatnonzero(members % 2 == healthy) for healthy in (False, True)]
    out = np.empty((draws, len(at)))
    for i in range(draws):
        times = np.zeros(len(members))
        for kind in kinds:
            np.add.at(times, bootstrap.resample(kind, 1, rng)[0], 1)
        out[i] = cost.expected(*_shares(score, faulty, at, times[row]))
    return out
