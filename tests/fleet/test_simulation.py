"""The weekly loop, whole: killed in any of its steps, it goes on and comes to the same."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import select

from edgekit import fleet
from edgekit.cloud import tables
from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.data import Windows, by_group
from edgekit.emulate.samples import sensor_samples
from edgekit.fleet import week
from edgekit.fleet.device_tier import Site
from edgekit.fleet.objects import Objects
from edgekit.fleet.origin import origin_of
from edgekit.fleet.world import GATE, TRAIN, WorldSpec, load_world
from edgekit.view import label_fleet

HERE = {"use_case": "bearing", "devices": 4, "weeks": 4, "offline": True, "seed": 1}
PLAN = fleet.Plan("loop", labels=0.2)
KEPT = ("device_weeks", "releases", "samples", "rollouts", "rollout_devices", "device_states")


class Killed(BaseException):
    pass


def at_once(do, *arguments):
    return do(*arguments)


def run(folder, **more):
    return fleet.simulate(
        **HERE, plan=PLAN, folder=folder, train=at_once, say=lambda _: None, **more
    )


def rows(folder):
    engine = open_database(folder / "loop" / "fleet.db")
    with engine.connect() as connection:
        kept = {n: connection.execute(select(getattr(tables, n))).all() for n in KEPT}
        t = tables.steps.c
        kept["steps"] = connection.execute(select(t.week, t.name, t.result)).all()
    engine.dispose()
    return {name: sorted(map(repr, found)) for name, found in kept.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    return folder, run(folder)


def test_killed_in_each_of_its_steps_it_comes_to_the_same(undisturbed, tmp_path, monkeypatch):
    folder, _ = undisturbed
    (tmp_path / "world").symlink_to(folder / "world")  # what all policies share is not made again
    killed = []

    def dying(name, step):
        def once(*arguments):
            result = step(*arguments)
            if name not in killed:
                killed.append(name)
                raise Killed
            return result

        return once

    monkeypatch.setattr(week, "STEPS", {n: dying(n, s) for n, s in week.STEPS.items()})
    for _ in week.STEPS:
        with pytest.raises(Killed):
            run(tmp_path)
    run(tmp_path)
    assert killed == list(week.STEPS)
    assert rows(tmp_path) == rows(folder)


def test_what_runs_on_the_core_is_counted_and_labels_are_within_the_plan(undisturbed):
    weeks = undisturbed[1].summary.weeks
    assert (weeks.emulated == 20 * weeks.devices).all()
    assert 0 < undisturbed[1].summary.labelled_share <= PLAN.labels


def test_windows_that_travel_keep_their_use_and_each_sketch_goes_on_from_its_own_bytes(undisturbed):
    folder, done = undisturbed
    spec = WorldSpec(**HERE, folder=Workspace.find().folder)
    site = Site(spec, folder / "world", folder / "loop" / "objects")
    firmware, world, objects = site.program().firmware, site.load(), Objects(site.objects)
    with done.engine.connect() as connection:
        sent = connection.execute(select(tables.samples)).all()
        kept = connection.execute(select(tables.device_states.c.sketch)).scalars().all()
    assert {s.reason for s in sent} == {"random", "uncertain", "novel"}
    for s in sent:
        seen = world.week(world.device(s.device), s.week)
        data = sensor_samples(firmware.step, firmware.sensitivity, seen.X)
        (row,) = (i for i, x in enumerate(data) if x.tobytes() == objects.get(s.object))
        assert world.uses(seen)[row] == (GATE if s.reason == "random" else TRAIN)
    plan = site.sketch_plan()
    assert any(plan.restore(state)[0].learnt for state in kept)


def test_a_person_is_shown_what_a_device_sensed_and_it_is_kept_who_said_what(undisturbed):
    folder, done = undisturbed
    work = label_fleet(done, "ann")
    sample, shown = work.sample, work.recording().samples
    world = Site(WorldSpec(**HERE, folder=Workspace.find().folder), folder / "world", folder).load()
    seen = world.week(world.device(sample.device), sample.week).X
    near = np.abs(seen - shown).max(axis=(1, 2)) < 0.01 * np.abs(shown).max()
    assert near.sum() == 1
    work.answer(done.use_case.CLASSES[0])
    with done.engine.connect() as connection:
        (again,) = (s for s in done.queue(connection).all() if s.id == sample.id)
    assert again.said["ann"] == done.use_case.CLASSES[0]
    assert len(again.said) == PLAN.labellers + 1
    work.undo()


def test_a_detector_that_finds_more_alarms_more_often_for_nothing(undisturbed):
    curves = fleet.operating_curves(undisturbed[1].site, lives=4)
    assert len(curves) > 1
    for table in curves.values():
        by_threshold = table.sort_values("threshold")
        assert (np.diff(by_threshold.found) <= 0).all()
        assert (np.diff(by_threshold.false_alarms) <= 0).all()
        assert by_threshold.found.iloc[-1] == by_threshold.false_alarms.iloc[-1] == 0
    assert (curves["KS distance"].query("false_alarms == 0").found > 0).any()


def test_the_fleet_of_a_run_watches_what_its_release_never_met(undisturbed, tmp_path):
    windows = Windows.load(undisturbed[0] / "world" / "train.npz")
    split, program = by_group(windows, seed=0), tmp_path / "device.zip"
    program.write_bytes(b"a program")
    kept = {
        "field.npz": windows,
        "split.json": split,
        "model.json": SimpleNamespace(input="features"),
    }
    run = SimpleNamespace(directory=tmp_path, load=kept.__getitem__, file=lambda _: program)
    origin = origin_of(run)
    assert set(origin.others.group) == set(windows.group[split.test])
    assert not set(origin.others.origin) & set(origin.made_of.origin)
    assert len(origin.others) + len(origin.made_of) == len(windows)
    program.write_bytes(b"another")
    assert origin_of(run).digest != origin.digest


def test_no_device_senses_a_group_that_the_first_release_was_made_of(undisturbed):
    folder, _ = undisturbed
    spec = WorldSpec(**HERE, folder=Workspace.find().folder)
    made_of = set(Windows.load(folder / "world" / "train.npz").group)
    world = load_world(spec, folder / "world" / "pool.npz")
    sensed = {g for d in world.devices for w in range(4) for g in world.week(d, w).group}
    assert sensed
    assert not sensed & made_of


def test_a_folder_is_one_simulations_and_a_name_that_is_none_makes_no_folder(
    undisturbed, tmp_path, monkeypatch
):
    folder, _ = undisturbed
    with pytest.raises(EdgekitError, match="holds another simulation"):
        fleet.simulate(**{**HERE, "seed": 2}, plan=PLAN, folder=folder, train=at_once)
    monkeypatch.setenv("EDGEKIT_RUNS", str(tmp_path / "runs" / "here"))
    with pytest.raises(EdgekitError, match="no use case"):
        fleet.simulate("../../outside", plan=PLAN, train=at_once)
    assert not list(tmp_path.iterdir())
    assert json.loads((folder / "world" / "world.json").read_text())["seed"] == 1


def test_a_step_is_not_tried_for_ever_where_devices_are_forgotten_faster(tmp_path, monkeypatch):
    engine = open_database(tmp_path / "fleet.db")
    left = iter(range(100))
    monkeypatch.setattr(week, "fleet", lambda *_: next(left))  # each look finds another fleet
    tried = []
    with pytest.raises(
        EdgekitError, match=r"week 4, label: .*5 times in a row; .*goes on from here"
    ):
        week.run_step(SimpleNamespace(engine=engine), 3, "label", lambda *_: tried.append(1) or {})
    assert len(tried) == week.TRIES
    monkeypatch.setattr(week, "fleet", lambda *_: 0)
    assert week.run_step(SimpleNamespace(engine=engine), 3, "label", lambda *_: {"n": 1}) == {
        "n": 1
    }
    engine.dispose()
