"""A teacher that has learnt nothing is no reference, and the kit says so before it judges a loss."""

import numpy as np
import pytest

from edgekit import learn
from edgekit.learn.teacher_checks import teacher_findings

CLASSES = ("a", "b", "c")
Y, GROUP = np.tile([0, 1, 2], 100), np.repeat(np.arange(10), 30)


def scored(right: float, seed: int = 0):
    """A score in which about this share of the answers is right, the rest chance."""
    rng = np.random.default_rng(seed)
    predicted = np.where(rng.random(len(Y)) < right, Y, rng.integers(0, 3, len(Y)))
    return learn.score(Y, predicted, CLASSES, GROUP), predicted


def invalidates(teacher, student, **more):
    return [f for f in teacher_findings(teacher, student, 4, (2, 4, 8), **more) if f.invalidates]


@pytest.mark.parametrize("right", [0.0, 0.1])
def test_a_teacher_near_chance_invalidates_the_loss(right):
    (finding, *_) = invalidates(scored(right)[0], scored(0.05)[0])
    assert "near chance (0.333)" in finding.message


def test_a_teacher_far_behind_the_student_invalidates_the_loss():
    (teacher, theirs), (student, ours) = scored(0.6), scored(0.95)
    paired_difference = learn.paired_difference(Y, ours, theirs, GROUP)
    (finding,) = invalidates(teacher, student, paired_difference=paired_difference)
    assert "no better than the student" in finding.message
    assert "no reference" in finding.message


def test_a_teacher_a_little_behind_is_named_and_the_loss_is_judged():
    (teacher, theirs), (student, ours) = scored(0.93), scored(0.95)
    found = teacher_findings(
        teacher, student, 4, (2, 4, 8), learn.paired_difference(Y, ours, theirs, GROUP)
    )
    assert ["no better than the student" in f.message for f in found] == [True]
    assert not found[0].invalidates


def test_a_good_teacher_says_nothing_and_the_widest_one_does():
    teacher, student = scored(0.97)[0], scored(0.8)[0]
    assert teacher_findings(teacher, student, 4, (2, 4, 8)) == []
    (finding,) = teacher_findings(teacher, student, 8, (2, 4, 8))
    assert "greatest width tried (8)" in finding.message
    assert not finding.invalidates


def test_perfect_teachers_are_no_worse_than_perfect_students():
    perfect = learn.score(Y, Y, CLASSES, GROUP)
    assert teacher_findings(perfect, perfect, 2, (2, 4)) == []


def test_what_is_deployed_and_what_was_repeated_can_doubt_the_teacher_too():
    good, poor = scored(0.97)[0], scored(0.5)[0]
    known = [learn.Finding("seen before", False)]
    assert learn.reference_findings(good, scored(0.9)[0], (2, 4), known) == known
    assert any(f.invalidates for f in learn.reference_findings(poor, good, (2, 4)))
    repeated = learn.CrossValidation(good, poor)
    assert any(
        f.invalidates for f in learn.reference_findings(good, poor, (2, 4), repeated=repeated)
    )
