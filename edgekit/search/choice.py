"""What is best, and what is chosen: the front, the short list, and one student.

Trainings of one seed say little, and whoever takes the best of forty takes luck for merit. So the promising
ones are trained again, with other seeds and for longer where that helps, beside the hand-made student. What
counts is the paired difference on the same windows, and of that the lower bound: a difference that some
groups make and others do not is worth less than one that all of them make. Each group of the training and
the validation part is predicted by models that were not trained on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit import learn
from edgekit.data.windows import Windows
from edgekit.design import Budget
from edgekit.search import objective
from edgekit.search.objective import TrialResult
from edgekit.search.study import WORTH
from edgekit.search.trials import Row, State

CHEAPER = 0.97  # of the hand-made student's instructions: less is not worth a new model
LEVEL = 0.68  # between the bounds of a difference: one standard error to either side
POINT = 0.01  # of balanced accuracy: who loses more is not cheaper but worse


@dataclass(frozen=True)
class Finalist:
    """A candidate trained in earnest, with each seed: on chapter 01's split, and in all folds."""

    candidate: dict
    runs: tuple[TrialResult, ...]
    folds: tuple[TrialResult, ...]

    @property
    def accuracy(self) -> float:
        """The mean of the seeds in all folds."""
        return float(np.mean([r.value("accuracy") for r in self.folds]))

    @property
    def predicted(self) -> np.ndarray:
        """Predicted classes of the windows of all folds, (seeds, n)."""
        return np.stack([r.predicted for r in self.folds])

    @property
    def instructions(self) -> float:
        return float(np.mean([r.value("instructions") for r in self.runs]))

    @property
    def best(self) -> TrialResult:
        """The seed that validates best; of equals the cheapest."""
        return max(self.runs, key=lambda r: (r.value("accuracy"), -r.value("instructions")))


def paired_difference(
    held_out: Windows, first: np.ndarray, second: np.ndarray, level: float = LEVEL
) -> dict:
    """The `learn.paired_difference` of the predictions `first` and `second`, of windows that neither saw."""
    return learn.paired_difference(held_out.y, first, second, held_out.group, level=level)


def front(rows: list[Row]) -> list[Row]:
    """The complete rows that no other beats: as accurate, as few instructions, as little flash, one better.

    Rows within the budget if there are any, else all; the cheapest first.
    """
    done = [r for r in rows if r.state == State.COMPLETE]
    done = [r for r in done if r.kept] or done

    def aims(r):
        return np.array([-r.value("accuracy"), r.value("instructions"), r.value("flash")])

    best = [
        r
        for r in done
        if not any((aims(o) <= aims(r)).all() and (aims(o) < aims(r)).any() for o in done)
    ]
    return sorted(best, key=lambda r: r.value("instructions"))


def shortlist(rows: list[Row], predicted: dict[int, np.ndarray], held_out: Windows) -> list[Row]:
    """Rows worth training in earnest, the best first.

    `predicted`: the trials' classes for `held_out`, by number.

    They take fewer instructions than the hand-made student (trial 0). What saves a quarter comes first, of
    that what keeps the budget, of that the highest lower bound of the difference; of equals the cheapest.
    """
    done = [r for r in rows if r.state == State.COMPLETE and r.number]
    start = next((r for r in rows if r.number == 0 and r.state == State.COMPLETE), None)
    if start is None:
        return sorted(done, key=lambda r: (-r.value("accuracy"), r.value("instructions")))
    most = start.value("instructions")
    done = [r for r in done if r.value("instructions") <= CHEAPER * most]
    low = {
        r.number: paired_difference(held_out, predicted[r.number], predicted[0])["low"]
        for r in done
    }

    def rank(r):
        expensive = r.value("instructions") > WORTH * most
        return expensive, not r.kept, -low[r.number], r.value("instructions"), r.number

    return sorted(done, key=rank)


def choose(
    finals: list[Finalist],
    budget: Budget,
    reference: Finalist,
    held_out: Windows,
    *,
    alike: bool = False,
) -> Finalist:
    """The one of `finals` that is most surely better than the hand-made student, which stays where none
    passes.

    Candidates must take fewer instructions, keep what is known of the budget, and not be less accurate on
    `held_out` than the hand-made student. With `alike` one will do, too, that saves a quarter and cannot be
    told from it: it is behind by a POINT and by one standard error at most (the rule of Breiman et al.,
    Classification and Regression Trees, 1984). Of those that save a quarter (of all, if none does) the one
    with the highest lower bound of its difference; of equals the cheapest.
    """
    differences = {
        id(f): paired_difference(held_out, f.predicted, reference.predicted) for f in finals
    }

    def saves(f: Finalist) -> bool:
        return f.instructions <= WORTH * reference.instructions

    def able(f: Finalist) -> bool:
        kept = objective.judged(f.best.figures, budget)
        level = f.accuracy >= reference.accuracy - 1e-9
        close = f.accuracy >= reference.accuracy - POINT and differences[id(f)]["high"] >= 0
        return (
            (level or (alike and close and saves(f)))
            and f.instructions < reference.instructions
            and all(v.passed for v in kept if v.key != objective.LINE_OF["accuracy"])
        )

    good = [f for f in finals if able(f)]
    good = [f for f in good if saves(f)] or good
    if not good:
        return reference
    return max(good, key=lambda f: (differences[id(f)]["low"], -f.instructions))
