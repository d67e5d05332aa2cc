"""Which windows travel: within the bytes, each once, and random ones that stand for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.labels import choose_windows, estimate
from edgekit.labels.choose import draw_windows


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(0, 5000),
    st.integers(1, 400),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_the_budget_holds_and_no_window_travels_twice(n, budget, size, share, seed):
    rng = np.random.default_rng(seed)
    confidence, distance = rng.random(n), rng.random(n)
    chosen = choose_windows(confidence, distance, budget, rng, size, share)
    rows = [c.row for c in chosen]
    assert len(rows) * size <= budget
    assert len(rows) == min(n, budget // size)
    assert len(set(rows)) == len(rows)
    random = [c for c in chosen if c.reason == "random"]
    if share and rows:
        assert random
        assert all(c.weight == pytest.approx(n / len(random)) for c in random)


def test_the_others_are_the_least_sure_and_the_strangest():
    confidence, distance = np.linspace(0, 1, 50), np.linspace(0, 1, 50)
    chosen = choose_windows(confidence, distance, 4, np.random.default_rng(0), random_share=0)
    assert [(c.row, c.reason) for c in chosen] == [
        (0, "uncertain"), (49, "novel"), (1, "uncertain"), (48, "novel"),
    ]  # fmt: skip


def test_random_windows_estimate_what_telling_ones_would_get_wrong():
    """The network errs where it is unsure: the unsure windows alone would say that it is bad."""
    rng = np.random.default_rng(4)
    confidence = rng.random(2000)
    right = rng.random(2000) < confidence
    honest, others, covered = [], [], 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        chosen = choose_windows(confidence, rng.random(2000), 120, draw)
        random = [c for c in chosen if c.reason == "random"]
        found = estimate(right[[c.row for c in random]], np.array([c.weight for c in random]))
        honest.append(found.share)
        covered += found.low <= right.mean() <= found.high
        others.append(right[[c.row for c in chosen if c.reason == "uncertain"]].mean())
    assert np.mean(honest) == pytest.approx(right.mean(), abs=0.015)
    assert np.mean(others) < right.mean() - 0.3
    assert covered >= 180  # of 200: its interval is of 95 %


def test_every_window_is_as_likely_to_be_drawn():
    counts = np.zeros(20)
    for seed in range(2000):
        for c in choose_windows(np.arange(20.0), np.arange(20.0), 4, np.random.default_rng(seed)):
            counts[c.row] += c.reason == "random"
    assert counts.sum() == 2 * 2000
    np.testing.assert_allclose(counts, 200, atol=60)


def test_what_is_no_score_or_no_byte_is_refused():
    rng, good = np.random.default_rng(0), np.ones(3)
    for confidence, distance, budget, size in (
        (np.array([1, np.nan, 1]), good, 3, 1),
        (good, np.ones(2), 3, 1),
        (good, good, -1, 1),
        (good, good, 3, 0),
    ):
        with pytest.raises(EdgekitError):
            choose_windows(confidence, distance, budget, rng, size)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e6), max_size=40),
    st.integers(0, 50),
    st.integers(0, 99),
)
def test_windows_drawn_in_proportion_are_as_many_as_asked_and_each_once(size, count, seed):
    chosen = draw_windows(np.array(size), count, np.random.default_rng(seed))
    rows = [c.row for c in chosen]
    assert len(set(rows)) == len(rows) == min(count, len(size))
    assert all(0 < c.probability <= 1 for c in chosen)


def test_each_is_drawn_as_often_as_its_probability_says():
    size, seen, told = np.array([1.0, 2.0, 3.0, 4.0, 50.0]), np.zeros(5), np.zeros(5)
    for seed in range(4000):
        for c in draw_windows(size, 3, np.random.default_rng(seed)):
            seen[c.row] += 1
            told[c.row] = c.probability
    assert seen / 4000 == pytest.approx(told, abs=0.03)
    assert told == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
