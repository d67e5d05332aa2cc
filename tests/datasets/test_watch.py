"""The watch data: a pickle from somebody else that may hold arrays and nothing more."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets import cached, watch


@pytest.fixture(scope="module")
def real():
    folder = cached("watch")
    if folder is None:
        pytest.skip("the watch data is not in the cache; fetch('watch') brings it")
    return watch.load(folder)


def held(**other) -> dict:
    """What the file holds, for three people and two recordings each."""
    rng = np.random.default_rng(0)
    return {
        "X": np.array([rng.normal(size=(300 + i, 6)) for i in range(6)], object),
        "y": np.array([0, 1, 2, 3, 4, 5]),
        "side": np.array([0.0, 1.0] * 3),
        "subject": np.array([1, 1, 2, 2, 3, 3]),
        "X_labels": np.array(watch.CHANNELS),
        "y_labels": np.array(list(watch.CLASSES)),
    } | other


def write(folder, content) -> None:
    np.save(folder / watch.FILE, np.array(content, object), allow_pickle=True)


def test_the_real_set_is_complete(real):
    assert len(real) == 140
    assert {r.domain for r in real} == {"lab", "field"}
    for domain in ("lab", "field"):
        part = [r for r in real if r.domain == domain]
        assert len({(r.group, r.label) for r in part}) == 70
    assert {r.group for r in real} == {f"subject-{i:02d}" for i in range(1, 11)}


def test_gravity_is_one_and_lies_mirrored_on_the_other_wrist(real):
    for side, sign in (("left", 1), ("right", -1)):
        hanging = [
            r.samples[:, :3].mean(axis=0)
            for r in real
            if r.label == "trapezius" and r.meta["side"] == side
        ]
        along = np.array(hanging)[:, 0]
        assert np.abs(along).mean() == pytest.approx(1.0, abs=0.1)
        assert (np.sign(along) == sign).all()


def test_reads_the_layout(tmp_path):
    write(tmp_path, held())
    recordings = watch.load(tmp_path)
    assert [r.name for r in recordings][:2] == ["s01-left-pendulum", "s01-right-abduction"]
    assert {r.group for r in recordings} == {"subject-01", "subject-02", "subject-03"}
    assert [r.domain for r in watch.load(tmp_path, "field")] == ["field"] * 3


class Bomb:
    def __reduce__(self):
        return print, ("a pickle ran this",)


class Reader:
    def __reduce__(self):
        return np.fromfile, ("/etc/hostname",)


@pytest.mark.parametrize("bomb", [Bomb(), Reader(), np.array([Bomb()], object)])
def test_a_pickle_that_asks_for_more_than_arrays_is_refused(tmp_path, capsys, bomb):
    write(tmp_path, held(extra=bomb))
    with pytest.raises(EdgekitError, match="it asks for") as refusal:
        watch.load(tmp_path)
    assert "\n" not in str(refusal.value)
    assert capsys.readouterr().out == ""


HARM = {
    "nothing": lambda p: p.unlink(),
    "text": lambda p: p.write_text("hello"),
    "cut": lambda p: p.write_bytes(p.read_bytes()[:900]),
    "a bare pickle": lambda p: p.write_bytes(pickle.dumps(held())),
    "an array": lambda p: np.save(p, np.zeros(5)),
    "a list": lambda p: write(p.parent, [1, 2]),
    "no subjects": lambda p: write(p.parent, {k: v for k, v in held().items() if k != "subject"}),
    "other channels": lambda p: write(p.parent, held(X_labels=np.array(list("abcdef")))),
    "other exercises": lambda p: write(p.parent, held(y_labels=np.array(list("abcdefg")))),
    "too few labels": lambda p: write(p.parent, held(y=np.array([0, 1]))),
    "a third arm": lambda p: write(p.parent, held(side=np.full(6, 2.0))),
    "five axes": lambda p: write(p.parent, held(X=[np.zeros((99, 5))] * 6)),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, harm):
    write(tmp_path, held())
    HARM[harm](tmp_path / watch.FILE)
    with pytest.raises(EdgekitError, match="watch") as refusal:
        watch.load(tmp_path)
    assert "\n" not in str(refusal.value)
