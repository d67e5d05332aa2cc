"""Every method on every split of the target domain, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.html_table import frame_html
from edgekit.data.splits import Split
from edgekit.data.windows import Windows
from edgekit.learn.adapt.choice import BASELINE, Choice, choose
from edgekit.learn.adapt.labels import CHOSEN, MOST_CONFIDENT, Kind, Variant, with_labels
from edgekit.learn.adapt.method_table import methods
from edgekit.learn.adapt.scores import Tally
from edgekit.learn.adapt.shift import described
from edgekit.learn.adapt.task import adaptation_task

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """What `compare` measured: its `table`, the `choices` split by split, and the `classes`.

    Columns of the table: method, shots (labelled target windows per class: 0, a few, inf),
    balanced_accuracy, low, high, lift (over the lab alone), lift_low, lift_high, kind (a Kind),
    confidence_score (mean of `choose`'s), chosen (share of splits; of the lab alone: how often the rule
    abstained; NaN if it could not be), gained (share of the gap to the REFERENCE; NaN if there is none), and
    the recall of each class that the target holds. See `Tally.table` for the intervals.
    """

    table: pd.DataFrame
    choices: tuple[Choice, ...]
    classes: tuple[str, ...]

    @property
    def why(self) -> list[str]:
        """Of each split, why its method was chosen."""
        return [choice.why for choice in self.choices]

    def row(self, kind: Kind, shots: float | None = None) -> pd.Series:
        """The one row of a `kind` (with so many `shots`); KeyError where there is not exactly one."""
        table = self.table
        mine = table[(table.kind == kind) & ((table.shots == shots) | (shots is None))]
        if len(mine) != 1:
            raise KeyError(f"{len(mine)} rows of the kind {kind.name} with {shots} labels a class")
        return mine.iloc[0]

    def _repr_html_(self) -> str:
        shown = self.table.drop(columns=["lift_low", "lift_high"])
        return frame_html(shown, index=False, number=".3f")


def compare(
    source: Windows,
    target: Windows,
    splits: Sequence[Split],
    case: Any,
    *,
    networks: bool = True,
    seed: int = 0,
) -> Comparison:
    """Every method on every split of the target: fitted without, tested on, its test groups.

    `splits` are Splits of `target`, `case` is the use case's module; a method is given `train` and `val`
    without labels, but for the rows that say otherwise; without `networks` none is trained. Raises
    EdgekitError as `adaptation_task` does.
    """
    from edgekit.core.progress import progress

    known = described(case, source.X), described(case, target.X)
    tally = Tally(target.y, target.group, target.classes)
    fits, choices, rows = methods(case, networks), [], {}
    for number, split in enumerate(progress(splits, "comparing")):
        task = adaptation_task(source, target, split, case, seed + number, known)
        fitted = {name: fit(task) for name, fit in fits.items()}
        choice = choose(fitted, task)
        choices.append(choice)
        tally.test(split.test)
        y = target.y[np.concatenate([split.train, split.val])]
        for variant in (*_unlabelled(fitted, choice), *with_labels(fitted, choice.name, task, y)):
            predicted = variant.model.probabilities(known[1][split.test]).argmax(axis=1)
            tally.add(variant.name, split.test, predicted)
            rows[variant.name] = variant
    table = tally.table(BASELINE, seed)
    return Comparison(_finished(table, rows, choices), tuple(choices), target.classes)


def _unlabelled(fitted: dict, choice: Choice) -> Iterator[Variant]:
    for name, model in fitted.items():
        yield Variant(name, Kind.UNLABELLED, 0, model)
    yield Variant(CHOSEN, Kind.CHOSEN, 0, fitted[choice.name])
    yield Variant(MOST_CONFIDENT, Kind.MOST_CONFIDENT, 0, fitted[choice.most_confident])


def _finished(table: pd.DataFrame, rows: dict[str, Variant], choices: list[Choice]) -> pd.DataFrame:
    """The table with what the rule said of each method."""
    floor = table.balanced_accuracy.iloc[0]
    gap = table.balanced_accuracy.iloc[-1] - floor
    first, picks = choices[0].scores, [c.name for c in choices]
    confidence = {m: np.mean([c.scores[m].confidence_score for c in choices]) for m in first}
    share = {m: picks.count(m) / len(picks) for m in first if first[m].eligible}
    table.insert(7, "gained", table.lift / (gap if gap > 0 else np.nan))
    table.insert(1, "shots", [float(rows[m].shots) for m in table.method])
    table.insert(2, "kind", [rows[m].kind for m in table.method])
    table.insert(10, "confidence_score", table.method.map(confidence))
    table.insert(11, "chosen", table.method.map(share))
    return table
