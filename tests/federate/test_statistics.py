"""Scale and class weights of all clients, against those that somebody with all windows would compute."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.federate.statistics import Statistics


def clients(seed=0):
    rng = np.random.default_rng(seed)
    for n, offset in ((40, 0.0), (7, 3.0), (90, -2.0)):
        yield (offset + rng.normal(size=(n, 1, 5, 2))).astype(np.float32), rng.integers(0, 2, n)


def test_scale_is_that_of_all_windows_in_one_place():
    parts = list(clients())
    mean, spread = Statistics.total([Statistics.of(X, y, 3) for X, y in parts]).scale()
    together = np.concatenate([X for X, _ in parts])
    np.testing.assert_allclose(mean, together.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(spread, together.std(axis=0), rtol=1e-5)


def test_class_weights_are_those_of_the_centralized_training():
    y = np.array([0] * 90 + [1] * 10)
    weights = Statistics.of(np.zeros((100, 1)), y, 3).class_weights(1.0)
    assert weights[2] == 0
    assert weights[y].mean() == pytest.approx(1)
    assert 90 * weights[0] == pytest.approx(10 * weights[1])


def test_a_constant_feature_is_only_centred():
    mean, spread = Statistics.of(np.full((9, 2), 5.0), np.zeros(9, int), 2).scale()
    np.testing.assert_array_equal((mean, spread), ([5, 5], [1, 1]))


def test_impossible_reports_are_refused():
    good = Statistics.of(np.ones((4, 2)), np.zeros(4, int), 2)
    for bad in (
        Statistics(good.counts, good.sums * np.nan, good.squares),
        Statistics(-good.counts, good.sums, good.squares),
        Statistics(good.counts, good.sums[:1], good.squares),
    ):
        with pytest.raises(EdgekitError, match="statistics"):
            Statistics.total([good, bad])
    with pytest.raises(EdgekitError, match="no client"):
        Statistics.total([])
