"""Welch bands and ranges: what they mean, and that their C side gives the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.signal import InRange, WelchBands, log_edges
from tests.signal import compiled

IMU = WelchBands(50, 128, 64, 32, log_edges(0.5, 25, 8, 50, 64), (0.0, 0.0, 10.0), (2.0, 2.0, 20.0))
SOUND = WelchBands(8000, 4000, 256, 128, log_edges(60, 4000, 20, 8000, 256), slices=4, level=False)
SLOW = WelchBands(1, 32, 16, 8, log_edges(0.06, 0.5, 4, 1, 16), (20.0,), (50.0,))
STEPS = {
    "imu": IMU,
    "sound": SOUND,
    "slow": SLOW,
    "range": InRange(50, (0.0, 20.0), (2.0, 50.0)),
}
every_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def windows(step, n=6, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = 10.0 ** rng.uniform(-3, 2, (n, 1, 1))
    return (level * (rng.normal(size=(n, step.window, step.channels)) + rng.normal())).astype("f4")


@every_step
def test_c_gives_the_same_bits(step):
    X = windows(step)
    got, _ = compiled.features(step, X)
    truth = step(X)
    assert truth.shape == (len(X), *step.shape)
    assert truth.dtype == np.float32
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(truth.reshape(len(X), -1)))


@every_step
def test_hostile_samples_give_finite_features_and_the_same_bits(step):
    X = windows(step, 7)
    bad = np.float32([0, 1e-45, 1e6, -3e38, np.inf, -np.inf, np.nan])
    X[:, ::2] = bad[:, None, None]
    got, _ = compiled.features(step, X)
    assert np.isfinite(got).all()
    np.testing.assert_array_equal(got, step(X).reshape(len(X), -1))


@every_step
def test_counts_of_a_sensor(step):
    X = windows(step).clip(-30, 30)
    sensitivity = 50 / 32768
    got, _ = compiled.features(step, X, sensitivity=sensitivity)
    features = np.rint(X.astype(float) / sensitivity).astype("f4") * np.float32(sensitivity)
    np.testing.assert_array_equal(got, step(features).reshape(len(X), -1))


def test_the_bands_are_those_of_scipy():
    from scipy.signal import welch

    X = windows(IMU, 5, seed=3)
    scaled = (X - np.array(IMU.offset)) / np.array(IMU.span)
    _, density = welch(scaled, 50, "hann", 64, 32, detrend="constant", scaling="spectrum", axis=1)
    energy = np.stack(
        [density[:, a:b].sum(axis=1) for a, b in zip(IMU.bins, IMU.bins[1:], strict=False)], 1
    )
    features = IMU(X)[:, 0]
    parts = np.log(energy / energy.sum(axis=1, keepdims=True) * IMU.bands) / 2
    inner = slice(0, -1)  # scipy halves the last bin
    np.testing.assert_allclose(
        np.diff(features[:, 2:][:, inner], axis=1), np.diff(parts[:, inner], axis=1), atol=2e-3
    )


def test_a_tone_stands_in_its_band_and_time_in_its_slice():
    t = np.arange(4000) / 8000
    x = np.where(t < 0.25, np.sin(2 * np.pi * 500 * t), np.sin(2 * np.pi * 2000 * t))
    features = SOUND(x.astype("f4")[None, :, None])[0, 0]
    loudest = [SOUND.edges[b] for b in features[1:].argmax(axis=0)]
    assert loudest[0] <= 500 < loudest[3] <= 2000


def test_level_and_loudness_are_read_in_shares_of_the_range():
    X = np.full((1, 32, 1), 45.0, np.float32)
    assert SLOW(X)[0, 0, 0, 0] == pytest.approx(2 * 0.5)
    louder = SLOW(20 + 10 * np.sin(np.arange(32.0))[None, :, None].astype("f4"))
    softer = SLOW(20 + 1 * np.sin(np.arange(32.0))[None, :, None].astype("f4"))
    assert louder[0, 0, 1, 0] - softer[0, 0, 1, 0] == pytest.approx(np.log(100) / 4, abs=1e-3)
    np.testing.assert_allclose(louder[0, 0, 2:], softer[0, 0, 2:], atol=1e-3)


@settings(max_examples=60)
@given(
    st.floats(0.5, 48_000), st.sampled_from([8, 16, 64, 512, 2048]), st.integers(2, 40),
    st.floats(0.001, 0.5),
)  # fmt: skip
def test_edges_leave_no_band_empty(rate, frame, bands, low):
    edges = log_edges(low * rate / 2, rate / 2, bands, rate, frame)
    step = WelchBands(rate, frame, frame, frame, edges)
    assert 2 <= step.bands <= bands or frame == 8
    assert np.isfinite(step(np.ones((1, frame, 1), np.float32))).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frame": 60}, "power of two"),
        ({"window": 32}, "hold a frame"),
        ({"slices": 9}, "slices"),
        ({"span": (1.0, 0.0, 1.0)}, "span"),
        ({"edges": (1.0, 1.1, 1.2)}, "no bin"),
        ({"edges": (0.0, 5.0, 25.0)}, "above 0 Hz"),
    ],
)
def test_what_cannot_be_is_said(change, words):
    from dataclasses import replace

    with pytest.raises(ValueError, match=words):
        replace(IMU, **change)
