"""Augmentation: another machine, not another fault."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.signal import field_noise, unit_rms


def noise(n, time, seed=0):
    return np.random.default_rng(seed).normal(size=(n, time, 1)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 5), time=st.sampled_from([32, 100, 1023, 1024]), seed=st.integers(0, 99))
def test_shape_and_seed(n, time, seed):
    X = noise(n, time, seed)
    kept = X.copy()
    first, again, other = (field_noise(X, np.random.default_rng(s)) for s in (seed, seed, seed + 1))
    assert first.shape == X.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    assert n == 0 or not np.array_equal(first, other)
    assert np.array_equal(X, kept)


def test_the_mean_spectrum_stays():
    X = noise(400, 1024)
    varied = field_noise(X, np.random.default_rng(1), noise=0.0)
    before, after = (np.abs(np.fft.rfft(v[:, :, 0])) ** 2 for v in (X, varied))
    gain_db = 10 * np.log10(after / before)[:, 1:-1]
    assert abs(gain_db.mean()) < 0.5  # louder as often as softer
    assert 2 < gain_db.std() < 4.5  # 4 dB at the knots, less between them


def test_without_variation_it_only_turns_and_flips():
    X = unit_rms(noise(50, 256))
    varied = field_noise(X, np.random.default_rng(2), path_db=0.0, noise=0.0)
    spectra = (np.abs(np.fft.rfft(v[:, :, 0]))[:, :-1] for v in (X, varied))
    np.testing.assert_allclose(*spectra, atol=1e-3)
    assert not np.allclose(X, varied)


def test_noise_is_at_most_what_was_asked_for():
    t = np.arange(1024)
    X = np.tile(np.sin(2 * np.pi * 64 * t / 1024)[None, :, None], (200, 1, 1)).astype(np.float32)
    varied = field_noise(X, np.random.default_rng(3), path_db=0.0, noise=0.5)
    spectrum = np.abs(np.fft.rfft(varied[:, :, 0])) ** 2
    rest = np.delete(spectrum, 64, axis=1).sum(axis=1) / spectrum[:, 64]
    assert np.sqrt(rest).max() < 0.55
    assert np.sqrt(rest).std() > 0.1  # and differs from window to window
