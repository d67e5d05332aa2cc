"""Transforms: C, its NumPy twin, and NumPy's own in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.signal import fft, real
from edgekit.signal import source as sources
from tests.signal import compiled

SIZES = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
TURN = 2048
PROBE = """\
#include "fft.h"
%s
static const struct cosine_table table = {cosine, %d};
void real_transform(float *x, int32_t size) { rfft(x, size, &table); }
void complex_transform(float *z, int32_t size) { fft((struct complex_f32 *)z, size, &table); }
void roots(float *x, int32_t n) { for (int32_t i = 0; i < n; i++) x[i] = sqrt_f32(x[i]); }
void logs(float *x, int32_t n) { for (int32_t i = 0; i < n; i++) x[i] = log_f32(x[i]); }
"""


def probe(text: str = PROBE, change=("", "")):
    text = text % (sources.cosine(TURN), TURN)
    return compiled.library({"probe.c": text.replace(*change) if change[0] else text})


@pytest.fixture(scope="module")
def c():
    return probe()


def c_rfft(library, x: np.ndarray) -> np.ndarray:
    """(size,) float32 -> (size / 2 + 1,) complex64, unpacked."""
    z = np.ascontiguousarray(x, np.float32).copy()
    library.real_transform(z.ctypes, len(z))
    packed = z.view(np.complex64)
    nyquist = packed[0].imag
    return np.concatenate([[packed[0].real], packed[1:], [nyquist]]).astype(np.complex64)


@st.composite
def signals(draw):
    size = draw(st.sampled_from(SIZES))
    kind = draw(st.sampled_from(["noise", "impulse", "constant", "sine", "sparse"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, n = np.zeros(size), np.arange(size)
    if kind == "noise":
        x = rng.normal(size=size)
    elif kind == "impulse":
        x[rng.integers(size)] = 1
    elif kind == "constant":
        x += 1
    elif kind == "sine":
        x = np.sin(2 * np.pi * rng.uniform(0, size / 2) * n / size + rng.uniform(0, 6))
    else:
        x[rng.integers(size, size=3)] = rng.normal(size=3)
    return (x * 10 ** draw(st.integers(-6, 6))).astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(x=signals())
def test_real_transform(c, x):
    got, truth = c_rfft(c, x), np.fft.rfft(x.astype(np.float64))
    tolerance = 4e-7 * np.log2(len(x)) * np.sqrt((np.abs(truth) ** 2).mean())
    assert np.abs(got - truth).max() <= tolerance
    re, im = fft.rfft(x[:, None])
    np.testing.assert_array_equal(compiled.bits(got.real), compiled.bits(re[:, 0]))
    np.testing.assert_array_equal(compiled.bits(got.imag), compiled.bits(im[:, 0]))


@pytest.mark.parametrize("size", [2, *SIZES])
def test_complex_transform(c, size):
    rng = np.random.default_rng(size)
    z = (rng.normal(size=size) + 1j * rng.normal(size=size)).astype(np.complex64)
    truth, (re, im) = np.fft.fft(z.astype(complex)), fft.fft(z.real[:, None], z.imag[:, None])
    c.complex_transform(z.ctypes, size)
    assert np.abs(z - truth).max() <= 1e-6 * np.abs(truth).max()
    assert np.array_equal(z.real, re[:, 0])
    assert np.array_equal(z.imag, im[:, 0])


def test_a_wrong_twiddle_is_found():
    table = fft.quarter_cosine(TURN)
    right, wrong = (sources.literal(v) for v in (table[100], table[100] * 1.001))
    x = np.random.default_rng(0).normal(size=TURN).astype(np.float32)
    assert np.array_equal(c_rfft(probe(), x), c_rfft(probe(change=(right, right)), x))
    off = c_rfft(probe(change=(f" {right},", f" {wrong},")), x)
    assert np.abs(off - np.fft.rfft(x)).max() > 1e-3


def test_parseval():
    x = np.random.default_rng(1).normal(size=(1024, 5)).astype(np.float32)
    re, im = (v.astype(float) for v in fft.rfft(x))
    power = re**2 + im**2
    power[1:-1] *= 2
    np.testing.assert_allclose(power.sum(0) / 1024, (x.astype(float) ** 2).sum(0), rtol=1e-6)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 12, 1000])
def test_other_lengths_are_refused(size):
    with pytest.raises(ValueError, match="power of two"):
        fft.rfft(np.zeros((size, 1), np.float32))


def every_magnitude(seed: int) -> np.ndarray:
    """Positive finite float32, denormals among them."""
    patterns = np.random.default_rng(seed).integers(1, 0x7F800000, 200_000, dtype=np.uint32)
    edges = np.array([1, 2, 0x7FFFFF, 0x800000, 0x3F800000, 0x7F7FFFFF], np.uint32)
    return np.concatenate([edges, patterns, patterns[:5000] % 0x800000]).view(np.float32)


def test_square_root_without_an_fpu_is_correctly_rounded(c):
    x = np.concatenate([[np.float32(0)], every_magnitude(2)])
    got = x.copy()
    c.roots(got.ctypes, len(got))
    assert np.array_equal(got, np.sqrt(x))


def test_logarithm(c):
    x = every_magnitude(3)
    x = x[x >= np.finfo(np.float32).tiny]
    got = x.copy()
    c.logs(got.ctypes, len(got))
    assert np.array_equal(got, real.log(x))
    truth = np.log(x.astype(np.float64))
    assert (np.abs(got - truth) <= 2 * np.spacing(np.abs(truth).astype(np.float32))).all()
