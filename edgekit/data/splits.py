"""Splits that keep whole groups together, and the leaky one, for comparison only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import html as escape
from edgekit.core.html_table import TABLE
from edgekit.data.windows import Windows

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "val", "test")
TRIALS = 200  # shuffles tried where groups hold several classes each


@dataclass(frozen=True)
class Split:
    """Row indices of three parts, (n,) int64 each, ascending; `groups`: what each part holds."""

    SCHEMA: ClassVar[int] = 1

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    groups: dict[str, tuple[str, ...]]

    @classmethod
    def by_masks(
        cls, windows: Windows, train: np.ndarray, val: np.ndarray, test: np.ndarray
    ) -> Split:
        """The split of three masks (n,) bool over the rows of `windows`."""
        groups = {
            part: tuple(sorted({str(g) for g in windows.group[mask]}))
            for part, mask in zip(PARTS, (train, val, test), strict=True)
        }
        return cls(np.flatnonzero(train), np.flatnonzero(val), np.flatnonzero(test), groups)

    def of(self, windows: Windows) -> tuple[Windows, Windows, Windows]:
        """The windows of train, val and test."""
        return windows[self.train], windows[self.val], windows[self.test]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{part}</td><td>{len(getattr(self, part)):,}</td>"
            f"<td>{len(self.groups[part])}</td><td>{escape(', '.join(self.groups[part]))}</td></tr>"
            for part in PARTS
        )
        return (
            f"{TABLE}<tr><th>part</th><th>windows</th><th>groups</th><th></th></tr>{rows}</table>"
        )


def by_group(windows: Windows, test: float = 0.25, val: float = 0.2, seed: int = 0) -> Split:
    """Train, val and test of whole groups, every class in every part; `val=0` leaves val empty.

    `test` and `val` are shares of each class's windows, met as nearly as whole groups allow. Same
    seed, same split. Raises EdgekitError when a class has too few groups, saying how many it needs.
    """
    if not (0 < test < 1 and 0 <= val < 1 and test + val < 1):
        raise EdgekitError(
            f"test={test:g} and val={val:g} must be shares that leave some for training"
        )
    shares = [1 - test - val, test] + ([val] if val else [])
    part_of = _assign(
        windows, shares, seed, "a split into " + ", ".join(("train", "test", "val")[: len(shares)])
    )
    return Split.by_masks(windows, part_of == 0, part_of == 2, part_of == 1)


def folds_by_group(windows: Windows, k: int = 3, seed: int = 0, val: bool = False) -> list[Split]:
    """`k` splits that test every group exactly once, every class in each test and training part.

    With `val` the next fold's test part is set aside for validation (needs k ≥ 3). Raises
    EdgekitError when a class has fewer than `k` groups.
    """
    if k < 2 + val:
        raise EdgekitError(f"{k} folds leave nothing to train on; take at least {2 + val}")
    part_of = _assign(windows, [1 / k] * k, seed, f"{k} folds")
    folds = []
    for fold in range(k):
        held = (part_of == (fold + 1) % k) & val
        train, tested = (part_of != fold) & ~held, part_of == fold
        folds.append(Split.by_masks(windows, train, held, tested))
    return folds


def random_split_leaky(
    windows: Windows, test: float = 0.25, val: float = 0.2, seed: int = 0
) -> Split:
    """LEAKS, for comparison only: windows dealt at random, neighbours on both sides.

    `test` and `val` are shares of the windows. Stratified by class. Its score is what a careless study
    would report.
    """
    rng = np.random.default_rng(seed)
    part_of = np.zeros(len(windows), int)
    for c in np.unique(windows.y):
        rows = rng.permutation(np.flatnonzero(windows.y == c))
        first, second = round(test * len(rows)), round((test + val) * len(rows))
        part_of[rows[:first]], part_of[rows[first:second]] = 1, 2
    return Split.by_masks(windows, part_of == 0, part_of == 2, part_of == 1)


def assert_no_leak(windows: Windows, split: Split) -> None:
    """Raises EdgekitError where two parts share a row, a group, samples or a window's content."""
    length = windows.X.shape[1]
    spans: dict[str, list[tuple[int, str]]] = {}
    owner: dict[bytes, str] = {}
    rows: dict[int, str] = {}
    groups: dict[str, str] = {}
    for part in PARTS:
        for i in getattr(split, part):
            if rows.setdefault(int(i), part) != part:
                raise EdgekitError(f"row {i} is in both {rows[int(i)]} and {part}")
            group = str(windows.group[i])
            if groups.setdefault(group, part) != part:
                raise EdgekitError(
                    f"group {group!r} is in both {groups[group]} and {part}: it leaks"
                )
            recording, _, start = str(windows.origin[i]).rpartition("@")
            spans.setdefault(recording, []).append((int(start), part))
            if windows.X[i].std() > 0:  # silence may repeat, signals do not
                content = windows.X[i].tobytes()
                if owner.setdefault(content, part) != part:
                    raise EdgekitError(
                        f"{windows.origin[i]} in {part} repeats a window of {owner[content]}"
                    )
    for recording, starts in spans.items():
        starts.sort()
        for (a, part), (b, other) in pairwise(starts):
            if part != other and b - a < length:
                raise EdgekitError(
                    f"{recording} overlaps itself in {part} and {other} near sample {b}"
                )


def compare_grouped_vs_random(
    windows: Windows, features: np.ndarray, seed: int = 0
) -> pd.DataFrame:
    """Balanced accuracy of a random forest on `features` (n, f), honestly and by leaky windows.

    As many folds as the rarest class has groups, five at most; both rows train on as many windows.
    Columns: balanced_accuracy (mean), lowest and highest fold, folds.
    """
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import balanced_accuracy_score

    k = min(5, *(len(set(windows.group[windows.y == c])) for c in np.unique(windows.y)))
    honest = folds_by_group(windows, k, seed)
    deal = {
        "whole groups (honest)": honest,
        "random windows (leaks)": [
            random_split_leaky(windows, 1 / k, 0, seed + i) for i in range(k)
        ],
    }
    table = {}
    for name, folds in deal.items():
        scores = []
        for fold in folds:
            forest = RandomForestClassifier(
                100, random_state=seed, class_weight="balanced", n_jobs=-1
            )
            forest.fit(features[fold.train], windows.y[fold.train])
            predicted = forest.predict(features[fold.test])
            scores.append(balanced_accuracy_score(windows.y[fold.test], predicted))
        table[name] = {
            "balanced_accuracy": float(np.mean(scores)),
            "lowest": min(scores),
            "highest": max(scores),
            "folds": k,
        }
    return pd.DataFrame(table).T.astype({"folds": int}).rename_axis("split")


def _assign(windows: Windows, shares: list[float], seed: int, what: str) -> np.ndarray:
    """The part of each window, (n,): groups are dealt in random order to whichever part lacks most.

    A part that still lacks one of the group's classes goes first; then the one whose share of these
    classes' windows is furthest from its due. Where groups hold several classes each, the order
    decides whether it works out, so a few are tried.
    """
    names, index = np.unique(windows.group, return_inverse=True)
    count = np.zeros((len(names), len(windows.classes)), int)
    np.add.at(count, (index, windows.y), 1)
    for c in range(len(windows.classes)):
        with_it = int((count[:, c] > 0).sum())
        if with_it < len(shares):
            raise EdgekitError(
                f"class {windows.classes[c]!r} has {with_it} group(s); {what} by group needs "
                f"{len(shares)}: record more, or ask for fewer parts"
            )
    due = np.outer(shares, count.sum(axis=0))
    rng = np.random.default_rng(seed)
    for _ in range(TRIALS):
        part_of = np.empty(len(names), int)
        have = np.zeros_like(due)
        for g in rng.permutation(len(names)):
            mine = count[g] > 0
            lacking = (have[:, mine] == 0).sum(axis=1)
            behind = ((due - have)[:, mine] / due.sum(axis=0)[mine]).sum(axis=1)
            part_of[g] = max(range(len(shares)), key=lambda p: (lacking[p], behind[p]))
            have[part_of[g]] += count[g]
        if (have > 0).all():
            return part_of[index]
    raise EdgekitError(
        f"no way was found for {what} with every class in every part; record more groups"
    )
