"""Another wearer: the same exercise on another arm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.signal import imu_variation


def moves(n, time, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(time)[:, None] / 50
    return (np.sin(2 * np.pi * 0.6 * t + rng.uniform(0, 6, (n, 1, 6))) + 0.5).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 5), time=st.sampled_from([50, 128, 200]), seed=st.integers(0, 99))
def test_shape_and_seed(n, time, seed):
    X = moves(n, time, seed)
    before = X.copy()
    one, again = (imu_variation(X, np.random.default_rng(seed)) for _ in range(2))
    assert one.shape == X.shape
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert np.array_equal(one, again)
    assert np.array_equal(X, before)


def test_a_strap_turns_both_sensors_alike_and_stretches_neither():
    X = moves(60, 200)
    X[:, :, 3:] = X[:, :, :3]  # the same vector twice stays the same vector twice
    turned = imu_variation(X, np.random.default_rng(1), tempo=0, vigour=0, noise=0, kept=0)
    np.testing.assert_allclose(turned[:, :, :3], turned[:, :, 3:], atol=1e-4)
    lengths = (np.sort(np.linalg.norm(v[:, :, :3], axis=2), axis=1) for v in (X, turned))
    low, high = lengths
    assert np.abs(low - high).mean() < 0.03  # the same directions of gravity, only seen otherwise
    assert np.abs(turned[:, :, :3].mean(axis=1) - X[:, :, :3].mean(axis=1)).max() > 0.1


def test_one_in_four_stays_as_it_is():
    X = moves(400, 100)
    same = (imu_variation(X, np.random.default_rng(2)) == X).all(axis=(1, 2))
    assert 0.15 < same.mean() < 0.35


def test_faster_movement_turns_faster():
    X = moves(300, 200)
    fast = imu_variation(
        X, np.random.default_rng(3), strap_deg=0, tempo=0.3, vigour=0, noise=0, kept=0
    )
    gain = np.abs(fast[:, :, 3:]).max(axis=1) / np.abs(X[:, :, 3:]).max(axis=1)
    assert gain.min() < 0.8
    assert gain.max() > 1.2
    assert (
        np.abs(np.abs(fast[:, :, :3]).max(axis=1) / np.abs(X[:, :, :3]).max(axis=1) - 1).max() < 0.1
    )


def test_noise_is_what_was_asked_for():
    X = np.zeros((50, 200, 6), np.float32)
    noisy = imu_variation(X, np.random.default_rng(4), noise=0.1, kept=0)
    assert noisy.std() == pytest.approx(0.1, rel=0.03)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="three axes"):
        imu_variation(moves(2, 50)[:, :, :5], np.random.default_rng(0))
