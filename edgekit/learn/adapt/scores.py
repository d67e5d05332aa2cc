"""One table from many splits: balanced accuracy of each method, and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.learn import bootstrap

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 2000


class Tally:
    """Counts right answers, by method, group and class, over every split that tested the group."""

    def __init__(self, y: np.ndarray, group: np.ndarray, classes: tuple[str, ...]):
        """`y`, `group` (n,): of the whole target domain; the names of its `classes`."""
        self.y, self.classes = y, classes
        self.names, self.group = np.unique(group, return_inverse=True)
        self.hits: dict[str, list[np.ndarray]] = {}
        self.tested: list[np.ndarray] = []

    def test(self, rows: np.ndarray) -> None:
        """Begin a split that tests these rows (t,)."""
        self.tested.append(self._count(rows, np.ones(len(rows))))

    def add(self, method: str, rows: np.ndarray, predicted: np.ndarray) -> None:
        """The class indices (t,) that a method predicted for the tested rows (t,)."""
        self.hits.setdefault(method, []).append(self._count(rows, predicted == self.y[rows]))

    def table(self, baseline: str, seed: int = 0) -> pd.DataFrame:
        """A row per method: balanced accuracy and its lift over `baseline`, with 95 % intervals.

        Columns: method, balanced_accuracy (mean recall of the classes the target holds), low, high, lift,
        lift_low, lift_high, and "recall " with the name of each class. The bootstrap draws whole groups,
        among those with the same classes, and for each one of the splits that tested it, so that it knows
        both how few recordings there are and how much seed and split matter; all rows share the draws, so
        that a lift is of pairs. NaN where a class has a single group: nobody knows the next.
        """
        import pandas as pd

        size = np.array(self.tested)  # (splits, groups, classes)
        present = np.flatnonzero(size.sum(axis=(0, 1)))
        drawn = self._draws(size, np.random.default_rng(seed))
        alone = ((size.sum(axis=0) > 0).sum(axis=0)[present] < 2).any()
        rows: list[dict] = []
        spread = {}
        for method, counts in self.hits.items():
            hits = np.array(counts)
            recall = hits.sum(axis=(0, 1))[present] / size.sum(axis=(0, 1))[present]
            spread[method] = self._recalls(hits, size, drawn)[:, present].mean(axis=1)
            rows.append({"method": method, "balanced_accuracy": recall.mean()})
            low, high = self._bounds(spread[method], alone)
            rows[-1] |= {"low": low, "high": high}
            rows[-1]["lift"] = recall.mean() - rows[0]["balanced_accuracy"]
            low, high = self._bounds(spread[method] - spread[baseline], alone)
            rows[-1] |= {"lift_low": low, "lift_high": high}
            rows[-1] |= {
                f"recall {self.classes[c]}": r for c, r in zip(present, recall, strict=True)
            }
        return pd.DataFrame(rows)

    def _count(self, rows, values) -> np.ndarray:
        count = np.zeros((len(self.names), len(self.classes)))
        np.add.at(count, (self.group[rows], self.y[rows]), values)
        return count

    def _draws(self, size: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
        """(DRAWS, groups) each: which split, which group."""
        has = (size.sum(axis=0) > 0).astype(int)
        tests = [np.flatnonzero(size[:, g].sum(axis=1)) for g in range(len(self.names))]
        groups, splits = [], []
        for kind in np.unique(has[has.any(axis=1)], axis=0):
            mine = np.flatnonzero((has == kind).all(axis=1))
            pick = bootstrap.resample(mine, DRAWS, rng)
            which = rng.random(pick.shape)
            count = np.array([len(t) for t in tests])[pick]
            padded = np.array(
                [np.resize(t, len(size)) if len(t) else [0] * len(size) for t in tests]
            )
            groups.append(pick)
            splits.append(padded[pick, (which * count).astype(int)])
        return np.concatenate(splits, axis=1), np.concatenate(groups, axis=1)

    @staticmethod
    def _recalls(hits, size, drawn) -> np.ndarray:
        """(DRAWS, classes); a class that a draw left out counts as its recall over everything."""
        right, total = hits[drawn].sum(axis=1), size[drawn].sum(axis=1)
        overall = hits.sum(axis=(0, 1)) / np.maximum(size.sum(axis=(0, 1)), 1)
        return np.where(total > 0, right / np.maximum(total, 1), overall)

    @staticmethod
    def _bounds(values, alone) -> tuple[float, float]:
        return (np.nan, np.nan) if alone else tuple(bootstrap.bounds(values))
