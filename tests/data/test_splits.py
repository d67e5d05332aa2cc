"""No group on two sides, every class on each: for any data, or a clear refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.data import (
    Split,
    Windows,
    assert_no_leak,
    by_group,
    compare_grouped_vs_random,
    folds_by_group,
    random_split_leaky,
)
from edgekit.pipeline import records
from tests.data.samples import windows_of

CLASSES = ("normal", "inner", "outer")


@st.composite
def groups(draw, least: int = 3):
    """(class, windows) of each group, at least `least` groups a class."""
    return [
        (c, draw(st.integers(1, 30)))
        for c in CLASSES
        for _ in range(draw(st.integers(least, least + 6)))
    ]


def holds(windows, parts) -> None:
    """Each row once; no group twice; every class in every part."""
    rows = np.concatenate(parts)
    assert sorted(rows) == list(range(len(windows)))
    names = [set(windows.group[p]) for p in parts]
    assert sum(map(len, names)) == len(set().union(*names))
    for part in parts:
        assert set(windows.y[part]) == set(range(len(windows.classes)))


@settings(deadline=None)
@given(
    groups=groups(), seed=st.integers(0, 1_000), test=st.floats(0.1, 0.45), val=st.floats(0.1, 0.4)
)
def test_by_group_never_tears_a_group_and_never_misses_a_class(groups, seed, test, val):
    windows = windows_of(groups, CLASSES)
    split = by_group(windows, test, val, seed)
    holds(windows, [split.train, split.val, split.test])
    assert_no_leak(windows, split)
    again = by_group(windows, test, val, seed)
    assert all(
        np.array_equal(getattr(split, p), getattr(again, p)) for p in ("train", "val", "test")
    )


@settings(deadline=None)
@given(groups=groups(), seed=st.integers(0, 1_000), val=st.booleans())
def test_folds_test_every_group_exactly_once(groups, seed, val):
    windows = windows_of(groups, CLASSES)
    folds = folds_by_group(windows, 3, seed, val)
    holds(windows, [f.test for f in folds])
    for fold in folds:
        holds(windows, [p for p in (fold.train, fold.val, fold.test) if len(p)])
        assert bool(len(fold.val)) == val
        assert_no_leak(windows, fold)


def test_shares_are_met_as_nearly_as_groups_allow():
    windows = windows_of([(c, 10) for c in CLASSES for _ in range(20)], CLASSES)
    split = by_group(windows, 0.25, 0.2, 3)
    sizes = [len(p) / len(windows) for p in (split.train, split.val, split.test)]
    np.testing.assert_allclose(sizes, [0.55, 0.2, 0.25], atol=0.001)


def test_groups_that_hold_every_class_are_split_too():
    """People and patients: each does everything."""
    windows = windows_of([(c, 5) for _ in range(6) for c in CLASSES], CLASSES)
    people = replace(windows, group=np.array([f"p{i // 15}" for i in range(len(windows))]))
    split = by_group(people, 0.3, 0.2, 0)
    holds(people, [split.train, split.val, split.test])


@pytest.mark.parametrize("have", [1, 2])
def test_too_few_groups_says_which_class_and_how_many_it_needs(have):
    windows = windows_of([("normal", 5)] * have + [("inner", 5)] * 4 + [("outer", 5)] * 4, CLASSES)
    with pytest.raises(EdgekitError, match=rf"'normal' has {have} group.* needs 3"):
        by_group(windows)
    with pytest.raises(EdgekitError, match="needs 4"):
        folds_by_group(windows, 4)


@pytest.mark.parametrize(("test", "val"), [(0, 0.1), (0.6, 0.4), (1.2, 0), (0.2, -0.1)])
def test_impossible_shares_are_refused(test, val):
    windows = windows_of([(c, 5) for c in CLASSES] * 4, CLASSES)
    with pytest.raises(EdgekitError, match="shares"):
        by_group(windows, test, val)


def test_another_seed_is_another_split():
    windows = windows_of([(c, 5) for c in CLASSES] * 8, CLASSES)
    assert len({tuple(by_group(windows, seed=s).test) for s in range(10)}) > 5


def test_a_leak_by_group_is_caught():
    windows = windows_of([(c, 30) for c in CLASSES] * 3, CLASSES)
    with pytest.raises(EdgekitError, match="leaks"):
        assert_no_leak(windows, random_split_leaky(windows))


def test_a_leak_behind_new_group_names_is_caught_by_samples():
    windows = windows_of([(c, 30) for c in CLASSES] * 3, CLASSES)
    renamed = replace(windows, group=np.array([f"w{i}" for i in range(len(windows))]))
    shifted = replace(renamed, origin=np.array([f"r@{4 * i}" for i in range(len(windows))]))
    with pytest.raises(EdgekitError, match="overlaps itself"):
        assert_no_leak(shifted, by_group(shifted))
    X = windows.X.copy()
    X[1:] = X[0]
    copied = replace(renamed, X=X)
    with pytest.raises(EdgekitError, match="repeats a window"):
        assert_no_leak(copied, by_group(copied))


@pytest.mark.parametrize("apart", [1, 4, 7, 8, 9])
def test_windows_of_one_recording_leak_while_they_share_a_sample(apart):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, 8, 1)).astype(np.float32)
    origins = np.array(["r@100", f"r@{100 + apart}", "other@100"])
    windows = replace(
        windows_of([("a", 1)] * 3, ("a",)), X=X, group=np.array(["g", "h", "i"]), origin=origins
    )
    parts = Split(np.array([0]), np.array([2]), np.array([1]), {})
    if apart >= 8:
        assert_no_leak(windows, parts)
        return
    with pytest.raises(EdgekitError, match="overlaps itself"):
        assert_no_leak(windows, parts)


def test_a_split_survives_json():
    windows = windows_of([(c, 5) for c in CLASSES] * 4, CLASSES)
    split = by_group(windows)
    back = records.load(records.dump(split), Split, "split.json")
    assert back.groups == split.groups
    np.testing.assert_array_equal(back.test, split.test)


def test_a_feature_that_only_knows_the_recording_scores_only_when_it_leaks():
    windows = windows_of([(c, 20) for c in CLASSES] * 4, CLASSES)
    _, number = np.unique(windows.group, return_inverse=True)
    fingerprint = np.random.default_rng(0).standard_normal((number.max() + 1, 4))[number]
    table = compare_grouped_vs_random(windows, fingerprint)["balanced_accuracy"]
    assert table["random windows (leaks)"] > 0.99
    assert table["whole groups (honest)"] < 0.7


@settings(max_examples=150, deadline=None)
@given(
    starts=st.lists(st.integers(0, 60), min_size=2, max_size=7, unique=True),
    assigned=st.lists(st.sampled_from(("train", "val", "test")), min_size=7, max_size=7),
    length=st.integers(1, 12),
)
def test_two_parts_may_not_share_a_sample_of_one_recording_and_may_touch(starts, assigned, length):
    """The oracle lists each window's samples; the groups of the parts differ, so only these can leak."""
    parts = {
        p: [i for i in range(len(starts)) if assigned[i] == p] for p in ("train", "val", "test")
    }
    samples = {
        p: {s + k for i in parts[p] for s in [starts[i]] for k in range(length)} for p in parts
    }
    shared = any(samples[a] & samples[b] for a in parts for b in parts if a < b)
    n = len(starts)
    windows = Windows(
        X=np.random.default_rng(0).normal(size=(n, length, 1)).astype(np.float32),
        y=np.zeros(n, np.int64),
        classes=("a",),
        group=np.array(assigned[:n]),
        domain=np.array(["field"] * n),
        origin=np.array([f"one@{s}" for s in starts]),
        rate=1.0,
    )
    split = Split(*(np.array(parts[p], np.int64) for p in ("train", "val", "test")), {})
    if shared:
        with pytest.raises(EdgekitError, match="overlaps itself"):
            assert_no_leak(windows, split)
    else:
        assert_no_leak(windows, split)
