"""The use case ecg: who is tested, where beats are after resampling, and what stands in for patients."""

import numpy as np
import pytest

from edgekit import data, simulators, usecases
from edgekit.core.workspace import Workspace
from edgekit.datasets.mitbih import DS1, DS2, VARIABLE


@pytest.fixture(scope="module")
def case():
    return usecases.load("ecg", Workspace.find().folder)


def patients(names, each=6):
    """Windows of nothing, of every class from everybody."""
    group = np.repeat(names, each)
    n = len(group)
    origin = np.array([f"{g}@{i * 4000}" for i, g in enumerate(group)])
    X = np.random.default_rng(0).normal(size=(n, 4, 1)).astype(np.float32)
    y = np.arange(n) % 3
    return data.Windows(X, y, ("N", "S", "V"), group, np.full(n, "field"), origin, 125.0)


@pytest.mark.parametrize("seed", range(3))
def test_the_second_half_tests_and_never_trains(case, seed):
    windows = patients([*DS1, *DS2])
    split = case.split(windows, seed)
    data.assert_no_leak(windows, split)
    assert set(split.groups["test"]) == set(DS2)
    assert set(split.groups["train"]) | set(split.groups["val"]) == set(DS1)
    for fold in case.folds(windows, 6, seed):
        data.assert_no_leak(windows, fold)
        assert not set(windows.group[np.concatenate([fold.train, fold.test])]) & set(DS2)
    tested = np.concatenate([windows.group[f.test] for f in case.folds(windows, 6, seed)])
    assert sorted(tested) == sorted(np.repeat(DS1, 6))


@pytest.mark.parametrize("names", [DS1, DS2, [f"ward-{i}" for i in range(9)]])
def test_one_half_alone_is_dealt_by_patient(case, names):
    windows = patients(list(names))
    split = case.split(windows, 0)
    data.assert_no_leak(windows, split)
    assert {g for part in split.groups.values() for g in part} == set(names)


def test_beats_stay_on_their_peaks(case):
    for recording in simulators.hearts.simulate("field", 2, 30, seed=2):
        prepared = case.prepare(recording)
        assert prepared.rate == case.RATE
        assert [label for *_, label in prepared.events] == [label for *_, label in recording.events]
        before = np.array([at for at, *_ in recording.events]) / recording.rate
        after = np.array([at for at, *_ in prepared.events]) / prepared.rate
        assert np.abs(before - after).max() <= 0.5 / case.RATE + 1e-9


def test_without_a_database_hearts_are_simulated(case, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    field = case.recordings("field", "quick")
    assert {r.source for r in field} == {"ecg-simulator"}
    assert VARIABLE in capsys.readouterr().out
    lab = case.recordings("lab", "quick")
    assert not {r.group for r in lab} & {r.group for r in field}


def test_every_beat_is_tested_and_only_training_is_thinned(case):
    """Normals are nine in ten of what hearts deliver; a test on fewer of them flatters what calls them S."""
    people = simulators.hearts.simulate("field", 8, 300, seed=1)
    windows = case.windows([case.prepare(r) for r in people], "full")
    split = case.split(windows, 0)
    for part in ("val", "test"):
        held = np.isin(windows.group, split.groups[part])
        np.testing.assert_array_equal(getattr(split, part), np.flatnonzero(held))
    normal = windows.y == case.CLASSES.index(case.NORMAL)
    trained = np.isin(windows.group, split.groups["train"])
    assert normal[split.train].sum() < normal[trained].sum() / 2
    assert (~normal[split.train]).sum() == (~normal[trained]).sum()
    for fold in case.folds(windows, 3, 0):
        np.testing.assert_array_equal(
            fold.test, np.flatnonzero(np.isin(windows.group, fold.groups["test"]))
        )


def test_the_quick_profile_keeps_the_mix_of_beats(case):
    people = [case.prepare(r) for r in simulators.hearts.simulate("field", 12, 600, seed=1)]
    every, quick = case.windows(people, "full"), case.windows(people, "quick")
    assert len(quick) <= case.QUICK < len(every)
    shares = [np.bincount(w.y, minlength=3) / len(w) for w in (every, quick)]
    np.testing.assert_allclose(*shares, atol=0.02)
