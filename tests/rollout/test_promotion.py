"""Accuracy on random labelled samples lets a wave on, holds it, or takes the release back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.rollout.promotion import PairedLabels, may_promote

COUNTS = st.integers(0, 50)


def decide(labels, needed=20, worst=0.1, alpha=0.02):
    return may_promote(labels, needed, worst, alpha)


def test_enough_labels_that_lost_nothing_go_on():
    assert decide({"a": PairedLabels(45, 3, 2, 0)}).decision == "go"


def test_few_labels_hold_and_say_how_many_there_are():
    assert decide(None).reason == "0 labelled samples of 20"
    found = decide({"a": PairedLabels(15, 2, 4, 0)})
    assert found.decision == "hold"
    assert "21 labels leave a loss" in found.reason


def test_harm_in_one_cohort_is_harm():
    """Also where all together are well."""
    labels = {"a": PairedLabels(100, 12, 0, 0), "b": PairedLabels(5, 0, 10, 0)}
    assert decide(labels).decision == "harm"
    assert "cohort b" in decide(labels).reason


def test_a_fleet_that_asks_for_no_labels_is_not_held():
    assert decide(None, needed=0).decision == "go"


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_interval_holds_the_difference(both, new, old, neither):
    paired = PairedLabels(both, new, old, neither)
    low, high = paired.interval()
    assert -1 <= low <= high <= 1
    mirrored = PairedLabels(both, old, new, neither).interval()
    assert mirrored == pytest.approx((-high, -low))


def test_the_interval_covers_as_often_as_it_says_and_good_models_are_seldom_harm():
    rng, covered, harmed, n = np.random.default_rng(0), 0, 0, 2000
    for both, new, old, neither in rng.multinomial(40, [0.85, 0.06, 0.06, 0.03], n):
        paired = PairedLabels(both, new, old, neither)
        low, high = paired.interval()
        covered += low <= 0 <= high
        harmed += decide({"a": paired}).decision == "harm"
    assert covered / n > 0.93
    assert harmed / n <= 0.02
