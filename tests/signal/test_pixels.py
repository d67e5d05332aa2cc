"""Pixels: block means around 0, and the camera's bytes straight to the network's input."""

import ctypes

import numpy as np
import pytest

from edgekit.signal import Pixels, to_int8
from tests.signal import compiled

STEPS = {1: Pixels(24, 32), 2: Pixels(24, 32, 2), 4: Pixels(24, 32, 4)}


def pictures(n: int = 6, seed: int = 0) -> np.ndarray:
    X = np.random.default_rng(seed).integers(0, 256, (n, 24, 32, 1))
    X[0], X[1] = 0, 255
    return X.astype(np.float32)


@pytest.mark.parametrize("block", STEPS)
def test_values_are_the_means_of_blocks(block):
    X = pictures()
    means = X.reshape(6, 24 // block, block, 32 // block, block).mean(axis=(2, 4))
    np.testing.assert_array_equal(STEPS[block](X)[..., 0], (means - 128) / 128)
    assert STEPS[block](X).min() == -1
    assert STEPS[block](X).max() < 1


@pytest.mark.parametrize("block", STEPS)
def test_c_gives_the_same_bits_from_the_cameras_bytes(block):
    step, X = STEPS[block], pictures(seed=1)
    got, _ = compiled.features(step, X)
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(step(X).reshape(6, -1)))


@pytest.mark.parametrize(("scale", "zero"), [(1 / 128, 0), (0.00731, -3), (0.013, 17)])
@pytest.mark.parametrize("block", STEPS)
def test_the_way_without_floats_ends_at_the_same_input(block, scale, zero):
    step, X = STEPS[block], pictures(seed=2)
    wanted = to_int8(step(X), scale, zero).reshape(6, -1)
    _, long_way = compiled.features(step, X, quantization=(scale, zero))
    np.testing.assert_array_equal(long_way, wanted)
    library = compiled.library(step.c("test", quantization=(scale, zero)))
    for picture, inputs in zip(X.astype(np.uint8), wanted, strict=True):
        got = np.empty(wanted.shape[1], np.int8)
        library.test_input_uint8(np.ascontiguousarray(picture).ctypes, got.ctypes)
        np.testing.assert_array_equal(got, inputs)


def test_floats_count_as_the_grey_value_next_to_them():
    step = Pixels(1, 8)
    x = np.array([np.nan, -3, 0.4, 0.5, 254.4, 254.6, 300, np.inf], np.float32)
    X = x.reshape(1, 1, 8, 1)
    expected = (np.array([0, 0, 0, 1, 254, 255, 255, 255]) - 128) / 128
    np.testing.assert_array_equal(step(X).ravel(), expected)
    library = compiled.library(step.c("test"))
    got = np.empty(8, np.float32)
    library.test_features(np.ascontiguousarray(x).ctypes.data_as(ctypes.c_void_p), got.ctypes)
    np.testing.assert_array_equal(got, expected)


def test_sizes_that_are_no_whole_blocks_are_refused():
    with pytest.raises(ValueError, match="whole blocks"):
        Pixels(25, 32, 2)
    with pytest.raises(ValueError, match="1, 2 or 4"):
        Pixels(24, 33, 3)
    with pytest.raises(ValueError, match="expected"):
        Pixels(24, 32)(np.zeros((1, 24, 30, 1)))
