"""Detectors keep the rate of false alarms that they state, on streams whose windows resemble each other."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.monitor import drift
from edgekit.monitor.drift_trial import Answers, Days, Device, stream, trial
from edgekit.monitor.sketch import Phases, Scale, Sketch

PHASES = Phases(1, 700, 100, 28)


def values(rng, n, run, shift=0.0):
    """(n,) distances in runs of `run` equal windows: as many tell as n / run do."""
    return np.repeat(300 + 60 * rng.normal(shift, 1, -(-n // run)), run)[:n].clip(0).astype(int)


def reference(rng, run):
    sketch = Sketch(PHASES)
    sketch.seen = PHASES.centre
    sketch.add(values(rng, PHASES.reference_until - 1, run))
    return sketch


@pytest.mark.parametrize("run", [1, 5, 20])
def test_windows_that_come_in_runs_count_once(run):
    found = [drift.inflation(reference(np.random.default_rng(s), run)) for s in range(20)]
    assert np.mean(found) == pytest.approx(run, rel=0.25)


@pytest.mark.parametrize("run", [1, 10])
def test_the_stated_rate_of_false_alarms_holds(run):
    rate, detector, rng = 0.05, drift.WeeklyKS(0.05), np.random.default_rng(5)
    alarms, weeks = 0, 0
    for _ in range(60):
        sketch = reference(rng, run)
        for _ in range(8):
            sketch.add(values(rng, 700, run))
            alarms += detector.judge(sketch).drifted
            weeks += 1
            sketch.end_week()
    assert 0 < alarms <= 1.5 * rate * weeks


def test_without_the_days_variance_runs_would_be_taken_for_drift(monkeypatch):
    """The control of the test above: windows counted as independent alarm many times as often."""
    monkeypatch.setattr(drift, "inflation", lambda sketch: 1.0)
    detector, rng, alarms = drift.WeeklyKS(0.05), np.random.default_rng(5), []
    for _ in range(30):
        sketch = reference(rng, 10)
        sketch.add(values(rng, 700, 10))
        alarms.append(detector.judge(sketch).drifted)
    assert np.mean(alarms) > 0.3


def test_a_change_is_found_and_its_size_counts():
    rng = np.random.default_rng(1)
    sketch = reference(rng, 5)
    small, large = [], []
    for shift, found in ((0.3, small), (1.5, large)):
        sketch.add(values(rng, 700, 5, shift))
        found.append(drift.WeeklyKS().judge(sketch))
        sketch.end_week()
    assert large[0].drifted
    assert large[0].statistic > small[0].statistic


def test_the_critical_value_gives_back_its_rate():
    for rate in (0.1, 1e-3, drift.RATE):
        assert drift.false_alarm_rate(drift.critical_value(rate)) == pytest.approx(rate, rel=1e-3)
    assert drift.critical_value(drift.RATE) > drift.critical_value(0.01)
    assert drift.critical_value(0.01, batches=5) > drift.critical_value(0.01, batches=50)
    with pytest.raises(EdgekitError, match="between 0 and 1"):
        drift.critical_value(0.0)


def test_what_cannot_be_judged_says_why():
    learning = drift.WeeklyKS().judge(Sketch(PHASES))
    assert not learning.drifted
    assert learning.why == "still learning"
    one = Sketch(PHASES)
    one.seen = 1
    one.add(np.zeros(PHASES.reference_until + 5, int))
    assert "one bin" in drift.WeeklyKS().judge(one).why
    with pytest.raises(EdgekitError, match="still learns"):
        drift.inflation(Sketch(PHASES))


def test_adwin_is_quiet_until_something_changes():
    rng, adwin = np.random.default_rng(0), drift.Adwin(0.002)
    assert not adwin.update(rng.normal(1, 0.1, 300)).drifted
    assert adwin.update(rng.normal(1.5, 0.1, 300)).drifted


def test_an_operating_curve_counts_each_alarm_and_its_intervals_hold_it():
    clean = np.zeros((50, 20))
    clean[0, :2], clean[1, 5] = 3.0, 5.0
    drifted = np.array([[1.0, 9.0, 9.0], [9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 0.0, 0.0]])
    table = drift.operating_curve(clean, drifted, (2.0, 4.0, 10.0))
    assert list(table.false_alarms) == [6.0, 2.0, 0.0]
    assert list(table.found) == [0.5, 0.5, 0.0]  # the third is found in the third week: too late
    assert (table.false_low <= table.false_alarms).all()
    assert (table.false_alarms < table.false_high).all()
    assert ((table.found_low <= table.found) & (table.found <= table.found_high)).all()


def test_a_day_is_made_of_consecutive_windows():
    recordings = [np.arange(10), np.arange(50, 54)]
    days = stream(recordings, np.random.default_rng(0), 30, Days(runs=4, length=5))
    assert days.shape == (30, 20)
    for run in days.reshape(-1, 5):
        own = recordings[0] if run[0] < 50 else recordings[1]
        at = list(own).index(run[0])
        assert list(run) == [own[(at + i) % len(own)] for i in range(5)]


def test_a_trial_finds_what_inputs_show_and_confidence_does_not():
    rng = np.random.default_rng(2)
    X = rng.normal(0, 20, (240, 30)).round().astype(np.int8)
    sure = rng.uniform(0.6, 1.0, 240)
    recordings = [np.arange(i, i + 40) for i in range(0, 240, 40)]
    seen = Answers(np.clip(X + 25, -128, 127).astype(np.int8), sure)
    device = Device(recordings, Answers(X, sure), {"offset": seen, "nothing": Answers(X, sure)})
    found = trial([device], Scale.fit(X), lives=3, day=Days(8, 6), weeks=9)
    critical = drift.critical_value()
    assert found.clean["KS distance"].shape == (3, 4)
    assert (found.drifted["offset"]["KS distance"] > critical).any(axis=1).all()
    assert not (found.drifted["offset"]["KS confidence"] > critical).any()
    assert not (found.drifted["nothing"]["KS distance"] > critical).any()
    with pytest.raises(EdgekitError, match="too few"):
        trial([device], Scale.fit(X), lives=1, weeks=6)
