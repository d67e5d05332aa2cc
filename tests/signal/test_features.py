"""Each feature: what it means, and that its C side gives the same bits."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.signal import (
    BandEnergies,
    EnvelopeSpectrum,
    InRange,
    Moments,
    RectifiedSpectrum,
    UnitRms,
    log_mel,
    to_int8,
    unit_rms,
)
from edgekit.signal.bands import mel_edges
from tests.signal import compiled

ENVELOPE = EnvelopeSpectrum(rate=10_000, window=1024, low=2000, width=256, lines=40)
BOXES = BandEnergies(
    rate=50, window=128, frame=64, hop=32, edges=(0.5, 2, 4, 8, 12, 25), channels=3
)
FEATURES = {
    "envelope": ENVELOPE,
    "envelope, short": EnvelopeSpectrum(rate=1000, window=64, low=100, width=16, lines=7),
    "rectified": RectifiedSpectrum(rate=10_000, window=1024, block=8, lines=40),
    "rectified, short": RectifiedSpectrum(rate=1000, window=64, block=1, lines=31),
    "teacher_input": UnitRms(window=300, channels=2),
    "range": InRange(50, offset=(0.0,) * 6, span=(1.5,) * 6),
    "moments": Moments(window=200, channels=6, limit=6),
    "log bands": BOXES,
    "bands": replace(BOXES, floor=0.0),
    "log mel": log_mel(8000, 4000, 256, 160, 20),
}
every_feature = pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)


def windows(feature, n=4, seed=0) -> np.ndarray:
    """Noise of various levels, half of it on an offset of up to 100 times that, (n, window, channels)."""
    rng = np.random.default_rng(seed)
    level, offset = 10.0 ** rng.uniform([[[[-3]]], [[[0]]]], [[[[3]]], [[[2]]]], (2, n, 1, 1))
    x = rng.normal(size=(n, feature.window, feature.channels))
    return (level * (x + rng.choice([0, 1], (n, 1, 1)) * offset)).astype(np.float32)


@every_feature
def test_c_gives_the_same_bits(feature):
    X = windows(feature, 20)
    got, _ = compiled.features(feature, X)
    truth = feature(X)
    assert truth.shape == (20, *feature.shape)
    assert truth.dtype == np.float32
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(truth.reshape(20, -1)))


@every_feature
def test_counts_of_a_sensor(feature):
    X = windows(feature, 8).clip(-30, 30)
    sensitivity = 50 / 32768
    got, _ = compiled.features(feature, X, sensitivity=sensitivity)
    sampled = np.rint(X.astype(float) / sensitivity).astype(np.float32) * np.float32(sensitivity)
    np.testing.assert_array_equal(got, feature(sampled).reshape(8, -1))


HOSTILE = [0, -0.0, 1e-45, 1e-30, 1e6, -1e30, 3.4e38, np.inf, -np.inf, np.nan]


@every_feature
@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "one sample"])
def test_hostile_samples_give_finite_features(feature, everywhere):
    X = windows(feature, len(HOSTILE))
    X[:, slice(None) if everywhere else slice(7, 8)] = np.float32(HOSTILE)[:, None, None]
    X = np.concatenate([X, X[:1]])
    X[-1] = np.where(np.arange(X[-1].size).reshape(X[-1].shape) % 2, 3e38, -3e38)
    got, _ = compiled.features(feature, X)
    assert np.isfinite(got).all()
    np.testing.assert_array_equal(got, feature(X).reshape(len(X), -1))


@every_feature
def test_one_window_is_as_good_as_many(feature):
    X = windows(feature, 70)
    assert np.array_equal(feature(X)[66:67], feature(X[66:67]))
    assert feature(X[:0]).shape == (0, *feature.shape)


@every_feature
def test_another_shape_is_refused(feature):
    with pytest.raises(ValueError, match="expected"):
        feature(np.zeros((2, feature.window + 1, feature.channels), np.float32))


def test_a_changed_window_is_found():
    X = windows(ENVELOPE, 5)
    files = ENVELOPE.c("test")
    files["fft.h"] = files["fft.h"].replace("0.5f - 0.5f * cosine", "0.54f - 0.46f * cosine")
    got, _ = compiled.features(ENVELOPE, X, files=files)
    assert np.abs(got - ENVELOPE(X).reshape(5, -1)).max() > 1e-2


def test_envelope_against_the_textbook():
    X = windows(ENVELOPE, 30)
    e = ENVELOPE
    band = np.fft.rfft(X[:, :, 0].astype(float))[:, e.first : e.first + e.width]
    envelope = np.abs(np.fft.ifft(band, axis=1))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(e.width) / e.width)
    lines = np.abs(np.fft.rfft((envelope / envelope.mean(1, keepdims=True) - 1) * hann))
    truth = lines[:, 1 : e.lines + 1]
    np.testing.assert_allclose(e(X)[:, 0, :, 0] ** 2, truth, atol=2e-5 * truth.std())


def test_rectified_against_the_textbook():
    r = FEATURES["rectified"]
    X = np.random.default_rng(1).normal(size=(30, 1024, 1)).astype(np.float32)
    x = X[:, :, 0].astype(float)
    second = np.pad(x, ((0, 0), (2, 0)), "edge")
    second = second[:, 2:] - 2 * second[:, 1:-1] + second[:, :-2]
    envelope = np.abs(second).reshape(30, r.width, r.block).mean(axis=2)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(r.width) / r.width)
    truth = np.abs(np.fft.rfft((envelope / envelope.mean(1, keepdims=True) - 1) * hann))
    truth = truth[:, 1 : r.lines + 1]
    np.testing.assert_allclose(r(X)[:, 0, :, 0] ** 2, truth, atol=2e-5 * truth.std())


@pytest.mark.parametrize(
    "feature", [ENVELOPE, FEATURES["rectified"]], ids=["envelope", "rectified"]
)
def test_envelope_finds_the_rate_of_strikes(feature):
    t = np.arange(1024) / 10_000
    strikes = (np.sin(2 * np.pi * 3000 * t) * np.exp(-400 * (t % (1 / 78.125))))[None, :, None]
    turning = 5 * np.sin(2 * np.pi * 30 * t)[None, :, None]  # the shaft, five times as loud
    strongest = feature(strikes + turning)[0, 0, :, 0].argmax()
    assert feature.frequencies[strongest] == 78.125


@pytest.mark.parametrize(
    "feature", [ENVELOPE, FEATURES["rectified"]], ids=["envelope", "rectified"]
)
def test_envelope_does_not_hear_the_level(feature):
    X = np.random.default_rng(2).normal(size=(4, 1024, 1)).astype(np.float32)
    np.testing.assert_allclose(feature(X), feature(1000 * X), atol=2e-3)
    assert np.array_equal(feature(X), feature(X / 1024))  # a power of two rounds nothing


@pytest.mark.parametrize(
    "change", [{"window": 1000}, {"block": 3}, {"block": 256}, {"lines": 64}, {"lines": 0}]
)
def test_rectified_refuses(change):
    with pytest.raises(ValueError, match=r"powers of two|blocks|lines"):
        replace(FEATURES["rectified"], **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 1000}, "powers of two"),
        ({"width": 200}, "powers of two"),
        ({"low": 0}, "above 0 Hz"),
        ({"low": 4000}, "half the rate"),
        ({"lines": 128}, "lines"),
        ({"lines": 0}, "lines"),
    ],
)
def test_envelope_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        replace(ENVELOPE, **change)


def test_unit_rms():
    X = windows(UnitRms(1024, 3), 6)
    scaled = unit_rms(X).astype(float)
    assert np.abs(scaled.mean(axis=1)).max() < 1e-3
    np.testing.assert_allclose((scaled**2).mean(axis=1), 1, rtol=1e-5)
    assert not unit_rms(np.full((1, 64, 1), 3, np.float32)).any()


def test_moments_against_the_textbook():
    feature = FEATURES["moments"]
    X = np.random.default_rng(5).normal(size=(9, 200, 6)) @ np.diag([1, 2, 0.1, 1, 1, 3]) + 9.81
    got = feature(X.astype(np.float32))[:, 0, :, 0]
    for row, x in zip(got, X, strict=True):
        covariance = np.cov(x.T, bias=True)[np.triu_indices(6)]
        np.testing.assert_allclose(row[:6], x.mean(axis=0), rtol=1e-5)
        ends = np.clip([*x.min(0) / 2, *x.max(0) / 2], -6, 6)
        np.testing.assert_allclose(row[6:18], ends, rtol=1e-6)
        np.testing.assert_allclose(row[18:] * np.abs(row[18:]), covariance, atol=1e-4)
    assert len(feature.pairs) == 21


def test_a_range_without_offset_keeps_that_of_the_sensor():
    X = windows(FEATURES["range"])
    np.testing.assert_array_equal(FEATURES["range"](X)[:, 0], X * (np.float32(1) / np.float32(1.5)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Moments(0, 3),
        lambda: Moments(9, 0),
        lambda: Moments(9, 3, limit=0),
        lambda: InRange(9, (0.0,), (0.0,)),
    ],
)
def test_empty_windows_and_no_span_are_refused(make):
    with pytest.raises(ValueError, match="positive"):
        make()


def test_bands_against_the_textbook():
    feature = FEATURES["log mel"]
    X = windows(feature, 6)
    frames = np.lib.stride_tricks.sliding_window_view(X[:, :, 0], 256, axis=1)[:, ::160]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    power = np.abs(np.fft.rfft(frames.astype(float) * hann)) ** 2 / 256
    f, edges = np.arange(129) * 8000 / 256, np.array(feature.edges)
    triangles = np.array([np.interp(f, edges[b : b + 3], [0, 1, 0]) for b in range(20)])
    truth = np.log(np.maximum(power @ triangles.T, feature.floor))
    np.testing.assert_allclose(feature(X)[..., 0], truth, atol=1e-4)


def test_a_tone_falls_into_its_band():
    t = np.arange(128) / 50
    X = np.stack([np.sin(2 * np.pi * f * t) for f in (1.2, 3.1, 10)], axis=-1)[None]
    assert BOXES(X)[0].argmax(axis=1).tolist() == [[0, 1, 3]] * 3


def test_mel_edges():
    edges = np.array(mel_edges(0, 4000, 10))
    assert edges[[0, -1]] == pytest.approx([0, 4000])
    assert (np.diff(edges, 2) > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": 60}, "power of two"),
        ({"frame": 256}, "hold a frame"),
        ({"edges": (1, 1.1, 1.2)}, "no bin"),
        ({"edges": (1,)}, "no bin"),
        ({"edges": (1, 30)}, "half the rate"),
        ({"edges": (-3, 5)}, "between 0 Hz"),
        ({"hop": 0}, "positive"),
        ({"floor": -1.0}, "floor"),
    ],
)
def test_bands_refuse(change, message):
    with pytest.raises(ValueError, match=message):
        replace(BOXES, **change)


PLAIN = UnitRms(window=16)  # only to have something to quantize


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(2**-20, 1000, width=32), zero=st.integers(-128, 127), seed=st.integers(0, 999)
)
def test_quantization_is_equal_even_next_to_a_tie(scale, zero, seed):
    from edgekit.signal import source

    split = source.struct("int8_scale", "s", **source._split(scale, zero))
    c = compiled.library(
        {
            "probe.c": f'#include "to_int8.h"\n{split}\n'
            "void many(const float *x, int8_t *q, int32_t n) "
            "{ for (int32_t i = 0; i < n; i++) q[i] = to_int8(x[i], &s); }\n"
        }
    )
    ties = ((np.arange(-400, 400) + 0.5) * np.float64(np.float32(scale))).astype(np.float32)
    rng = np.random.default_rng(seed)
    near = [np.nextafter(ties, np.float32(s * np.inf)) for s in (-1, 1)]
    far = [rng.normal(size=2000) * scale * 60, [0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45]]
    x = np.concatenate([ties, *near, *far]).astype(np.float32)
    q = np.empty(len(x), np.int8)
    c.many(x.ctypes, q.ctypes, len(x))
    np.testing.assert_array_equal(q, to_int8(x, scale, zero))


def test_quantization_is_the_learning_stages(monkeypatch):
    litert = pytest.importorskip("edgekit.learn.litert")
    facts = {"input_scale": float(np.float32(0.0371)), "input_zero_point": -107.0}
    monkeypatch.setattr(litert, "quantization", lambda _: facts)
    x = np.random.default_rng(0).uniform(-1, 11, 5000).astype(np.float32)
    assert np.array_equal(litert.int8_inputs(b"", x), to_int8(x, 0.0371, -107))


def test_quantizes_what_it_computed():
    X = windows(ENVELOPE, 10)
    got, q = compiled.features(ENVELOPE, X, quantization=(0.037, -128))
    assert np.array_equal(q, to_int8(got, 0.037, -128))


@pytest.mark.parametrize(
    "how",
    [
        {"name": "9lives"},
        {"name": "a b"},
        {"sensitivity": 0},
        {"sensitivity": 1e9},
        {"sensitivity": float("nan")},
        {"quantization": (0.0, 0)},
        {"quantization": (float("inf"), 0)},
        {"quantization": (0.1, 200)},
    ],
)
def test_c_refuses(how):
    with pytest.raises(EdgekitError):
        PLAIN.c(**{"name": "test"} | how)


@every_feature
def test_sources_use_no_library(feature):
    text = "".join(feature.c("test", quantization=(0.1, 0), sensitivity=1e-3).values())
    included = {line for line in text.splitlines() if line.startswith("#include <")}
    assert included == {"#include <stdint.h>"}
    assert "malloc" not in text
    assert feature.c("test") == feature.c("test")


@every_feature
def test_sources_compile_without_a_warning(feature, tmp_path):
    for name, text in feature.c("test", quantization=(0.1, 0), sensitivity=1e-3).items():
        (tmp_path / name).write_text(text)
    strict = "-std=c99 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -c"
    command = [sys.executable, "-m", "ziglang", "cc", *strict.split(), "test_features.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
