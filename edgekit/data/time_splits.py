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
    return Split.by_masks(windows, **masks)


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
        folds.append(Split.by_masks(windows, **masks))
    return folds


def group_times(windows: Windows) -> np.ndarray:
    """(n,) the number at the end of each window's group."""
    groups, index = np.unique(windows.group, return_inverse=True)
    numbers = []
    for group in groups:
        number = re.search(r"(\d+)$", str(group))
        if not number:
            raise EdgekitError(
                f"group {str(group)!r} does not end with its number in the order of time"
            )
        numbers.append(int(number[1]))
    return np.array(numbers)[index]
