"""Is the teacher a reference? A loss against a network that has learnt little is no loss, and a ratio of
sizes against it no merit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.learn.scores import CrossValidation, Score

SKILL = 0.25  # of the way from chance to perfect: below it a teacher has learnt next to nothing
BEHIND = 0.05  # so far behind the student, it is no ceiling that anything could be held against


@dataclass(frozen=True)
class Finding:
    """A sentence about the teacher; `invalidates` if a loss against it must not be judged."""

    message: str
    invalidates: bool


def teacher_findings(
    teacher: Score,
    student: Score,
    width: int,
    widths: Sequence[int],
    paired_difference: dict | None = None,
    name: str = "student",
) -> list[Finding]:
    """What keeps the teacher from being a reference; empty if nothing does.

    `teacher`, `student`: a `learn.score` each, on the same test windows. `width` of the teacher, `widths`
    that its sweep tried. `paired_difference`: the student's against the teacher's, from
    `learn.paired_difference`, if it was taken; `name`: what the student is called.
    """
    found = []
    chance = 1 / max(1, len(teacher.recall))
    reached = teacher.balanced_accuracy
    skill = (reached - chance) / max(1e-9, 1 - chance)
    if skill < SKILL or (teacher.low is not None and teacher.low <= chance):
        found.append(
            Finding(
                f"the teacher ({reached:.3f}) is near chance ({chance:.3f}): no reference", True
            )
        )
    ahead = student.balanced_accuracy - reached
    if ahead >= 0 and reached < 1:
        behind = f"{100 * ahead:.1f} points"
        if paired_difference and not teacher.alone:
            behind += (
                f", {100 * paired_difference['low']:+.1f} to {100 * paired_difference['high']:+.1f}"
            )
        message = f"the teacher is no better than the {name} ({behind} behind)"
        found.append(Finding(message + ": no reference" * (ahead > BEHIND), ahead > BEHIND))
    if len(widths) > 1 and width >= max(widths):
        message = f"the teacher has the greatest width tried ({width}): a wider one may be better"
        found.append(Finding(message, False))
    return found


def reference_findings(
    teacher: Score,
    deployed: Score,
    widths: Sequence[int],
    known: Sequence[Finding] = (),
    repeated: CrossValidation | None = None,
) -> list[Finding]:
    """All that speaks against a loss taken from chapter 03's teacher to the deployed model.

    `teacher`, `deployed`: a `learn.score` each, on the same test windows; `widths` that the teacher's sweep
    tried. `known`: what chapter 03 found.
    `repeated`: the recipe's scores on every group, if it was repeated.
    """
    found = list(known)
    pairs = [(teacher, deployed)]
    if repeated and repeated.teacher:
        pairs.append((repeated.teacher, repeated.score))
    for reference, student in pairs:
        found += teacher_findings(reference, student, 0, widths, name="deployed model")
    return list(dict.fromkeys(found))
