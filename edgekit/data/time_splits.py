"""Splits along time: what was recorded later is tested on, with a gap before it."""

from __future__ import annotations

import re

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.splits import PARTS, Split
from edgekit.data.windows import Windows


def split_by_time(windows: Windows, parts: dict[str, range]) -> Split:
    """Train, val and test of groups numbered in the order of time.

    A group's place is the number its name ends with; `parts` says which places each part takes, and
    what none takes is left out: a gap. Raises EdgekitError where parts share a place, a name has no number,
    or a part lacks a class.
    """
    taken = [time_index for part in PARTS for time_index in parts.get(part, ())]
    if len(taken) != len(set(taken)):
        raise EdgekitError("two parts of the split share a stretch of time")
    time_index = group_times(windows)
    masks = {part: np.isin(time_index, list(parts.get(part, ()))) for part in PARTS}
    for part, mask in masks.items():
        for c, name in enumerate(windows.classes):
            if part in parts and not (windows.y[mask] == c).any():
                raise EdgekitError(
                    f"{part} would have no window of class {name!r}: record for longer"
                )
    return _split(windows, masks)


def folds_by_time(windows: Windows, k: int = 3) -> list[Split]:
    """`k` splits, each testing another stretch of time; the groups next to it are not trained on.

    Every group is tested once. Raises EdgekitError where there are fewer than two groups a fold.
    """
    time_index = group_times(windows)
    known = np.unique(time_index)
    if len(known) < 2 * k:
        raise EdgekitError(f"{len(known)} stretches of time are too few for {k} folds with a gap")
    folds = []
    for stretch in np.array_split(known, k):
        near = (time_index >= stretch[0] - 1) & (time_index <= stretch[-1] + 1)
        masks = {
            "train": ~near,
            "val": np.zeros(len(time_index), bool),
            "test": np.isin(time_index, stretch),
        }
        folds.append(_split(windows, masks))
    return folds


def group_times(windows: Windows) -> np.ndarray:
    """(n,) the number at the end of each window's group."""
    found = {str(g): re.search(r"(\d+)$", str(g)) for g in np.unique(windows.group)}
    for group, number in found.items():
        if not number:
            raise EdgekitError(f"group {group!r} does not end with its number in the order of time")
    return np.array([int(found[str(g)][1]) for g in windows.group])


def _split(windows: Windows, masks) -> Split:
    groups = {p: tuple(sorted({str(g) for g in windows.group[m]})) for p, m in masks.items()}
    return Split(*(np.flatnonzero(masks[p]) for p in PARTS), groups)
