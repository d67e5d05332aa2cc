"""Detectors that know only healthy data, thresholds with a price, hours that are left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.monitor import alarm, anomaly, trend
from edgekit.monitor.alarm import Cost

COST = Cost(missed=4_000, false_alarm=150, prior=0.02)


def plant(recordings: int = 8, windows: int = 20, away: float = 2.0, seed: int = 0):
    """(n, 6) features of as many healthy as faulty recordings, faulty (n,), group (n,)."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(1).normal(size=(6, 6))  # the same machines for every seed
    n = 2 * recordings * windows
    faulty = np.arange(n) >= n // 2
    group = np.array([f"r{i // windows:02d}" for i in range(n)])
    return rng.normal(size=(n, 6)) @ mix + away * faulty[:, None] * mix[0] + 5, faulty, group


# -------------------------------------------------------------------------------- detectors


def test_gaussian_is_one_where_healthy_and_does_not_care_about_units():
    table, faulty, _ = plant()
    detector = anomaly.gaussian(table[~faulty])
    assert np.median(detector.score(table[~faulty])) == pytest.approx(1, abs=0.25)
    assert detector.score(table[faulty]).mean() > detector.score(table[~faulty]).mean() + 0.15
    assert (detector.score(table + 1000) > 50).all()


def test_compare_never_hears_a_fault_nor_the_recording_it_is_judged_by():
    table, faulty, group = plant(recordings=3, away=4)
    fitted_on = []

    def spy(healthy):
        fitted_on.append(healthy)
        return anomaly.gaussian(healthy)

    found = anomaly.compare(table, faulty, group, {"spy": spy}).iloc[0]
    rows = {tuple(row) for row in table[faulty]}
    assert len(fitted_on) == found.turns == 3
    for out, healthy in zip(np.unique(group[~faulty]), fitted_on, strict=True):
        assert not rows & {tuple(row) for row in healthy}
        assert not {tuple(r) for r in table[group == out]} & {tuple(row) for row in healthy}
    assert 0.6 < found.lowest <= found.windows <= 1


def test_compare_needs_two_healthy_recordings_and_a_fault():
    table, faulty, group = plant(recordings=2)
    one = faulty | (group == "r00")
    with pytest.raises(EdgekitError, match="two healthy"):
        anomaly.compare(table[one], faulty[one], group[one], {"g": anomaly.gaussian})
    with pytest.raises(EdgekitError, match="0 faulty"):
        anomaly.compare(table[~faulty], faulty[~faulty], group[~faulty], {"g": anomaly.gaussian})


def test_too_little_or_broken_data_is_refused():
    for bad in (np.zeros((3, 6)), np.full((40, 6), np.nan), np.zeros(40)):
        with pytest.raises(EdgekitError):
            anomaly.gaussian(bad)


def test_autoencoder_notices_faults_in_eight_bits_too():
    rng = np.random.default_rng(0)
    code, draw = rng.normal(size=(500, 2)), rng.normal(size=(2, 12))
    healthy = code @ draw + 0.1 * rng.normal(size=(500, 12)) + 3
    strange = healthy[:50] + rng.normal(size=(50, 12))
    detector = anomaly.autoencoder(healthy[:400], seed=0, code=3, epochs=20)
    normal, odd = detector.score(healthy[400:]), detector.score(strange)
    assert np.median(normal) == pytest.approx(1, abs=0.4)
    assert np.median(odd) > 2 * np.median(normal)
    small = detector.tflite(healthy[:400])
    rounded, _ = detector.score_int8(small, np.concatenate([healthy[400:], strange]))
    assert np.corrcoef(rounded, np.concatenate([normal, odd]))[0, 1] > 0.98


# -------------------------------------------------------------------------------- thresholds


def scores(seed: int, n: int = 60):
    rng = np.random.default_rng(seed)
    faulty = np.arange(n) >= n // 2
    return rng.gamma(8, 0.125, n) + 0.7 * faulty, faulty, np.array([f"r{i}" for i in range(n)])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    missed=st.floats(1, 1e5),
    false_alarm=st.floats(1, 1e5),
    prior=st.floats(0.001, 0.9),
)
def test_no_threshold_is_cheaper_than_the_chosen_one(seed, missed, false_alarm, prior):
    score, faulty, _ = scores(seed)
    cost = Cost(missed, false_alarm, prior)
    chosen = alarm.choose(score, faulty, cost)

    def paid(t):
        return cost.expected((score[faulty] <= t).mean(), (score[~faulty] > t).mean())

    everywhere = [paid(t) for t in [score.min() - 1, *score, score.max() + 1]]
    assert paid(chosen) <= min(everywhere) * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_dearer_faults_never_raise_the_threshold(seed):
    score, faulty, _ = scores(seed)
    chosen = [alarm.choose(score, faulty, Cost(m, 150, 0.02)) for m in (500, 5_000, 50_000)]
    assert chosen[0] >= chosen[1] >= chosen[2]


def test_the_curve_is_what_price_says_at_each_threshold():
    score, faulty, group = scores(3)
    curve = alarm.curve(score, faulty, group, COST, draws=100)
    assert (curve.low <= curve.cost + 1e-9).all()
    assert (curve.cost <= curve.high + 1e-9).all()
    for row in curve.iloc[::10].itertuples():
        paid = alarm.threshold_cost(score, faulty, group, row.threshold, COST, draws=20)
        assert paid.cost == pytest.approx(row.cost)
        assert paid.missed == pytest.approx(row.missed)
    assert curve.cost.iloc[0] == pytest.approx(0.98 * 150)  # alarm always
    assert curve.cost.iloc[-1] == pytest.approx(0.02 * 4_000)  # alarm never


def test_many_windows_of_one_recording_are_one_witness():
    score, faulty, group = scores(4)
    repeated = [np.repeat(v, 30) for v in (score, faulty, group)]
    one, many = (
        alarm.threshold_cost(*v, 1.3, COST, seed=1) for v in ((score, faulty, group), repeated)
    )
    assert many.high - many.low == pytest.approx(one.high - one.low)


def test_nothing_missed_is_not_never():
    score, faulty, group = scores(5)
    paid = alarm.threshold_cost(score + 10 * faulty, faulty, group, 5.0, COST)
    assert (paid.missed, paid.missed_below) == (0, pytest.approx(3 / 30))


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Cost(0, 1, 0.1),
        lambda: Cost(1, 1, 1.0),
        lambda: Cost(1, float("nan"), 0.1),
        lambda: alarm.choose([1, 2], [True, True], COST),
        lambda: alarm.choose([1, np.nan], [True, False], COST),
        lambda: alarm.choose([], [], COST),
    ],
)
def test_what_cannot_be_priced_is_refused(bad):
    with pytest.raises(EdgekitError):
        bad()


# -------------------------------------------------------------------------------- what is left


def life(seed: int, rate: float | None = None) -> trend.Life:
    """Exponential damage whose logarithm is seen through noise; fails at damage 1."""
    rng = np.random.default_rng(seed)
    hours = np.linspace(0, 500, 60)
    rate = rate or rng.uniform(0.012, 0.02)
    severity = np.where(hours > 200, np.exp(rate * (hours - 500)), 0.0)
    health = 1 + 5 * severity * np.exp(0.05 * rng.normal(size=60)) + 0.05 * rng.random(60)
    return trend.Life(hours, health, 500.0, severity)


@pytest.fixture(scope="module")
def growth():
    return trend.learn_growth([life(s) for s in range(8)], threshold=1.4)


def test_hours_left_are_about_right_and_the_interval_holds(growth):
    found = trend.evaluate(growth, [life(s) for s in range(20, 32)])
    late = found[found.lam > 0.5]
    assert (late.middle - late.left).abs().mean() < 25
    assert 0.6 < found.covered.mean() <= 1
    assert ((found.low <= found.middle) & (found.middle <= found.high)).all()


def test_nothing_is_predicted_before_the_fault_is_noticed(growth):
    sound = life(3)
    assert growth.remaining(sound.hours[:20], sound.health[:20]) is None


def test_a_prediction_knows_only_the_past(growth):
    one = life(40)
    before = growth.remaining(one.hours[:50], one.health[:50])
    changed = one.health.copy()
    changed[50:] = 1e3
    assert growth.remaining(one.hours[:50], changed[:50]) == before


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_damage_does_not_heal(values):
    smooth = trend.monotone(np.array(values))
    assert (np.diff(smooth) >= -1e-9).all()
    assert smooth.mean() == pytest.approx(np.mean(values), abs=1e-6)


def test_onset_waits_for_a_second_reading():
    assert trend.onset([1, 3, 1, 3, 3, 1], 2) == 4
    assert trend.onset([1, 3, 1, 3, 1], 2) is None


def test_few_lives_are_refused():
    with pytest.raises(EdgekitError, match="three or more"):
        trend.learn_growth([life(0), life(1)], 1.4)


def test_an_indicator_rises_with_the_fault_of_a_simulated_machine():
    from edgekit import usecases
    from edgekit.core.workspace import Workspace
    from edgekit.simulators import bearings

    case = usecases.load("bearing", Workspace.find().folder)
    snapshots = bearings.run_to_failure("outer", 14, 0.5, 0.4, seed=7)
    followed = trend.follow(snapshots, case, hours=100.0, healthy=5)
    assert np.median(followed.health[:7]) == pytest.approx(1, abs=0.4)
    assert followed.health[-1] > 2.5
    assert followed.hours[-1] == followed.end == 100
