"""Of whom a simulated fleet is made: nobody in it helped to make its first release, and no label leaks."""

from pathlib import Path

import numpy as np
import pytest

from edgekit import usecases
from edgekit.data import Windows
from edgekit.fleet.world import USES, WorldSpec, make_world, populate, subjects
from edgekit.monitor.drift_trial import Days


@pytest.fixture(scope="module", params=["activity", "bearing", "ecg", "people", "weeds"])
def made(request):
    spec = WorldSpec(request.param, "quick", offline=True, devices=8, weeks=10, folder=Path.cwd())
    first, pool = populate(spec)
    return first, pool, make_world(spec, pool)


def test_no_device_watches_what_the_first_release_was_made_of(made):
    first, pool, _ = made
    assert not set(first.group) & set(pool.group)


def test_the_fleet_senses_every_class_and_each_device_windows_of_every_use(made):
    _, pool, world = made
    watched = set()
    for device in world.devices:
        watched |= set(world.pool[device.watches].y)
        assert set(world.uses(world.week(device, 3))) == set(USES)
    assert watched == set(range(len(pool.classes)))


def test_half_of_the_windows_are_held_and_a_quarter_is_trained_on(made):
    _, _, world = made
    uses = np.concatenate([world.uses(w) for w in world.pool.values()])
    shares = np.bincount(uses) / len(uses)
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.06)


def test_windows_of_one_use_share_nothing_with_those_of_another(made):
    """Of a place, a whole recording has one use; of others, no sample is in windows of two."""
    _, _, world = made
    place = usecases.load(world.spec.use_case, Path.cwd()).PLACE
    for watched in world.pool.values():
        uses, length = world.uses(watched), watched.X.shape[1]
        start = np.array([int(str(o).rpartition("@")[2]) for o in watched.origin])
        for name in np.unique(watched.recording):
            own = np.flatnonzero(watched.recording == name)
            near = np.abs(start[own][:, None] - start[own]) < (1_000_000 if place else length)
            assert not (near & (uses[own][:, None] != uses[own])).any()


def test_who_has_more_bearings_in_one_state_than_in_another_uses_them_all_each_state_as_often():
    group = np.repeat(["new-1", "new-2", *(f"worn-{i}" for i in range(1, 6))], 6)
    y = np.where(np.char.startswith(group, "new"), 0, 1)
    origin = np.array([f"{g}@{8 * (i % 6)}" for i, g in enumerate(group)])
    windows = Windows(
        np.zeros((len(y), 8, 1), np.float32), y, ("new", "worn"), group,
        np.full(len(y), "field"), origin, 10.0,
    )  # fmt: skip
    machines = subjects(windows)
    assert len(machines) == 2
    assert {str(g) for rows in machines.values() for g in group[rows]} == set(group)
    for rows in machines.values():
        assert np.bincount(y[rows]).tolist() == [6, 6]


def test_a_device_hears_its_own_windows_as_its_duty_says_and_no_week_twice(made):
    _, _, world = made
    day = Days(runs=5, length=4)
    for device in world.devices:
        n = len(world.pool[device.watches])
        first, second = (world.heard(device, week, day) for week in (1, 2))
        runs = first.reshape(-1, day.length)
        assert len(first) == 7 * day.windows
        assert (np.diff(runs, axis=1) % n == 1).all()
        assert (first != second).any()
        assert (first == world.heard(device, 1, day)).all()
