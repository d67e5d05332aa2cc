"""How sure a figure is: whole groups drawn again, with replacement.

Windows of one recording are not independent witnesses, so groups are drawn, not windows (a cluster bootstrap:
A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
"""

from __future__ import annotations

import numpy as np


def resample(members: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(draws, m): the `members` (m,) of a stratum, each row drawn from them with replacement."""
    return np.asarray(members)[rng.integers(0, len(members), (draws, len(members)))]


def bounds(drawn: np.ndarray, level: float = 0.95) -> np.ndarray:
    """(2, …): between them lies the share `level` of `drawn` (n, …), n draws; as much is beyond each."""
    tail = round((1 - level) / 2, 9)  # 0.025, and not 0.025000000000000022
    return np.quantile(drawn, [tail, 1 - tail], axis=0)


def balanced_accuracies(
    y_true: np.ndarray, y_pred: np.ndarray, group: np.ndarray, classes, *, seed: int, draws: int
) -> np.ndarray:
    """(draws,) mean recalls of the `classes`, the groups of each class drawn anew for each draw.

    `y_true`, `y_pred`, `group` (n,). Same `seed` and groups, same draws: two predictions can be paired.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(draws)
    for c in classes:
        names, index = np.unique(group[y_true == c], return_inverse=True)
        hits = np.bincount(index, weights=(y_pred == c)[y_true == c])
        size = np.bincount(index)
        drawn = resample(np.arange(len(names)), draws, rng)
        total += hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    return total / len(classes)
