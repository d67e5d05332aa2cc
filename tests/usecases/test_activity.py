"""The wearable: a mirror between the wrists, gravity kept, and nobody on both sides of a split."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgekit import data, usecases
from edgekit.core.workspace import Workspace


@pytest.fixture(scope="module")
def case():
    return usecases.load("activity", Workspace.find().folder)


@pytest.fixture(scope="module")
def worlds(case):
    return {
        domain: case.windows(
            [case.prepare(r) for r in case.recordings(domain, "quick", offline=True)], "quick"
        )
        for domain in ("lab", "field")
    }


def test_the_same_people_are_in_both_worlds_and_a_split_keeps_them_whole(case, worlds):
    field = worlds["field"]
    assert set(field.group) == set(worlds["lab"].group)
    split = case.split(field, seed=3)
    data.assert_no_leak(field, split)
    for name in split.groups["test"]:
        assert not set(np.flatnonzero(field.group == name)) & set(split.train)


def test_gravity_survives_and_both_sensors_share_one_unit(case):
    r = case.recordings("field", "quick", offline=True)[0]
    prepared = case.prepare(r)
    np.testing.assert_array_equal(prepared.samples[:, :3], r.samples[:, :3])
    full_scale = np.radians(2000) / case.TURN * 1.0
    assert full_scale == pytest.approx(16)
    assert case.SENSITIVITY * 32768 == 16


def test_three_minus_signs_bring_the_wrists_together(case, worlds):
    from edgekit.learn.adapt.tables import classifier

    lab, field = worlds["lab"], worlds["field"]
    task = SimpleNamespace(source=lab)
    X, y = case.mirrored(task)
    right = case.descriptor(field.X)
    as_is = (classifier().fit(case.descriptor(lab.X), lab.y).predict(right) == field.y).mean()
    mirrored = (classifier().fit(X, y).predict(right) == field.y).mean()
    assert mirrored > as_is + 0.3


def test_features_are_within_what_eight_bits_resolve(case, worlds):
    task = case.features(worlds["field"].X)
    assert np.abs(task).max() <= 4
    assert task.shape[1:] == (1, len(case.FEATURE_AXIS[1]), 1)
