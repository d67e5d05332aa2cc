"""A device beside its own weeks before, and beside devices that changed nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import insert

from edgekit.cloud.tables import device_weeks
from edgekit.rollout.health import Excess, Health, Vitals, read
from edgekit.rollout.judgement import judge
from tests.rollout import fleets

ALPHA = 0.02


def weeks(rng, release_at=None, n=6, **change) -> tuple[Vitals, ...]:
    """Weeks 0 … n - 1; from `release_at` on with release 2 and what it changed."""
    made = []
    for week in range(n):
        r = rng.normal(0, 0.02, 4)
        v = Vitals(week, 1, 70, 0.2 + r[0], 0.2 + r[1], 0.9 + r[2], 7000 * np.exp(r[3]))
        if release_at is not None and week >= release_at:
            v = replace(v, release=2, **{k: f(getattr(v, k)) for k, f in change.items()})
        made.append(v)
    return tuple(made)


def fleet(taking=3, beside=12, plant=None, **change) -> dict[str, Health]:
    rng = np.random.default_rng(0)
    made = {f"new{i}": Health("c", weeks(rng, 5, **change)) for i in range(taking)}
    made |= {f"old{i}": Health("c", weeks(rng)) for i in range(beside)}
    if plant:

        def changed(last):
            return replace(last, **{k: f(getattr(last, k)) for k, f in plant.items()})

        made = {
            d: Health(h.cohort, (*h.weeks[:-1], changed(h.weeks[-1]))) for d, h in made.items()
        }  # fmt: skip
    return made


def found(health, alpha=ALPHA):
    return judge(health, 2, [d for d in health if d.startswith("new")], alpha)


def test_a_good_release_is_well():
    assert not found(fleet()).ill
    assert not found(fleet()).release
    assert not found(fleet()).unjudged


@pytest.mark.parametrize(
    ("measure", "worse", "said"),
    [
        ("agreement", lambda a: a - 0.4, "agreement"),
        ("energy_mj", lambda e: 2 * e, "energy a window 2.0"),
        ("boots", lambda b: b + 6, "boots"),
        ("selftest", lambda _: False, "self-test"),
    ],
)
def test_each_fault_is_seen_on_each_device(measure, worse, said):
    judgement = found(fleet(**{measure: worse}))
    assert set(judgement.ill) == {"new0", "new1", "new2"}
    assert all(said in text for text in judgement.ill.values())


def test_what_happens_to_all_is_not_blamed_on_the_release():
    worse = {
        "agreement": lambda a: a - 0.4,
        "energy_mj": lambda e: 2 * e,
        "alarm_rate": lambda a: a + 0.5,
    }
    assert not found(fleet(plant=worse)).ill
    alone = found(fleet(beside=0, taking=1, plant=worse))
    assert alone.ill
    assert "no device beside it" in alone.ill["new0"]


@pytest.mark.parametrize("when", [4, 5, 6, 7])
def test_what_happens_to_all_is_not_blamed_on_a_release_that_all_have_either(when):
    """Canaries have it since week 4, the rest since week 5; then or later the whole plant changes."""
    rng, made = np.random.default_rng(1), {}
    for i in range(14):
        own = weeks(rng, 4 if i < 4 else 5, n=8)
        changed = [replace(v, agreement=v.agreement - 0.4 * (v.week >= when)) for v in own]
        for last in range(4, 8):
            made.setdefault(last, {})[f"new{i}"] = Health("c", tuple(changed[: last + 1]))
    for last, health in made.items():
        judgement = judge(health, 2, [d for d in health if last > 4 or d < "new4"], ALPHA)
        assert not judgement.ill
        assert not judgement.release


def test_a_fault_of_many_is_seen_that_is_too_small_on_one():
    judgement = found(fleet(taking=8, agreement=lambda a: a - 0.14), alpha=1e-4)
    assert "all that took it: agreement" in judgement.release


def test_a_drift_of_the_inputs_says_nothing_of_the_release():
    change = {"distance": lambda d: d + 0.4, "agreement": lambda a: a - 0.4}
    health = fleet(taking=2) | {"new9": Health("c", weeks(np.random.default_rng(9), 5, **change))}
    judgement = found(health)
    assert not judgement.ill
    assert not judgement.release
    assert judgement.unjudged == {"new9": "its inputs changed: not judged"}
    assert "inputs of 3 of 3 changed" in found(fleet(**change)).release  # of all, it does


def test_more_alarms_are_no_fault_while_the_gateway_agrees():
    assert not found(fleet(alarm_rate=lambda a: a + 0.4)).ill
    blind = {d: Health(h.cohort, tuple(replace(v, agreement=None) for v in h.weeks))
             for d, h in fleet(alarm_rate=lambda a: a + 0.4).items()}  # fmt: skip
    assert "alarm rate" in found(blind).ill["new0"]


def test_labels_of_its_own_outweigh_the_gateway_and_nothing_else():
    health = fleet(taking=2, agreement=lambda a: a - 0.5)
    assert "new0" in found(health).ill
    better = judge(health, 2, ["new0", "new1"], 0.02, better=["new0"])
    assert set(better.ill) == {"new1"}
    hungry = fleet(taking=2, energy_mj=lambda e: 2 * e)
    assert "new0" in judge(hungry, 2, ["new0", "new1"], 0.02, better=["new0"]).ill


def test_a_device_without_weeks_before_proves_nothing_alone():
    health = fleet(taking=1, beside=0)
    new = {"new0": Health("c", health["new0"].weeks[-1:])}
    assert "not judged" in found(new).unjudged["new0"]
    new |= {f"old{i}": Health("c", weeks(np.random.default_rng(i))) for i in range(2)}
    assert "not judged" in found(new).unjudged["new0"]  # two and itself are not three
    beside = {d: Health("c", h.weeks[-1:]) for d, h in fleet(agreement=lambda a: a - 0.5).items()}
    assert "agreement" in found(beside).ill["new0"]  # others show what is usual


def test_p_is_students():
    from scipy.stats import t

    e = Excess(0.5, 0.1, 7, 8)
    assert e.p(1) == pytest.approx(t.sf(0.5 / (0.1 * np.sqrt(1 + 1 / 8)), 7))
    assert e.p(0, 4) == pytest.approx(2 * t.sf(0.5 / (0.1 * np.sqrt(1 / 4 + 1 / 8)), 7))
    assert e.p(-1) == pytest.approx(1 - e.p(1))


def test_health_is_read_from_the_weeks_of_the_service():
    row = {"cohort": "c", "windows": 7, "right": 7, "distance": 0.1, "drifted": False, "alarm_rate": 0.2,
           "agreement": None, "bytes_up": 1, "bytes_down": 1, "energy_mj": 3.0, "boots": 2}  # fmt: skip
    engine = fleets.database()
    with engine.begin() as connection:
        rows = [dict(row, device=d, week=w, release=1) for d, w in (("a", 3), ("a", 4), ("b", 3))]
        connection.execute(insert(device_weeks), rows)
        seen = read(connection, 4)
    assert list(seen) == ["a"]  # b was not seen in week 4
    assert seen["a"].weeks == tuple(Vitals(w, 1, 7, 0.1, 0.2, None, 3.0, 2) for w in (3, 4))


def test_weeks_with_a_release_that_was_withdrawn_are_no_measure_of_the_next():
    agreement = {0: 0.90, 1: 0.91, 2: 0.89, 3: 0.90, 4: 0.40, 5: 0.90, 6: 0.40}
    release = {4: 2, 6: 3}
    weeks = tuple(Vitals(w, release.get(w, 1), 70, 0.2, 0.2, a, 7.0) for w, a in agreement.items())
    health = {"d": Health("c", weeks)}
    assert not judge(health, 3, ["d"], 1e-4).ill
    assert judge(health, 3, ["d"], 1e-4, {2}).ill["d"].startswith("agreement")
