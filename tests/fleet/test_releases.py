"""Releases by hand through the whole loop: packages, agents on the emulated core, canaries, and back."""

import re
import subprocess
import sys
from functools import partial

import httpx
import pytest
from sqlalchemy import select

from edgekit import fleet
from edgekit.cloud import privacy, tables
from edgekit.cloud.database import open_database, writing
from edgekit.cloud.objects import Objects
from edgekit.cloud.tables import commands, device_weeks, releases, rollouts
from edgekit.cloud.tokens import make_token
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import free_port
from edgekit.fleet import device_tier, week
from edgekit.fleet.desk import Process
from edgekit.fleet.loop import states
from edgekit.fleet.notice import result_of
from edgekit.rollout.waves import Policy
from tests.fleet.bad_releases import BEFORE, Owner, bad_release


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return Owner(tmp_path_factory.mktemp("ground")).prepare()


@pytest.fixture
def owner_of(ground, tmp_path, monkeypatch):
    """An Owner, with fewer windows on the core: that it counts as C does is `test_simulation`'s."""
    monkeypatch.setattr(device_tier, "EMULATED", 4)
    return partial(Owner, tmp_path, ground=ground)


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
    kind, said, owner_of, monkeypatch
):
    found = bad_release(owner_of(), kind, monkeypatch)
    assert found.state == "aborted"
    assert said in found.reason
    assert 0 < found.took <= found.canaries < 8
    assert found.longest <= 2
    assert found.left == 0


def press_abort(owner):
    """The dashboard in a process of its own: a login, and the form that its button sends."""
    engine, port = open_database(owner.own / "fleet.db"), free_port()
    with writing(engine) as connection:
        token = make_token(connection, "ann", "operator")
    engine.dispose()
    words = ["-m", "edgekit", "cloud", "serve", "--port", str(port), "--database"]
    words += [str(owner.own / "fleet.db"), "--objects", str(owner.own / "objects")]
    cloud = Process(words, owner.folder / "cloud.log", port)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser:
            browser.post("/login", data={"token": token})
            forms = re.findall(r"<form.*?</form>", browser.get("/").text, re.DOTALL)
            (form,) = (f for f in forms if 'value="abort"' in f)
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            answer = browser.post(re.search(r'action="([^"]+)"', form)[1], data=fields)
            assert "abort was asked for" in answer.text
    finally:
        cloud.kill()


def test_a_person_releases_and_aborts_from_other_processes_while_the_loop_runs(
    owner_of, tmp_path, monkeypatch
):
    """By the command line, and once more by the dashboard's button."""
    owner, done, said = owner_of(devices=4, weeks=8), [], []

    def say(line):
        if not line.startswith("week"):
            return
        done.append(line)
        if len(done) == BEFORE:
            (tmp_path / "mine.tflite").write_bytes(owner.model(seed=1))
            said.append(edgekit("fleet", "release", owner.own, tmp_path / "mine.tflite"))
        if len(done) == BEFORE + 1:
            said.append(edgekit("fleet", "rollout", owner.own, "abort"))
        if len(done) == BEFORE + 2:
            owner.give(owner.model(seed=2))
        if len(done) == BEFORE + 3:
            press_abort(owner)

    found = owner.simulate(say, monkeypatch)
    assert "the gate is not asked" in said[0]
    assert "asked: abort: at the next step" in said[1]
    with found.engine.connect() as c:
        asked = c.execute(select(commands.c.obeyed, commands.c.result)).all()
        assert asked == [(True, "aborted")] * 2
        w, r = device_weeks.c, rollouts.c
        for number, began in ((2, BEFORE), (3, BEFORE + 2)):
            assert set(c.scalars(select(w.week).where(w.release == number))) == {began + 1}
            assert c.scalar(select(r.reason).where(r.release == number)) == "asked for"
        assert {s.release for s in states(c).values()} == {1}


def test_a_device_that_was_away_for_three_releases_gets_the_newest_by_its_own_delta(
    owner_of, tmp_path, monkeypatch
):
    gone = (("device-002", frozenset(range(2, 8))),)
    owner, weeks = owner_of(devices=4, weeks=10, away=gone), 0

    def say(line):
        nonlocal weeks
        weeks += line.startswith("week")
        if line.startswith("week") and weeks in (2, 4, 6):
            owner.give(
                owner.model(seed=weeks % 4)
            )  # no new model that alarms more: it would be taken back

    plan = fleet.Plan(labels=0.0, rollout=Policy(labels=0, waves=(1.0,), patience_weeks=1))
    found = owner.simulate(say, monkeypatch, plan)
    with found.engine.connect() as c:
        states_of = dict(c.execute(select(releases.c.number, releases.c.state)).all())
        assert states_of == dict.fromkeys((1, 2, 3, 4), "released")
        assert {s.release for s in states(c).values()} == {4}
        w = device_weeks.c
        mine = dict(c.execute(select(w.week, w.release).where(w.device == "device-002")).all())
        assert mine == {0: 1, 1: 1, 8: 1, 9: 4}


def test_who_is_forgotten_leaves_the_fleet_and_the_loop_goes_on_without_a_trace(
    owner_of, tmp_path, monkeypatch
):
    """One between two weeks, one while its release is being delivered to it."""
    owner, done, deliver = owner_of(devices=4, weeks=4), [], week.STEPS["deliver"]
    first, second, gone = "device-001", "device-004", []

    def forget(name):
        engine = open_database(owner.own / "fleet.db")
        privacy.forget(engine, Objects(owner.own / "objects"), name)
        engine.dispose()
        gone.append(name)

    def delivering(connection, loop, now):
        if now == 1 and first not in gone:
            assert first in result_of(connection, now, "roll out")["orders"]
            forget(first)
        return deliver(connection, loop, now)

    def say(line):
        done.append(line.startswith("week"))
        if sum(done) == 1 and done[-1]:
            owner.give(owner.model(seed=1))
        if sum(done) == 2 and done[-1]:
            forget(second)

    monkeypatch.setattr(week, "STEPS", {**week.STEPS, "deliver": delivering})
    plan = fleet.Plan(labels=0.2, rollout=Policy(labels=0, waves=(1.0,), canaries=4))
    found = owner.simulate(say, monkeypatch, plan)
    assert gone == [first, second]
    assert list(found.summary.weeks.devices) == [2, 2, 2, 2]
    with found.engine.connect() as c:
        left = "".join(str(c.execute(select(t)).all()) for t in tables.metadata.sorted_tables)
        assert {s.release for s in states(c).values()} == {2}
        assert c.scalar(select(rollouts.c.state)) == "done"
    kept = [str(p.relative_to(owner.own)) for p in (owner.own / "objects").rglob("*")]
    for name in gone:
        assert name not in left
        assert not [p for p in kept if privacy.owner(name) in p]


def test_a_model_given_beforehand_goes_from_canaries_to_all_and_once(tmp_path, monkeypatch):
    monkeypatch.setattr(device_tier, "EMULATED", 4)
    owner = Owner(tmp_path, devices=4, weeks=5)
    owner.prepare()
    mine = {1: owner.model(seed=1)}
    plan = fleet.Plan(labels=0.0, rollout=Policy(labels=0, waves=(0.25, 1.0)))
    found = owner.simulate(lambda _: None, monkeypatch, plan, mine)
    spread = fleet.spread(found.engine, 2)
    weeks = [c for c in spread if c.startswith("week")]
    canaries = spread[spread.wave == 0]
    assert 0 < len(canaries) < 4
    assert list(spread.state) == ["confirmed"] * 4
    for column, who in zip(
        weeks, ((), (), canaries.index, spread.index, spread.index), strict=True
    ):
        assert set(spread.index[spread[column] == 2]) == set(who), column
    owner.simulate(lambda _: None, monkeypatch, plan, mine)  # nothing is given twice
    with found.engine.connect() as c:
        assert c.scalars(select(releases.c.state)).all() == ["released", "released"]
    with pytest.raises(EdgekitError, match="another simulation"):
        owner.simulate(lambda _: None, monkeypatch, plan, {1: owner.model(seed=2)})
    with pytest.raises(EdgekitError, match="rolls nothing out"):
        owner.simulate(lambda _: None, monkeypatch, fleet.Plan("frozen"), mine)


def test_what_is_no_model_is_refused_in_one_line_and_nothing_waits(owner_of, monkeypatch):
    owner, refused = owner_of(devices=1, weeks=1), []

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
