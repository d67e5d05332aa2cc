"""The choice without labels: what beats doing nothing, what does not, and when nobody can say."""

import inspect
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.data.splits import folds_by_group
from edgekit.learn import adapt
from edgekit.learn.adapt import choice as choosing
from edgekit.learn.adapt.tables import Table

from .conftest import noise, spectrum, tones

CASE = SimpleNamespace(
    descriptor=lambda X: spectrum(X).reshape(len(X), -1).astype(float),
    augment=noise,
    ALIGN={},
    folds=folds_by_group,
)
LAB = tones(1, peaks=(5, 13, 24))
LAB = replace(LAB, group=np.char.add("lab", LAB.group))
FIELD = tones(0)  # peaks at 4, 10, 20


def adaptation_task(source=LAB, target=FIELD):
    return adapt.adaptation_task(source, target, folds_by_group(target, 3, seed=0)[0], CASE, 0)


def right_one(task):
    """What a method that knows where the peaks went would give: a table on the field's peaks."""
    return Table(CASE.descriptor(tones(2).X), tones(2).y, task.k)


def source_only(task):
    return Table(task.source_table, task.source.y, task.k)


@dataclass(frozen=True)
class Says(Table):
    """A table whose answers are given, whatever it is given."""

    answers: np.ndarray = None

    def probabilities(self, X):
        return self.answers if len(X) == len(self.answers) else super().probabilities(X)


def says(task, classes, **how):
    sure = np.eye(task.k)[classes] * 0.94 + 0.02
    return Says(task.source_table, task.source.y, task.k, answers=sure, **how)


def test_what_mends_the_shift_is_chosen_and_says_why():
    task = adaptation_task()
    choice = adapt.choose({"lab only": source_only(task), "right": right_one(task)}, task)
    assert choice.name == "right"
    assert "agree" in choice.why
    assert choice.scores["right"].beats(choice.scores["lab only"])


def test_where_the_lab_does_as_well_the_rule_abstains():
    task = adaptation_task(replace(tones(3), group=LAB.group))  # no shift
    choice = adapt.choose({"lab only": source_only(task), "right": right_one(task)}, task)
    assert choice.name == adapt.BASELINE
    assert "abstained" in choice.why


def test_answers_that_scatter_within_recordings_are_not_trusted_however_sure():
    task = adaptation_task()
    rng = np.random.default_rng(0)
    fitted = {
        "lab only": source_only(task),
        "sure": says(task, rng.integers(0, 3, len(task.target))),
    }
    choice = adapt.choose(fitted, task)
    assert choice.most_confident == "sure"  # by windows it would have been
    assert choice.name == "lab only"
    _, of = np.unique(task.recording, return_inverse=True)
    whole = {**fitted, "sure": says(task, of % 3)}  # as sure, a class for each recording
    scores = adapt.choose(whole, task).scores
    assert scores["sure"].confidence_score > scores["lab only"].confidence_score + choosing.MARGIN


def test_one_score_against_it_is_enough_to_abstain():
    source = choosing.Score(0.5, 0.0, 0.5, 0.9)
    better = choosing.Score(0.9, 0.05, 0.8, 0.9, eligible=True)
    assert better.beats(source)
    assert not replace(better, confidence_score=0.55).beats(source)  # within the margin
    assert not replace(better, confidence_score=0.2).beats(
        replace(source, confidence_score=0.0)
    )  # nobody is sure
    assert not replace(better, noise=0.5).beats(source)  # within its own noise
    assert not replace(better, windows=0.4).beats(source)
    assert not replace(better, reverse_accuracy=0.5).beats(source)


@pytest.mark.parametrize("why", ["several classes", "less than it takes"])
def test_recordings_that_say_nothing_leave_the_lab_as_it_is(why):
    source, target = LAB, FIELD
    if why == "several classes":  # one recording through all classes, as of a heart
        source = replace(source, origin=np.array([f"one@{i}" for i in range(len(source))]))
    else:
        target = replace(target, origin=np.array([f"r{i}@0" for i in range(len(target))]))
    task = adaptation_task(source, target)
    choice = adapt.choose({"lab only": source_only(task), "right": right_one(task)}, task)
    assert choice.name == adapt.BASELINE
    assert why in choice.why
    if why == "less than it takes":
        assert choice.scores["right"].confidence_score == pytest.approx(0)


def test_turned_axes_and_networks_are_rated_and_not_chosen():
    task = adaptation_task()
    right = right_one(task)
    network = SimpleNamespace(probabilities=right.probabilities)
    fitted = {
        "lab only": source_only(task),
        "turned": replace(right, turned=True),
        "network": network,
    }
    choice = adapt.choose(fitted, task)
    assert choice.name == adapt.BASELINE
    assert choice.scores["turned"].confidence_score > choice.scores["lab only"].confidence_score
    assert choice.scores["network"].confidence_score == choice.scores["turned"].confidence_score


def test_the_choice_is_given_no_label_and_is_the_same_twice():
    task = adaptation_task()
    assert not hasattr(task, "y")
    assert list(inspect.signature(adapt.choose).parameters) == ["fitted", "task"]
    fitted = {"lab only": source_only(task), "right": right_one(task)}
    assert adapt.choose(fitted, task) == adapt.choose(fitted, task)


def test_a_rig_like_cwru_is_left_alone_where_the_surest_windows_mislead():
    """One healthy bearing, faults grouped by bearing, most of them not as a textbook says."""
    from benchmarks import rigs
    from edgekit import data, usecases
    from edgekit.core.workspace import Workspace

    case = usecases.load("bearing", Workspace.find().folder)
    recordings = case.recordings("lab", "quick"), rigs.cwru_like(32)
    source, target = (case.windows([case.prepare(r) for r in part], "full") for part in recordings)
    source, target = data.subsample(source, 700), data.subsample(target, 1_000)
    splits = adapt.grouped_folds(case, target, [0])
    table = adapt.compare(source, target, splits, case, networks=False).table.set_index("method")
    assert table.lift[adapt.CHOSEN] >= -0.03
    if "subspace alignment" in table.index:  # with the extra: what it would have cost
        assert table.lift[adapt.MOST_CONFIDENT] < -0.05
