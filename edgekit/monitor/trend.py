"""From a score to a trend, and from a trend to the time that is left.

health = indicator(table, snapshot, healthy=10)     # each snapshot against the machine's first ones
model = learn_growth(training_lives)                # how faults grew on other machines
left = model.remaining(hours[:i], health[:i])       # hours: left.low, left.middle, left.high

The exponential degradation model of N. Z. Gebraeel, M. A. Lawley, R. Li, J. K. Ryan, "Residual-life
distributions from component degradation signals: a Bayesian approach", IIE Transactions 37 (2005) 543-557:
the logarithm of the damage grows along a line; other machines say which lines are likely, this machine's
own measurements which of them it is. Only what came before a moment is used for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.monitor.anomaly import averaged, gaussian

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.1, 0.5, 0.9)  # of the time that is left


@dataclass(frozen=True)
class Life:
    """One machine: `hours` (k,) of its snapshots, `health` (k,) indicator, `end` hours at failure,
    `severity` (k,) of its fault where it is known, as in a simulation."""

    hours: np.ndarray
    health: np.ndarray
    end: float
    severity: np.ndarray | None = None


class Remaining(NamedTuple):
    """Hours that are left: the QUANTILES of what is likely; infinite where no end is in sight."""

    low: float
    middle: float
    high: float


def indicator(table: np.ndarray, snapshot: np.ndarray, healthy: int) -> np.ndarray:
    """How far each snapshot is from the machine's first `healthy` ones: (k,), about 1 while it is sound.

    `table` (n, d) features of windows, `snapshot` (n,) 0…k-1. The windows of a snapshot are averaged first:
    what repeats stays, noise does not. Then Mahalanobis, see `anomaly.gaussian`. Raises EdgekitError where
    the healthy ones are fewer than two or all.
    """
    names = np.unique(snapshot)
    if not 2 <= healthy < len(names):
        raise EdgekitError(f"{healthy} of {len(names)} snapshots cannot be the healthy ones")
    distance = gaussian(table[np.isin(snapshot, names[:healthy])]).score(
        averaged(table, snapshot)[1]
    )
    return distance / np.median(distance[:healthy])


def follow(recordings: list, case: Any, hours: float, healthy: int = 8) -> Life:
    """The Life of one machine from its `recordings`, snapshots in order, as a simulator's run to failure
    has them.

    `case` is the use case's module, `hours` how long the life was, the first `healthy` snapshots are sound.
    """
    windows = case.windows([case.prepare(r) for r in recordings], "full")
    number = {r.name: i for i, r in enumerate(recordings)}
    snapshot = np.array([number[name] for name in windows.recording])
    health = indicator(case.descriptor(windows.X), snapshot, healthy)
    share, severity = (np.array([r.meta[key] for r in recordings]) for key in ("life", "severity"))
    return Life(hours * share, health, hours, severity)


def monotone(values: np.ndarray) -> np.ndarray:
    """The rising sequence (k,) nearest to `values` (k,) (isotonic regression): damage does not heal."""
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression().fit_transform(np.arange(len(values)), values)


def onset(health: np.ndarray, threshold: float, runs: int = 2) -> int | None:
    """The index of the last of the first `runs` snapshots in a row with `health` (k,) above `threshold`; or
    None."""
    above = np.asarray(health) > threshold
    for i in range(runs - 1, len(above)):
        if above[i - runs + 1 : i + 1].all():
            return i
    return None


@dataclass(frozen=True)
class Growth:
    """How faults grow: log damage = a + b · hours since it was noticed, up to a `limit` (mean, spread).

    `mean` (2,) and `covariance` (2, 2) of (a, b) over the machines it was learned from, `noise` the scatter
    of one measurement about the line; `knots`: (health, log damage), what a health indicator stands for.
    `threshold`: health from which a fault counts as noticed. The limit has a spread because no two machines
    fail at the same reading.
    """

    mean: np.ndarray
    covariance: np.ndarray
    noise: float
    limit: tuple[float, float]
    knots: tuple[np.ndarray, np.ndarray]
    threshold: float

    def damage(self, health: np.ndarray) -> np.ndarray:
        """Log damage that an indicator stands for; beyond what was seen, the nearest that was."""
        return np.interp(health, *self.knots)

    def remaining(
        self, hours: np.ndarray, health: np.ndarray, draws: int = 500, seed: int = 0
    ) -> Remaining | None:
        """Hours left at the last of `hours` (k,): the QUANTILES of `draws` likely lines.

        None before the fault is noticed. A line that never reaches the limit counts as infinite.
        """
        first = onset(health, self.threshold)
        if first is None:
            return None
        t = np.asarray(hours[first:], float) - hours[first]
        y = monotone(self.damage(np.asarray(health)))[first:]
        A = np.stack([np.ones_like(t), t], axis=1)
        prior = np.linalg.inv(self.covariance)
        covariance = np.linalg.inv(prior + A.T @ A / self.noise**2)
        mean = covariance @ (prior @ self.mean + A.T @ y / self.noise**2)
        rng = np.random.default_rng(seed)
        a, b = rng.multivariate_normal(mean, covariance, draws).T
        limit = rng.normal(*self.limit, draws)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.where(b > 0, (limit - a) / b - t[-1], np.inf)
        # sorted by hand: a quantile between infinities is no number
        ordered = np.sort(np.maximum(left, 0.0))
        return Remaining(*(float(ordered[int(q * (draws - 1))]) for q in QUANTILES))


def learn_growth(lives: list[Life], threshold: float) -> Growth:
    """From the `lives` of other machines, to their end and with known severity; a fault counts as noticed
    from `threshold` on. Raises EdgekitError for under three in which that was at least three snapshots
    before the end.
    """
    from sklearn.isotonic import IsotonicRegression

    severities = [life.severity for life in lives if life.severity is not None]
    if len(severities) < len(lives):
        raise EdgekitError("how faults grow is learned from lives whose severity is known")
    severity = np.concatenate(severities)
    health = np.concatenate([life.health for life in lives])[severity > 0]
    severity = severity[severity > 0]
    scale = IsotonicRegression(out_of_bounds="clip").fit(health, np.log(severity))
    grid = np.quantile(health, np.linspace(0, 1, 64))
    knots = (grid, scale.predict(grid))
    fitted, scatter, ends = [], [], []
    for life in lives:
        first = onset(life.health, threshold)
        if first is None or len(life.health) - first < 3:
            continue
        t = life.hours[first:] - life.hours[first]
        y = monotone(np.interp(life.health, *knots))[first:]
        b, a = np.polyfit(t, y, 1)
        fitted.append((a, b))
        scatter.append(y - (a + b * t))
        ends.append(a + b * (life.end - life.hours[first]))
    if len(fitted) < 3:
        raise EdgekitError(f"{len(fitted)} usable lives; three or more say how faults grow")
    lines = np.array(fitted)
    covariance = np.cov(lines.T) + np.diag((0.05 * np.abs(lines.mean(axis=0)) + 1e-9) ** 2)
    noise = float(max(np.concatenate(scatter).std(), 1e-3))
    limit = float(np.median(ends)), float(np.std(ends))
    return Growth(lines.mean(axis=0), covariance, noise, limit, knots, threshold)


def evaluate(model: Growth, lives: list[Life], alpha: float = 0.2, seed: int = 0) -> pd.DataFrame:
    """Every prediction on other lives: one row a snapshot from when the fault was noticed.

    Columns: life, lam (λ, 0 when noticed … 1 at the end), left (hours, true), low, middle, high, within
    (the middle is within ±`alpha` of the truth) and covered (the truth lies in low…high): α-λ accuracy of
    A. Saxena et al., Int. J. Prognostics and Health Management 1 (2010). Raises EdgekitError where the fault
    was noticed in none of the `lives`.
    """
    import pandas as pd

    rows = []
    for number, life in enumerate(lives):
        first = onset(life.health, model.threshold)
        if first is None:
            continue
        for i in range(first, len(life.hours)):
            left = life.end - life.hours[i]
            if left <= 0:
                continue
            known = life.hours[: i + 1], life.health[: i + 1]
            found = model.remaining(*known, seed=seed + i)
            if found is None:
                continue
            low, middle, high = found
            rows.append(
                {
                    "life": number,
                    "lam": 1 - left / (life.end - life.hours[first]),
                    "left": left,
                    "low": low,
                    "middle": middle,
                    "high": high,
                    "within": abs(middle - left) <= alpha * left,
                    "covered": low <= left <= high,
                }
            )
    if not rows:
        raise EdgekitError("the fault was noticed in none of the lives")
    return pd.DataFrame(rows)
