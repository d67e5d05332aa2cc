"""Whom a network learns to know: what is learnt and what is judged never meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.data import Windows
from edgekit.federate.device_model import features_of
from edgekit.federate.device_trial import (
    Person,
    Personal,
    chosen_by_others,
    every_class_alike,
    gain,
    people_of,
    personalize,
)
from tests.federate.networks import network, windows


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 2))
def test_between_what_is_learnt_and_judged_lies_a_gap(lengths, labelled, gap):
    recording = np.repeat(np.arange(len(lengths)), lengths)
    at = np.concatenate([np.arange(n) for n in lengths])
    person = Person(np.zeros((len(at), 3), np.int8), at, recording)
    if max(lengths) <= labelled + gap:
        with pytest.raises(EdgekitError, match="none to judge"):
            person.cut(labelled, gap)
        return
    own, judged = person.cut(labelled, gap)
    assert at[own].max() < labelled
    assert at[judged].min() >= labelled + gap
    assert (np.diff(at[own]) >= 0).all()  # one of each recording in turn
    assert len(own) == sum(min(n, labelled) for n in lengths)


@pytest.fixture(scope="module")
def met():
    """A network, and a person whose labels it does not know yet."""
    graph = network(3, given=12, hidden=16, classes=4)
    X, _ = windows(graph, 160, 5)
    F = features_of(graph, X).astype(float)
    y = ((F - F.mean(axis=0)) @ np.random.default_rng(0).normal(size=(16, 4))).argmax(axis=1)
    return graph, Person(X, y, np.repeat(np.arange(8), 20))


def test_a_person_with_labels_of_their_own_is_known_better(met):
    found = personalize(*met, labelled=12, rate=0.02, epochs=5)
    assert found.windows == 8 * 12
    assert found.after > found.before + 0.2


def test_behind_a_renamed_tensor_it_learns_the_same():
    plain, renamed = network(3, hidden=10), network(3, hidden=10, renamed=True)
    X, y = windows(plain, 40, 5)
    assert (features_of(plain, X) == features_of(renamed, X)).all()
    person = Person(X, y, np.repeat(np.arange(4), 10))
    how = {"labelled": 0.5, "rate": 0.02, "epochs": 2}
    assert personalize(plain, person, **how) == personalize(renamed, person, **how)


def test_clients_that_know_one_class_each_are_dealt_to_machines():
    kinds, n = np.repeat(np.arange(6), 5), 30
    windows = Windows(
        np.zeros((n, 4, 1), np.float32), kinds % 3, ("a", "b", "c"), np.array([f"g{k}" for k in kinds]),
        np.full(n, "field"), np.array([f"r{k}@{4 * i}" for k, i in zip(kinds, [*range(5)] * 6, strict=True)]),
        4.0,
    )  # fmt: skip
    people = people_of(windows, np.arange(n))
    assert sorted(i for p in people.values() for i in p.inputs) == [*range(n)]
    for person in people.values():
        assert set(person.y) == {0, 1, 2}
        own, judged = person.cut(0.4)
        assert len(own) == 3 * 2
        assert len(judged) == 3 * 2  # of five windows two are learnt, one is the gap


def test_classes_that_nobody_labelled_are_not_learnt(met):
    graph, person = met
    few = personalize(graph, person, labelled=12, rate=0.02, epochs=5, only=(0, 1))
    assert few.windows == np.isin(person.y[person.cut(12)[0]], (0, 1)).sum()
    assert few.after < personalize(graph, person, labelled=12, rate=0.02, epochs=5).after


def test_nobodys_own_result_chooses_how_they_learn():
    good, bad = Personal(3, 0.5, 0.9), Personal(3, 0.5, 0.4)
    slow, fast = (
        {"a": good, "b": bad, "c": bad, "d": bad},
        {"a": bad, "b": good, "c": good, "d": good},
    )
    found = chosen_by_others({"slow": slow, "fast": fast})
    assert found == fast  # "a" too, for whom slow would have been better
    with pytest.raises(EdgekitError, match="two or more"):
        chosen_by_others({"slow": {"a": good}})


def test_a_gain_has_bounds_that_people_give_it():
    same = {str(n): Personal(3, 0.5, 0.75) for n in range(4)}
    assert gain(same) == (0.25, 0.25, 0.25)
    mixed = {str(n): Personal(3, 0.5, 0.5 + n / 10) for n in range(-3, 5)}
    mean, low, high = gain(mixed)
    assert low < 0 < mean < high


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_rare_class_is_learnt_as_often_as_a_frequent_one(labels):
    y, rows = np.array(labels), np.arange(0, len(labels), 2)
    taught = every_class_alike(rows, y)
    if len(set(y[rows])) == 1:
        assert not len(taught)
        return
    assert set(taught) == set(rows)
    assert len(set(np.unique(y[taught], return_counts=True)[1])) == 1
    assert len(taught) == len(set(y[rows])) * np.bincount(y[rows]).max()


def test_labels_of_one_class_change_nothing_where_classes_are_learnt_alike(met):
    graph, person = met
    how = {"labelled": 12, "rate": 0.02, "epochs": 5, "only": (1,)}
    alike, plain = (personalize(graph, person, alike=a, **how) for a in (True, False))
    assert alike.after == alike.before != plain.after
