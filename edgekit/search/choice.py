"""What is best, and what is chosen: the front, the short list, and one student.

Short trainings with one seed each tell roughly. Whoever takes the best of forty such draws takes luck for
merit, so the cheapest candidates within the noise are trained again, as long as the full profile does, with
several seeds and on other deals of the groups, beside the hand-made student. All of that on the training and
validation parts: a validation part of a few recordings says little, so each of its and the training part's
groups is validated on once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgekit.search import objective
from edgekit.search.objective import Judged
from edgekit.search.study import Row

WORTH = 0.75  # of the hand-made student's instructions: what a search is for
CHEAPER = 0.97  # of the hand-made student's instructions: less is not worth a new model


@dataclass(frozen=True)
class Final:
    """A candidate trained in earnest: what came of it with each seed, and in each fold."""

    made: dict
    runs: tuple[Judged, ...]
    folds: tuple[Judged, ...] = ()

    @property
    def accuracy(self) -> float:
        """The mean of the seeds' on the validation part and of the folds', half and half."""
        parts = [part for part in (self.runs, self.folds) if part]
        return float(np.mean([np.mean([r.value("accuracy") for r in part]) for part in parts]))

    @property
    def instructions(self) -> float:
        return float(np.mean([r.value("instructions") for r in self.runs]))

    @property
    def best(self) -> Judged:
        """The seed that validates best; of equals the cheapest."""
        return max(self.runs, key=lambda r: (r.value("accuracy"), -r.value("instructions")))


def front(rows: list[Row]) -> list[Row]:
    """The complete rows that no other beats: as accurate, as few instructions, as little flash, one better.

    Rows within the budget if there are any, else all; the cheapest first.
    """
    done = [r for r in rows if r.state == "complete"]
    done = [r for r in done if r.kept] or done

    def aims(r):
        return np.array([-r.value("accuracy"), r.value("instructions"), r.value("flash")])

    best = [
        r
        for r in done
        if not any((aims(o) <= aims(r)).all() and (aims(o) < aims(r)).any() for o in done)
    ]
    return sorted(best, key=lambda r: r.value("instructions"))


def choose(finals: list[Final], budget, reference: Final, windows: int) -> Final:
    """The cheapest that is as good as any that is cheap; the hand-made student where none is.

    Candidates must not be less accurate than the hand-made student on validation `windows`, take fewer
    instructions, and keep the budget's flash, RAM and latency. Of those that save a quarter (of all, if
    none does) the one of fewest instructions within a standard error of the most accurate one: whoever only
    just passes has passed by luck more often than not (the one-standard-error rule, Breiman et al. 1984).
    """

    def able(f: Final) -> bool:
        over = objective.excess(f.best.figures, budget)
        return (
            f.accuracy >= reference.accuracy - 1e-9
            and f.instructions < reference.instructions
            and all(v <= 0 for k, v in over.items() if k != "accuracy")
        )

    good = [f for f in finals if able(f)]
    good = [f for f in good if f.instructions <= WORTH * reference.instructions] or good
    if not good:
        return reference
    best = max(f.accuracy for f in good)
    good = [f for f in good if f.accuracy >= best - _error(best, windows)]
    return min(good, key=lambda f: f.instructions)


def _error(accuracy: float, windows: int) -> float:
    """The standard error of an accuracy counted on so many windows; of a perfect one, that of one miss."""
    return math.sqrt(max(accuracy * (1 - accuracy), 1 / windows) / windows)


def shortlist(rows: list[Row], windows: int) -> list[Row]:
    """Rows worth training in earnest, in the order to try: by turns the cheapest and the most accurate.

    They take fewer instructions than the hand-made student (trial 0) and are not worse than it by more than
    two standard errors of an accuracy on so many `windows`; what keeps the budget comes first, what is on
    the front of these before what is not.
    """
    start = next((r for r in rows if r.number == 0 and r.state == "complete"), None)
    done = [r for r in rows if r.state == "complete" and r.number]
    if start:
        right = start.value("accuracy")
        doubt = 2 * _error(right, windows)
        most = CHEAPER * start.value("instructions")
        done = [r for r in done if r.value("instructions") <= most]
        done = [r for r in done if r.value("accuracy") >= right - doubt]
    first = {r.number for r in front(done)}
    listed = []
    for some in (
        [r for r in done if r.number in first],
        [r for r in done if r.number not in first],
    ):
        cheap = sorted(some, key=lambda r: (r.value("instructions"), r.number))
        right = sorted(some, key=lambda r: (-r.value("accuracy"), r.value("instructions")))
        turns = [r for pair in zip(cheap, right, strict=True) for r in pair]
        listed += list({r.number: r for r in turns}.values())
    return listed
