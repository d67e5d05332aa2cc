"""Resampling keeps what is below the new Nyquist and removes the rest; windows stay in one recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.data import Windows, center, concat, resample, subsample, window
from tests.data.samples import noise, recording


def sine(hz: float, rate: float, seconds: float = 1.0):
    return recording("sine", np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate), rate)


def loudest(r) -> float:
    x = r.samples[:, 0] * np.hanning(len(r.samples))
    return np.abs(np.fft.rfft(x)).argmax() * r.rate / len(x)


@settings(deadline=None, max_examples=40)
@given(
    rate=st.sampled_from([97_656.0, 48_828.0, 25_600.0, 44_100.0, 8_000.0, 9_999.0]),
    to=st.sampled_from([10_000.0, 8_000.0, 12_345.0]),
    share=st.floats(0.05, 0.8),
)
def test_a_sine_keeps_its_frequency_and_height(rate, to, share):
    hz = share * min(rate, to) / 2
    out = resample(sine(hz, rate), to)
    assert out.rate == to
    assert abs(out.seconds - 1) < 2e-3
    assert abs(loudest(out) - hz) <= 2
    middle = out.samples[len(out.samples) // 4 : -len(out.samples) // 4]
    assert middle.std() == pytest.approx(np.sqrt(0.5), rel=0.02)


@pytest.mark.parametrize("hz", [7_000, 12_000, 20_000, 31_000])
def test_what_the_new_rate_cannot_hold_is_gone_not_folded(hz):
    out = resample(sine(hz, 97_656.0), 10_000)
    assert out.samples[200:-200].std() < 0.003 * np.sqrt(0.5)


def test_a_recording_at_the_rate_already_stays_as_it_is():
    r = sine(50, 1_000)
    np.testing.assert_array_equal(resample(r, 1_000).samples, r.samples)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 1e-9])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(EdgekitError):
        resample(sine(50, 1_000), rate)


@pytest.mark.parametrize("to", [250, 400, 500, 800, 1_700])
def test_nothing_of_a_nan_is_smeared_over_its_neighbours(to):
    x = noise(3_000, seed=1)
    x[1_200:1_210] = 1e6 * noise(
        10, seed=2
    )  # what the sensor would have said there must not matter
    other = x.copy()
    other[1_200:1_210] = np.nan
    whole, lacking = (resample(recording("r", v), to).samples for v in (x, other))
    kept = np.isfinite(lacking)
    assert 0.9 < kept.mean() < 1
    np.testing.assert_allclose(lacking[kept], whole[kept], atol=1e-2)


def test_a_recording_of_nan_only_is_refused():
    with pytest.raises(EdgekitError, match="NaN"):
        resample(recording("r", [np.nan] * 4), 500)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 50), st.lists(st.integers(0, 199), max_size=6),
    st.integers(60, 200),
)  # fmt: skip
def test_windows_with_nan_are_left_out_and_no_others(length, hop, places, n):
    x = noise(n, seed=4)
    x[[p for p in places if p < n]] = np.nan
    right = [i for i in range(0, n - length + 1, hop) if np.isfinite(x[i : i + length]).all()]
    if not right:
        return
    made = window([recording("r", x)], ("normal",), length, hop)
    assert list(made.origin) == [f"r@{i}" for i in right]
    assert np.isfinite(made.X).all()
    if hop <= length:
        covered = np.zeros(n, bool)
        for i in right:
            covered[i : i + length] = True
        assert made.dropped == (~covered).sum()


def test_centering_takes_a_sensors_offset_away():
    assert abs(center(recording("r", noise() + 5)).samples.mean()) < 1e-6


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 400), min_size=1, max_size=6),
    length=st.integers(1, 60),
    hop=st.integers(1, 80),
)
def test_windows_are_exact_pieces_and_every_sample_is_accounted_for(lengths, length, hop):
    parts = [
        recording(f"r{i}", i * 1_000 + np.arange(n), label="ab"[i % 2])
        for i, n in enumerate(lengths)
    ]
    if max(lengths) < length:
        with pytest.raises(EdgekitError, match="shorter"):
            window(parts, ("a", "b"), length, hop)
        return
    w = window(parts, ("a", "b"), length, hop)
    by_name = {r.name: r for r in parts}
    covered = {name: 0 for name in by_name}
    for x, y, group, origin in zip(w.X, w.y, w.group, w.origin, strict=True):
        name, start = origin.split("@")
        r = by_name[name]
        np.testing.assert_array_equal(x, r.samples[int(start) : int(start) + length])
        assert w.classes[y] == r.label
        assert group == r.group
        covered[name] = max(covered[name], int(start) + length)
    assert w.dropped == sum(len(r.samples) - covered[r.name] for r in parts)


def test_windows_refuse_what_does_not_go_together():
    a, b = recording("a", noise()), recording("b", noise(), rate=500)
    with pytest.raises(EdgekitError, match="resample"):
        window([a, b], ("normal",), 10, 10)
    with pytest.raises(EdgekitError, match="Did you mean 'normale'"):
        window([a], ("normale", "inner"), 10, 10)
    with pytest.raises(EdgekitError, match="no recordings"):
        window([], ("normal",), 10, 10)
    with pytest.raises(EdgekitError, match="must be ≥ 1"):
        window([a], ("normal",), 10, 0)
    with pytest.raises(EdgekitError, match="no recording has a window of 10 finite samples"):
        window([recording("n", [np.nan] * 20)], ("normal",), 10, 10)


def test_windows_come_back_from_disk_the_same_and_the_same_bytes(tmp_path):
    w = window([recording("a", noise()), recording("b", noise(seed=1))], ("normal",), 64, 32)
    w.save(tmp_path / "w.npz")
    w.save(tmp_path / "again.npz")
    assert (tmp_path / "w.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    back = Windows.load(tmp_path / "w.npz")
    np.testing.assert_array_equal(back.X, w.X)
    assert (back.classes, back.rate, back.dropped) == (w.classes, w.rate, w.dropped)
    assert len(concat([w, back])) == 2 * len(w)


@pytest.mark.parametrize("keep", [0, 5, 200, -30])
def test_half_a_file_of_windows_is_one_clear_line(tmp_path, keep):
    w = window([recording("a", noise())], ("normal",), 64, 32)
    w.save(tmp_path / "w.npz")
    (tmp_path / "half.npz").write_bytes((tmp_path / "w.npz").read_bytes()[:keep])
    with pytest.raises(EdgekitError, match="run 01_collect again"):
        Windows.load(tmp_path / "half.npz")


@pytest.mark.parametrize("most", [30, 100, 1000])
def test_thinned_by_class_a_rare_class_keeps_what_it_has(most):
    y = np.repeat([0, 1, 2], [900, 90, 10])
    group = np.array([f"g{i % 7}" for i in range(1000)])
    w = Windows(np.zeros((1000, 4, 1)), y, ("a", "b", "c"), group, group, group, 1.0)
    counts = np.bincount(subsample(w, most, by_class=True).y, minlength=3)
    assert counts[2] == (10 if most >= 30 else counts[2])
    assert counts.sum() <= most + 3 * 7  # each group of each class gives at least one
    if most >= len(w):
        assert counts.sum() == 1000
