"""Simulated people: physics that any inertial sensor obeys, and styles that differ."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets import watch
from edgekit.simulators import wrists

every_exercise = pytest.mark.parametrize("label", wrists.EXERCISES)


def test_it_simulates_the_exercises_of_the_real_watch():
    assert set(wrists.EXERCISES) == set(watch.CLASSES.values())
    recordings = wrists.campaign("lab")
    assert {r.label for r in recordings} == set(watch.CLASSES.values())
    people = {r.group for r in recordings}
    assert people == {r.group for r in wrists.campaign("field")}
    assert len(people) == wrists.SUBJECTS["quick"][0]


@every_exercise
def test_gravity_is_there_and_the_gyroscope_turns_nowhere_on_average(label):
    r = wrists.simulate(label, 40.0, seed=1)
    force = np.linalg.norm(r.samples[:, :3], axis=1)
    assert 0.8 < np.sqrt((force**2).mean()) < 1.8
    assert np.abs(r.samples[:, 3:].mean(axis=0)).max() < 0.15  # whoever turns, turns back


def test_the_gyroscope_says_how_the_accelerometers_gravity_turns():
    r = wrists.simulate("pendulum", 40.0, seed=2)
    down = r.samples[:, :3].astype(float)
    kernel = np.ones(15) / 15
    down, rate = (
        np.stack([np.convolve(c, kernel, "same") for c in v.T], axis=1)[20:-20]
        for v in (down, r.samples[:, 3:].astype(float))
    )
    seen = np.gradient(down, axis=0)[:, 1] * wrists.RATE
    told = -np.cross(rate, down)[:, 1]  # a fixed direction, from a frame that turns
    assert np.corrcoef(seen, told)[0, 1] > 0.8


def test_the_right_wrist_is_the_left_ones_mirror_image():
    for label in wrists.EXERCISES:
        sides = []
        for side in ("left", "right"):
            people = [wrists.simulate(label, seed=3, subject=s, side=side) for s in range(1, 7)]
            sides.append(np.mean([p.samples.mean(axis=0) for p in people], axis=0))
        left, right = sides
        np.testing.assert_allclose(left * wrists.MIRROR, right, atol=0.25)


def test_same_seed_same_person_other_seed_another():
    one, same, other = (wrists.simulate("row", seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.samples, same.samples)
    assert not np.allclose(one.samples, other.samples)
    assert wrists.simulate("row", seed=1, subject=2).group != one.group


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"label": "rows"}, "Did you mean 'row'"),
        ({"label": "row", "side": "middle"}, "middle"),
        ({"label": "row", "seconds": 1}, "64 samples"),
    ],
)
def test_what_it_cannot_simulate_is_said(how, message):
    with pytest.raises(EdgekitError, match=message):
        wrists.simulate(**how, seed=0)


def test_a_campaign_of_an_unknown_kind_is_refused():
    for how in ({"domain": "moon"}, {"domain": "lab", "profile": "slow"}):
        with pytest.raises(EdgekitError):
            wrists.campaign(**how)
