"""Accuracy in the field from few random labels, with the interval that so few leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A share with its interval (LEVEL), from `labels` labels that are worth `effective` equally likely
    ones."""

    share: float
    low: float
    high: float
    labels: int
    effective: float

    def figure(self, data: str = "") -> Figure:
        """With how many labels it rests on. data: one of `core.figures.DATA`."""
        where = f"{self.labels} random labels, {LEVEL:.0%} Wilson interval"
        return measured(self.share, "", where, self.low, self.high, data)


def estimate(right: np.ndarray, weight: np.ndarray | None = None, level: float = LEVEL) -> Estimate:
    """The share of all windows that is right, from those drawn at random.

    `right` (n,) bool; `weight` (n,) windows that each stands for (1 / probability to be drawn), all alike
    unless given; `level` of the interval. Horvitz and Thompson's estimate over its total (J. Hájek, 1971),
    and E. B. Wilson's interval at as many labels as the weights leave (L. Kish: squared sum over sum of
    squares). Raises EdgekitError without a label, and for weights that are none.
    """
    from scipy import stats

    right = np.asarray(right, bool)
    weight = np.ones(len(right)) if weight is None else np.asarray(weight, np.float64)
    if not len(right):
        raise EdgekitError("no random window has a label yet: accuracy in the field is not known")
    if weight.shape != right.shape or not (np.isfinite(weight) & (weight > 0)).all():
        raise EdgekitError("each label stands for a positive number of windows")
    share = float((weight * right).sum() / weight.sum())
    n = float(weight.sum() ** 2 / (weight**2).sum())
    z = float(stats.norm.ppf((1 + level) / 2))
    middle, half = (
        (share + z * z / (2 * n)) / (1 + z * z / n),
        z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n),
    )
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Estimate(share, float(low), float(high), len(right), n)
