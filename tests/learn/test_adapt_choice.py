"""The choice without labels: what beats doing nothing, what does not, and when nobody can say."""

import inspect
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.data.splits import folds_by_group
from edgekit.learn import adapt, adapt_choice
from edgekit.learn.adapt_tables import Table

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


def hear(lab=LAB, field=FIELD):
    return adapt.hear(lab, field, folds_by_group(field, 3, seed=0)[0], CASE, 0)


def right_one(heard):
    """What a method that knows where the peaks went would give: a table on the field's peaks."""
    return Table(CASE.descriptor(tones(2).X), tones(2).y, heard.k)


def lab_only(heard):
    return Table(heard.lab_table, heard.lab.y, heard.k)


@dataclass(frozen=True)
class Says(Table):
    """A table whose answers are given, whatever it hears."""

    answers: np.ndarray = None

    def probabilities(self, X):
        return self.answers if len(X) == len(self.answers) else super().probabilities(X)


def says(heard, classes, **how):
    sure = np.eye(heard.k)[classes] * 0.94 + 0.02
    return Says(heard.lab_table, heard.lab.y, heard.k, answers=sure, **how)


def test_what_mends_the_shift_is_chosen_and_says_why():
    heard = hear()
    choice = adapt.choose({"lab only": lab_only(heard), "right": right_one(heard)}, heard)
    assert choice.name == "right"
    assert "agree" in choice.why
    assert choice.scores["right"].beats(choice.scores["lab only"])


def test_where_the_lab_does_as_well_the_rule_abstains():
    heard = hear(replace(tones(3), group=LAB.group))  # no shift
    choice = adapt.choose({"lab only": lab_only(heard), "right": right_one(heard)}, heard)
    assert choice.name == adapt.BASELINE
    assert "abstained" in choice.why


def test_answers_that_scatter_within_recordings_are_not_trusted_however_sure():
    heard = hear()
    rng = np.random.default_rng(0)
    fitted = {
        "lab only": lab_only(heard),
        "sure": says(heard, rng.integers(0, 3, len(heard.field))),
    }
    choice = adapt.choose(fitted, heard)
    assert choice.surest == "sure"  # by windows it would have been
    assert choice.name == "lab only"
    _, of = np.unique(heard.recording, return_inverse=True)
    whole = {**fitted, "sure": says(heard, of % 3)}  # as sure, a class for each recording
    scores = adapt.choose(whole, heard).scores
    assert scores["sure"].surety > scores["lab only"].surety + adapt_choice.MARGIN


def test_one_score_against_it_is_enough_to_abstain():
    lab = adapt_choice.Score(0.5, 0.0, 0.5, 0.9)
    better = adapt_choice.Score(0.9, 0.05, 0.8, 0.9, may=True)
    assert better.beats(lab)
    assert not replace(better, surety=0.55).beats(lab)  # within the margin
    assert not replace(better, surety=0.2).beats(replace(lab, surety=0.0))  # nobody is sure
    assert not replace(better, noise=0.5).beats(lab)  # within its own noise
    assert not replace(better, windows=0.4).beats(lab)
    assert not replace(better, back=0.5).beats(lab)


@pytest.mark.parametrize("why", ["several classes", "less than it takes"])
def test_recordings_that_say_nothing_leave_the_lab_as_it_is(why):
    lab, field = LAB, FIELD
    if why == "several classes":  # one recording through all classes, as of a heart
        lab = replace(lab, origin=np.array([f"one@{i}" for i in range(len(lab))]))
    else:
        field = replace(field, origin=np.array([f"r{i}@0" for i in range(len(field))]))
    heard = hear(lab, field)
    choice = adapt.choose({"lab only": lab_only(heard), "right": right_one(heard)}, heard)
    assert choice.name == adapt.BASELINE
    assert why in choice.why
    if why == "less than it takes":
        assert choice.scores["right"].surety == pytest.approx(0)


def test_turned_axes_and_networks_are_rated_and_not_chosen():
    heard = hear()
    right = right_one(heard)
    network = SimpleNamespace(probabilities=right.probabilities)
    fitted = {
        "lab only": lab_only(heard),
        "turned": replace(right, turned=True),
        "network": network,
    }
    choice = adapt.choose(fitted, heard)
    assert choice.name == adapt.BASELINE
    assert choice.scores["turned"].surety > choice.scores["lab only"].surety
    assert choice.scores["network"].surety == choice.scores["turned"].surety


def test_the_choice_is_given_no_label_and_is_the_same_twice():
    heard = hear()
    assert not hasattr(heard, "y")
    assert list(inspect.signature(adapt.choose).parameters) == ["fitted", "heard"]
    fitted = {"lab only": lab_only(heard), "right": right_one(heard)}
    assert adapt.choose(fitted, heard) == adapt.choose(fitted, heard)


def test_a_rig_like_cwru_is_left_alone_where_the_surest_windows_mislead():
    """One healthy bearing, faults grouped by bearing, most of them not as a textbook says."""
    from benchmarks import rigs
    from edgekit import data, usecases
    from edgekit.core import workspace

    case = usecases.load("bearing", workspace.root())
    recordings = case.recordings("lab", "quick"), rigs.cwru_like(32)
    lab, field = (case.windows([case.prepare(r) for r in made], "full") for made in recordings)
    lab, field = data.thin(lab, 700), data.thin(field, 1_000)
    splits = adapt.deal(case, field, [0])
    table = adapt.compare(lab, field, splits, case, networks=False).set_index("method")
    assert table.lift[adapt.CHOSEN] >= -0.03
    if "subspace alignment" in table.index:  # with the extra: what it would have cost
        assert table.lift[adapt.SUREST] < -0.05
