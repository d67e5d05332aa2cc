import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.learn import bootstrap


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_a_draw_takes_members_with_replacement_and_as_many(seed, count):
    members = np.arange(count) * 3 + 1
    drawn = bootstrap.resample(members, 50, np.random.default_rng(seed))
    assert drawn.shape == (50, count)
    assert np.isin(drawn, members).all()
    again = bootstrap.resample(members, 50, np.random.default_rng(seed))
    np.testing.assert_array_equal(drawn, again)
    if count > 4:
        assert any(len(set(row)) < count for row in drawn)


@pytest.mark.parametrize("level", [0.5, 0.68, 0.95])
def test_bounds_hold_the_share_that_they_say_and_leave_as_much_on_either_side(level):
    drawn = np.random.default_rng(0).permutation(10_001).astype(float)
    low, high = bootstrap.bounds(drawn, level)
    assert ((drawn >= low) & (drawn <= high)).mean() == pytest.approx(level, abs=1e-3)
    assert (drawn < low).mean() == pytest.approx((drawn > high).mean(), abs=1e-3)


def test_the_spread_is_that_of_groups_as_theory_has_it():
    """Groups that are right or wrong as a whole: the variance of a share of k groups is p (1 - p) / k."""
    k, each = 40, 25
    right = np.arange(k) % 4 > 0  # three in four
    group, y = np.repeat(np.arange(k), each), np.zeros(k * each, int)
    predicted = np.where(np.repeat(right, each), 0, 1)
    drawn = bootstrap.balanced_accuracies(y, predicted, group, [0], seed=0, draws=4_000)
    assert drawn.mean() == pytest.approx(0.75, abs=0.01)
    assert drawn.std() == pytest.approx(np.sqrt(0.75 * 0.25 / k), rel=0.05)


def test_two_predictions_of_one_seed_are_drawn_alike():
    rng = np.random.default_rng(1)
    y, group = np.tile([0, 1], 100), np.repeat(np.arange(20), 10)
    first = np.where(rng.random(200) < 0.8, y, 1 - y)
    drawn = [
        bootstrap.balanced_accuracies(y, p, group, [0, 1], seed=s, draws=200)
        for p, s in ((first, 3), (first, 3), (first, 4))
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
