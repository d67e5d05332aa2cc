"""Releases by hand through the whole loop: packages, agents on the emulated core, canaries, and back."""

import subprocess
import sys

import pytest
from sqlalchemy import select

from edgekit import fleet
from edgekit.cloud.tables import commands, device_weeks, releases, rollouts
from edgekit.core.errors import EdgekitError
from edgekit.fleet.loop import states
from edgekit.fleet.simulation import prepare
from edgekit.rollout.waves import Policy
from tests.fleet.bad_releases import BEFORE, Owner, bad_release


def edgekit(*words):
    """In a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "edgekit", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("kind", "said"), [("wrong", "agreement"), ("crash", "three boots without a verdict")]
)
def test_a_bad_release_reaches_the_canaries_alone_and_they_are_back(
    kind, said, tmp_path, monkeypatch
):
    found = bad_release(Owner(tmp_path), kind, monkeypatch)
    assert found.state == "aborted"
    assert said in found.reason
    assert 0 < found.took <= found.canaries < 8
    assert found.longest <= 2
    assert found.left == 0


def test_a_person_releases_and_aborts_from_other_processes_while_the_loop_runs(
    tmp_path, monkeypatch
):
    owner, done, said = Owner(tmp_path, devices=4, weeks=6), [], []

    def say(line):
        if not line.startswith("week"):
            return
        done.append(line)
        if len(done) == BEFORE:
            (tmp_path / "mine.tflite").write_bytes(owner.model(seed=1))
            said.append(edgekit("fleet", "release", owner.own, tmp_path / "mine.tflite"))
        if len(done) == BEFORE + 1:
            said.append(edgekit("fleet", "rollout", owner.own, "abort"))

    found = owner.simulate(say, monkeypatch)
    assert "the gate is not asked" in said[0]
    assert "asked: abort: at the next step" in said[1]
    with found.engine.connect() as c:
        assert c.execute(select(commands.c.obeyed, commands.c.result)).all() == [(True, "aborted")]
        w = device_weeks.c
        assert set(c.scalars(select(w.week).where(w.release == 2))) == {BEFORE + 1}
        assert c.scalar(select(rollouts.c.reason)) == "asked for"
        assert {s.release for s in states(c).values()} == {1}


def test_a_device_that_was_away_for_three_releases_gets_the_newest_by_its_own_delta(
    tmp_path, monkeypatch
):
    gone = (("device-002", frozenset(range(2, 8))),)
    owner, weeks = Owner(tmp_path, devices=4, weeks=10, away=gone), 0

    def say(line):
        nonlocal weeks
        weeks += line.startswith("week")
        if line.startswith("week") and weeks in (2, 4, 6):
            owner.give(owner.model(seed=weeks))

    plan = fleet.Plan(labels=0.0, rollout=Policy(labels=0, waves=(1.0,), patience_weeks=1))
    found = owner.simulate(say, monkeypatch, plan)
    with found.engine.connect() as c:
        states_of = dict(c.execute(select(releases.c.number, releases.c.state)).all())
        assert states_of == dict.fromkeys((1, 2, 3, 4), "released")
        assert {s.release for s in states(c).values()} == {4}
        w = device_weeks.c
        mine = dict(c.execute(select(w.week, w.release).where(w.device == "device-002")).all())
        assert mine == {0: 1, 1: 1, 8: 1, 9: 4}


def test_a_model_given_beforehand_goes_from_canaries_to_all_and_once(tmp_path, monkeypatch):
    owner = Owner(tmp_path, devices=4, weeks=5)
    prepare(tmp_path, owner.spec, lambda *_: owner.model(), say=lambda _: None)
    mine = {1: owner.model(seed=1)}
    plan = fleet.Plan(labels=0.0, rollout=Policy(labels=0, waves=(0.25, 1.0)))
    found = owner.simulate(lambda _: None, monkeypatch, plan, mine)
    spread = fleet.spread(found.engine, 2)
    weeks = [c for c in spread if c.startswith("week")]
    canaries = spread[spread.wave == 0]
    assert 0 < len(canaries) < 4
    assert list(spread.state) == ["confirmed"] * 4
    for week, who in zip(weeks, ((), (), canaries.index, spread.index, spread.index), strict=True):
        assert set(spread.index[spread[week] == 2]) == set(who), week
    owner.simulate(lambda _: None, monkeypatch, plan, mine)  # nothing is given twice
    with found.engine.connect() as c:
        assert c.scalars(select(releases.c.state)).all() == ["released", "released"]
    with pytest.raises(EdgekitError, match="another simulation"):
        owner.simulate(lambda _: None, monkeypatch, plan, {1: owner.model(seed=2)})
    with pytest.raises(EdgekitError, match="rolls nothing out"):
        owner.simulate(lambda _: None, monkeypatch, fleet.Plan("frozen"), mine)


def test_what_is_no_model_is_refused_in_one_line_and_nothing_waits(tmp_path, monkeypatch):
    owner, refused = Owner(tmp_path, devices=1, weeks=1), []

    def say(line):
        if line.startswith("week"):
            with pytest.raises(EdgekitError) as error:
                owner.give(b"no model at all")
            refused.append(str(error.value))

    found = owner.simulate(say, monkeypatch)
    assert refused
    assert "\n" not in refused[0]
    with found.engine.connect() as c:
        assert c.scalars(select(releases.c.number)).all() == [1]
