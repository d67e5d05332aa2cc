"""Heartbeats found and described: the detector, one beat beside its neighbours, and their C twins."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import beats
from edgekit.signal import EcgBeat, ecg_variation, r_peaks
from edgekit.simulators import hearts
from tests.signal import compiled

STREAM = """#include "ecg_peaks.h"
int32_t stream(const float *x, int32_t n, int32_t first, int32_t *found) {
  struct ecg_peaks p;
  int32_t count = 0;
  ecg_peaks_init(&p);
  for (int32_t t = 0; first && t < LEARN; t++) ecg_peaks_step(&p, x[t]);
  for (int32_t t = 0; t < n; t++) {
    const int32_t ago = ecg_peaks_step(&p, x[t]);
    if (ago) found[count++] = t - ago;
  }
  return count;
}
"""
BEAT = EcgBeat(window=1500, anchor=1250, first=32, length=80)
FEATURES = {
    "beat": BEAT,
    "context": EcgBeat(window=1500, anchor=1250, first=160, length=272, typical=False),
    "short": EcgBeat(window=600, anchor=400, first=20, length=50),
    "half": EcgBeat(window=750, anchor=625, first=16, length=40, rate=62.5),
}
every_feature = pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)


@pytest.fixture(scope="module")
def people():
    """Minutes of simulated people at 125 Hz with their beats."""
    from edgekit import usecases
    from edgekit.core.workspace import Workspace

    case = usecases.load("ecg", Workspace.find().folder)
    return [case.prepare(r) for d in ("lab", "field") for r in hearts.simulate(d, 4, 90, seed=5)]


@pytest.fixture(scope="module", params=[125, 62.5], ids=["125 Hz", "62.5 Hz"])
def rate(request):
    return request.param


@pytest.fixture(scope="module")
def stream(rate):
    half = "" if rate == 125 else "#define ECG_HALF\n"
    lib = compiled.library(
        {"stream.c": half + STREAM} | {k: v for k, v in BEAT.c("test").items() if k.endswith(".h")}
    )

    def run(x, first=False):
        x = np.ascontiguousarray(x, np.float32)
        found = np.zeros(len(x) // 10 + 9, np.int32)
        count = lib.stream(x.ctypes, len(x), int(first), found.ctypes)
        return found[:count]

    lib.stream.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_void_p]
    return run


def test_beats_are_found(people, rate):
    step = round(125 / rate)
    rows = [
        beats.detection_counts(r, step * r_peaks(r.samples[::step].T, rate=rate)[0], 19)
        for r in people
    ]
    hits, missed, invented = np.sum(rows, axis=0)
    assert hits / (hits + missed) > 0.98
    assert hits / (hits + invented) > 0.98


@pytest.mark.parametrize("first", [False, True], ids=["stream", "window"])
def test_c_finds_the_same_beats(people, stream, first, rate):
    rng = np.random.default_rng(0)
    signals = [r.samples[:, 0] for r in people]
    signals += [rng.normal(0, level, 4000) for level in (0.001, 0.1, 10)]
    signals += [np.zeros(2000), np.r_[signals[0][:3000], np.zeros(2000), signals[0][:3000]]]
    for x in signals:
        (mine,) = r_peaks(np.asarray(x, np.float32)[None], first, rate)
        assert np.array_equal(mine, stream(x, first))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.sampled_from([1e-3, 0.1, 1, 1e5]))
def test_c_finds_the_same_in_anything(stream, rate, seed, level):
    rng = np.random.default_rng(seed)
    x = level * rng.normal(size=1500) * (rng.random(1500) < 0.02) + rng.normal(0, 0.01, 1500)
    (mine,) = r_peaks(x[None].astype(np.float32), True, rate)
    assert np.array_equal(mine, stream(x, True))
    assert (np.diff(mine) > 0).all()


def test_a_detector_is_causal(people):
    x = people[0].samples.T
    (whole,), (part,) = r_peaks(x), r_peaks(x[:, :5000])
    sure = part[part < 4500]
    assert np.array_equal(sure, whole[: len(sure)])


def test_neither_offset_nor_level_matters_to_the_detector(people):
    x = people[1].samples.T
    (found,) = r_peaks(x)
    for other in (x + 3, 2 * x, -x):
        (again,) = r_peaks(other)
        assert (beats.match(found, again, 2) >= 0).mean() > 0.98


def test_a_short_stream_is_refused():
    with pytest.raises(ValueError, match="streams"):
        r_peaks(np.zeros((1, 100)))


def windows_of(people, feature):
    after = feature.window - feature.anchor
    return beats.beat_windows(
        people, ("N", "S", "V"), feature.anchor, after, dict.fromkeys("NSV", 9)
    )


@every_feature
@pytest.mark.parametrize("sensitivity", [None, 0.001])
def test_c_gives_the_same_bits(people, feature, sensitivity):
    X = windows_of(people, feature).X
    rng = np.random.default_rng(1)
    X = np.concatenate([X, rng.normal(size=(6, *X.shape[1:])), np.zeros((1, *X.shape[1:]))])
    X[-3:-1, :50] = np.nan
    X = X.astype(np.float32)
    got, _ = compiled.features(feature, X, sensitivity=sensitivity)
    if sensitivity:
        counts = np.rint(np.nan_to_num(X).astype(float) / sensitivity).clip(-32768, 32767)
        X = counts.astype(np.float32) * np.float32(sensitivity)
    truth = feature(X)
    assert truth.shape == (len(X), *feature.shape)
    assert np.isfinite(truth).all()
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(truth.reshape(len(X), -1)))


def test_one_window_is_as_good_as_many(people):
    X = np.tile(windows_of(people, BEAT).X[:40], (2, 1, 1))
    assert np.array_equal(BEAT(X)[70:71], BEAT(X[70:71]))
    assert BEAT(X[:0]).shape == (0, *BEAT.shape)


def test_ratios_mean_what_they_say():
    """A train of beats 100 samples apart, one of them 40 samples early."""
    pulse = np.exp(-0.5 * (np.arange(-12, 13) / 3) ** 2)
    x = np.zeros(1500)
    for at in [*range(50, 1250, 100), 1210, *range(1350, 1488, 100)]:
        x[at - 12 : at + 13] += pulse
    features = BEAT(np.roll(x, 40)[None, :, None].astype(np.float32))[0, 0]
    before, after, both = features[0, -4:-1] / 3 + 1
    assert before == pytest.approx(60 / 97, abs=0.03)  # of the mean interval up to here
    assert after == pytest.approx(140 / 97, abs=0.03)
    assert both == pytest.approx(0.6 / 1.4, abs=0.03)
    assert (features[:, -4:] == features[0, -4:]).all()
    assert np.abs(features[:, 1]).max() < 0.5  # it looks like the others
    assert features[:, 0].argmax() == pytest.approx(BEAT.first, abs=3)


def test_an_odd_beat_differs_from_the_typical_one(people):
    windows = windows_of(people, BEAT)
    deviation = np.sqrt((BEAT(windows.X)[:, 0, :, 1] ** 2).mean(axis=1))
    normal, ventricular = (np.median(deviation[windows.y == c]) for c in (0, 2))
    assert ventricular > 2 * normal


def test_the_level_hardly_matters(people):
    """A beat of two peaks may be aligned to the other one where counts round differently."""
    X = windows_of(people, BEAT).X
    far = np.abs(BEAT(X) - BEAT(2 * X)).reshape(len(X), -1).max(axis=1)
    assert np.median(far) < 0.02
    assert (far < 0.1).mean() > 0.9


@pytest.mark.parametrize(
    "change",
    [
        {"window": 200},
        {"window": 5000},
        {"anchor": 10},
        {"anchor": 1490},
        {"length": 1},
        {"rate": 100},
    ],
)
def test_a_beat_that_does_not_fit_is_refused(change):
    with pytest.raises(ValueError, match=r"must|may"):
        EcgBeat(**{"window": 1500, "anchor": 1250, "first": 32, "length": 80, **change})


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="expected"):
        BEAT(np.zeros((2, 1400, 1), np.float32))


def test_variations_keep_the_beat_and_its_class(people):
    windows = windows_of(people, BEAT)
    kept = windows.X.copy()
    one, again = (ecg_variation(windows.X, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, again)
    assert np.array_equal(kept, windows.X)
    assert one.shape == windows.X.shape
    assert one.dtype == np.float32
    before, after = (BEAT(X)[:, 0, 0, -4] for X in (windows.X, one))
    assert np.median(np.abs(before - after)) < 0.1  # as early as it was


def test_a_ragged_rhythm_is_heard(people):
    windows = windows_of(people, BEAT)
    wild = ecg_variation(windows.X, np.random.default_rng(3), ragged=1.0)
    calm = ecg_variation(windows.X, np.random.default_rng(3), ragged=0.0)
    assert np.median(BEAT(wild)[:, 0, 0, -1]) > 2 * np.median(BEAT(calm)[:, 0, 0, -1])


@every_feature
def test_what_was_heard_can_be_varied(people, feature):
    features = feature(windows_of(people, feature).X)
    kept = features.copy()
    one, again, other = (feature.vary(features, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(features, kept)
    assert one.shape == features.shape
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    assert (one[..., -4:] == one[:, :, :1, -4:]).all()  # the rhythm stays constant along the beat
    assert feature.vary(features[:0], np.random.default_rng(0)).shape == (0, *feature.shape)
