"""What an adaptation method is given on one split of the target domain, and the splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.splits import Split
from edgekit.data.windows import Windows
from edgekit.learn.adapt.shift import described


@dataclass(frozen=True, repr=False)
class AdaptationTask:
    """All that a method is given on one split. There is no target label in it.

    `source` labelled Windows with `source_table` (n, d); `target_windows` (m, time, channel) and `target`
    (m, d) the target domain's windows, `recording` (m,) which recording each is from; `k` classes;
    `describe` and `augment` of the use case.
    """

    source: Windows
    source_table: np.ndarray
    target_windows: np.ndarray
    target: np.ndarray
    recording: np.ndarray
    k: int
    describe: Callable
    augment: Callable
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """A fresh one: every method draws from the same start, whoever ran before."""
        return np.random.default_rng(self.seed)

    @cached_property
    def network(self):
        """The network trained on the source alone, which several methods begin with."""
        from edgekit.learn.adapt import networks

        return networks.source_only(self.source_table, self.source.y, self.k, self.seed)


def adaptation_task(
    source: Windows,
    target: Windows,
    split: Split,
    case: Any,
    seed: int,
    tables: tuple | None = None,
) -> AdaptationTask:
    """What a method is given on a `split` of the target (its train and val, without labels).

    `case` is the use case's module: its `descriptor` and its `augment`. Source windows of a group that is
    tested (the same person on the other wrist) are left out too. `tables`: the descriptors of source and
    target, if they are known already. Raises EdgekitError for values that are not finite, and where nothing
    is left to learn from.
    """
    if source.classes != target.classes:
        raise EdgekitError(f"lab and field name other classes: {source.classes}, {target.classes}")
    rows = np.concatenate([split.train, split.val])
    kept = np.flatnonzero(~np.isin(source.group, np.unique(target.group[split.test])))
    if not len(rows) or not len(kept):
        raise EdgekitError("nothing to adapt: a split leaves no lab window, or no field window")
    A = described(case, source.X[kept]) if tables is None else tables[0][kept]
    B = described(case, target.X[rows]) if tables is None else tables[1][rows]
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        raise EdgekitError("features hold NaN; inspect() the recordings and keep() the rest")
    return AdaptationTask(
        source[kept], A, target.X[rows], B, target.recording[rows], len(source.classes),
        case.descriptor, case.augment, seed,
    )  # fmt: skip


def grouped_folds(case: Any, target: Windows, seeds: Iterable[int]) -> list[Split]:
    """Folds of whole target groups for `compare`, assigned anew for each seed: three, two if there are few.

    `case` is the use case's module, whose `folds` are used with each of `seeds`. Classes that the target
    lacks do not matter. Raises EdgekitError where a class has a single group.
    """
    present = np.unique(target.y)
    shown = replace(
        target,
        y=np.searchsorted(present, target.y),
        classes=tuple(target.classes[c] for c in present),
    )
    seeds = list(seeds)
    try:
        return [split for seed in seeds for split in case.folds(shown, 3, seed)]
    except EdgekitError:
        return [split for seed in seeds for split in case.folds(shown, 2, seed)]
