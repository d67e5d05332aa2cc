"""The drift sketch: the same 64 bytes in Python, in C on this machine and on the emulated core."""

import contextlib
import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.monitor.sketch import BYTES, FULL, ONE, Centre, Phases, Scale, Sketch, c_files
from edgekit.monitor.sketch_cost import CoreSketch, footprint
from edgekit.signal import to_int8

PHASES, INPUTS = Phases(5, 12, 4, 6), 7
HOST = """\
#include "host_drift.h"
static struct drift_sketch sketch;
static int16_t mean[HOST_DRIFT_LOOKED];
void begin(void) {
  sketch = (struct drift_sketch){0};
  for (int i = 0; i < HOST_DRIFT_LOOKED; i++) mean[i] = 0;
}
void hear(const int8_t *x, int32_t n) {
  for (; n > 0; n--, x += host_drift.inputs) drift_hear(&host_drift, &sketch, mean, x);
}
uint32_t end_week(void) { return drift_end_week(&host_drift, &sketch); }
const void *bytes(void) { return &sketch; }
const int16_t *means(void) { return mean; }
"""


class InC:
    """The header, compiled for this machine with every undefined behaviour fatal."""

    def __init__(self, scale, phases):
        from edgekit.emulate.toolchain import compile_host

        files = {"host.c": HOST, **c_files("host", scale, phases)}
        flags = ("-O2", "-shared", "-fPIC", "-Wconversion", "-Wpedantic")
        self.c, self.scale = ctypes.CDLL(str(compile_host(files, flags))), scale
        self.c.end_week.restype = ctypes.c_uint32
        self.c.bytes.restype = self.c.means.restype = ctypes.c_void_p
        self.c.begin()

    def hear(self, X):
        self.c.hear(np.ascontiguousarray(X).tobytes(), len(X))

    def encode(self):
        return ctypes.string_at(self.c.bytes(), BYTES)

    def means(self):
        raw = ctypes.string_at(self.c.means(), 2 * len(self.scale.inverse))
        return np.frombuffer(raw, np.int16).astype(np.int64)


@pytest.fixture(
    scope="module",
    params=[(300, 120, 9, 70, 1, 800, 200), (32_768, 12_000, 900, 100, 1, 65_535, 4096)],
    ids=["usual", "far"],
)
def host(request):
    return InC(Scale(INPUTS, request.param), PHASES)


def windows(seed, n, kind):
    """Inputs of several kinds: anything, extremes only, a constant, a drifting walk."""
    rng = np.random.default_rng(seed)
    if kind == "constant":
        return np.full((n, INPUTS), rng.integers(-128, 128), np.int8)
    if kind == "extremes":
        return rng.choice(np.array([-128, 127], np.int8), (n, INPUTS))
    if kind == "walk":
        return np.clip(rng.normal(0, 9, (n, INPUTS)).cumsum(axis=0), -128, 127).astype(np.int8)
    return rng.integers(-128, 128, (n, INPUTS)).astype(np.int8)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["anything", "extremes", "constant", "walk"]),
    st.lists(st.integers(0, 60), min_size=1, max_size=5),
)
def test_c_keeps_the_same_bytes_however_the_windows_come(host, seed, kind, sizes):
    host.c.begin()
    sketch, centre = Sketch(PHASES), Centre(host.scale)
    for i, size in enumerate(sizes):
        X = windows(seed + i, size, kind)
        sketch.hear(X, centre)
        host.hear(X)
        assert host.encode() == sketch.encode()
        assert (host.means() == centre.mean).all()
        assert Sketch.decode(sketch.encode(), PHASES).encode() == sketch.encode()
        assert host.c.end_week() == sketch.end_week() <= ONE


@pytest.fixture(scope="module")
def activity():
    """Real shape, simulated wrists: int8 inputs of the student."""
    case = usecases.load("activity", Workspace.find().folder)
    recordings = case.recordings("field", "quick", offline=True)[:30]
    X = case.features(case.windows([case.prepare(r) for r in recordings], "quick").X)
    return to_int8(X.reshape(len(X), -1), np.ptp(X) / 255, -3)


def test_the_core_agrees_and_the_sketch_fits(activity):
    phases = Phases(20, 60, 8, 6)
    X = np.resize(activity, (phases.reference_until + 40, activity.shape[1]))
    found = footprint(Scale.fit(X), phases, X)  # which refuses a core that differs in a bit
    assert found.ram.value == BYTES <= 64
    assert 0 < found.code.value <= 512
    assert found.window.value < 2000
    assert found.window.provenance == "emulated"


def test_a_core_that_differs_is_refused(activity, monkeypatch):
    from edgekit import firmware

    true = firmware.text
    monkeypatch.setattr(
        firmware,
        "text",
        lambda folder, name: true(folder, name).replace(
            "distance > s->edge", "distance >= s->edge"
        ),
    )
    phases = Phases(2, 4, 4, 6)
    X = np.resize(activity[:2], (60, activity.shape[1]))  # two windows: distances meet edges
    with pytest.raises(EdgekitError, match="is not Python's"):
        footprint(Scale.fit(activity), phases, X)


def test_a_week_on_the_core_ends_as_in_python(activity):
    scale, phases = Scale.fit(activity), Phases(10, 20, 5, 4)
    device, sketch, centre = CoreSketch(scale, phases), Sketch(phases), Centre(scale)
    rng = np.random.default_rng(1)
    for _ in range(4):
        X = activity[rng.integers(len(activity), size=30)]
        device.hear(X)
        sketch.hear(X, centre)
        assert device.end_week() == sketch.end_week()
        assert device.encode() == sketch.encode()


def learnt(phases=PHASES, seed=0):
    sketch = Sketch(phases)
    sketch.seen = phases.centre
    sketch.add(np.random.default_rng(seed).integers(100, 500, phases.reference_until))
    sketch.end_week()
    return sketch


def test_the_distance_is_scipys_over_the_bins():
    phases, rng = Phases(1, 2000, 100, 20), np.random.default_rng(3)
    values = rng.gamma(9, 30, 4000).astype(int)
    sketch = Sketch(phases)
    sketch.seen = 1
    sketch.add(values)
    week = rng.gamma(11, 30, 700).astype(int)
    sketch.add(week)
    edge = np.maximum.accumulate(sketch.edge)
    truth = stats.ks_2samp(
        np.searchsorted(edge, values[2000:]), np.searchsorted(edge, week)
    ).statistic
    assert sketch.ks() / ONE == pytest.approx(truth, abs=2 / ONE)
    shares = sketch.first.cumsum()[:-1] / sketch.first.sum()
    np.testing.assert_allclose(shares, np.arange(1, 8) / 8, atol=0.15)  # edges near the eighths


def test_a_week_that_never_ends_stops_counting_and_still_answers(host):
    host.c.begin()
    sketch, centre = Sketch(PHASES), Centre(host.scale)
    X = np.concatenate([windows(1, PHASES.reference_until, "walk"), windows(2, 70_000, "anything")])
    sketch.hear(X, centre)
    host.hear(X)
    assert sketch.now == FULL
    assert host.encode() == sketch.encode()
    assert host.c.end_week() == sketch.end_week()


def test_nothing_is_said_before_there_is_a_reference():
    sketch = Sketch(PHASES)
    assert sketch.ks() == 0
    assert not sketch.learnt
    sketch = learnt()
    assert sketch.learnt
    sketch.add(np.full(10, 9000))
    assert sketch.end_week() > ONE * 0.7
    assert sketch.end_week() == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, BYTES - 1), st.integers(1, 255))
def test_a_sketch_that_was_changed_is_read_within_its_bounds_or_refused(at, flip):
    data = bytearray(learnt().encode())
    data[at] ^= flip
    with contextlib.suppress(EdgekitError):  # anything else would not be
        found = Sketch.decode(bytes(data), PHASES)
        assert found.first.sum() == PHASES.batch * PHASES.batches
        assert 0 <= found.ks() <= ONE


def test_what_cannot_be_is_refused_in_a_line():
    with pytest.raises(EdgekitError, match="64 bytes"):
        Sketch.decode(b"short", PHASES)
    with pytest.raises(EdgekitError, match="every so-many-th"):
        Phases(1, 1, 255, 300)
    with pytest.raises(EdgekitError, match="int8"):
        Scale.fit(np.zeros((5, 3)))
    with pytest.raises(EdgekitError, match="looks at 7"):
        Centre(Scale(7, (1,) * 7)).distance(np.zeros((2, 8), np.int8))
