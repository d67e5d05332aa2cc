"""The weekly loop, whole: killed in any of its steps, it goes on and comes to the same."""

import json

import pytest
from sqlalchemy import select

from edgekit import fleet
from edgekit.cloud import tables
from edgekit.cloud.database import open_database
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.data import Windows
from edgekit.emulate.samples import sensor_samples
from edgekit.fleet import week
from edgekit.fleet.device_tier import Site
from edgekit.fleet.objects import Objects
from edgekit.fleet.world import GATE, TRAIN, WorldSpec, load_world

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
