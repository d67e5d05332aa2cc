"""Pictures varied and described."""

import numpy as np

from edgekit.signal import gradients, picture_noise
from edgekit.signal.pictures import light_noise, moved


def pictures(n=6):
    return np.random.default_rng(0).integers(0, 256, (n, 24, 32, 1)).astype(np.float32)


def test_variations_stay_grey_values_and_follow_the_seed():
    X = pictures()
    first, again = (picture_noise(X, np.random.default_rng(1)) for _ in range(2))
    assert first.shape == X.shape
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert np.array_equal(first, np.rint(first))
    assert first.min() >= 0
    assert first.max() <= 255


def test_a_move_by_whole_pixels_is_a_shift_and_a_mirror_a_mirror():
    X, still = pictures(), np.zeros(6)
    shifted = moved(X, np.ones(6), np.ones(6), still + 2, still - 3)
    np.testing.assert_allclose(shifted[:, :-2, 3:], X[:, 2:, :-3], atol=1e-3)
    mirrored = moved(X, np.ones(6), -np.ones(6), still, still)
    np.testing.assert_allclose(mirrored, X[:, :, ::-1], atol=1e-3)


def test_nearer_means_larger():
    X = np.zeros((1, 64, 64, 1), np.float32)
    X[:, 24:40, 24:40] = 200
    near = moved(X, np.array([1.5]), np.ones(1), np.zeros(1), np.zeros(1))
    assert 2.0 < near.sum() / X.sum() < 2.5


def test_no_light_and_no_grain_change_nothing():
    X = pictures()
    assert np.array_equal(light_noise(X, np.random.default_rng(0), light=0, grain=0), X)


def test_gradients_know_the_direction_of_a_grating_and_not_its_contrast():
    y, x = np.mgrid[:48, :48]
    upright, lying = np.sin(x / 2.0), np.sin(y / 2.0)
    table = gradients(np.stack([upright, lying, 0.3 * upright]), cells=4, directions=6)
    assert table.shape == (3, 112)
    of = table[:, :96].reshape(3, 16, 6).sum(axis=1)
    assert of[0].argmax() == 0
    assert of[1].argmax() == 3
    np.testing.assert_allclose(table[0, :96], table[2, :96], atol=1e-9)


def test_an_even_picture_has_a_descriptor_too():
    table = gradients(np.zeros((2, 48, 48)))
    assert np.isfinite(table).all()
