"""Labelling: marks, corrections and undo do what a person expects, and survive the file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.data import Recording
from edgekit.data.labelling import Labelling
from edgekit.data.recording_file import load_folder
from edgekit.data.video import Box


def signal(name="a", label=None, n=100) -> Recording:
    return Recording(name, np.zeros((n, 1)), 10.0, label, name, "field")


def film() -> Recording:
    boxes = [[Box(1, 2, 5, 6, "person")], [], [Box(3, 3, 4, 4, "person"), Box(9, 9, 3, 3, "dog")]]
    samples = np.zeros((3, 20, 30), np.uint8)
    return Recording("film", samples, 1.0, None, "film", "field", meta={"boxes": boxes})


def test_a_mark_takes_the_place_of_what_was_there():
    work = Labelling([signal()])
    work.mark(10, 50, "walk")
    work.mark(20, 30, "run")
    work.mark(90, 500, "rest")
    assert work.recording.events == (
        (10, 20, "walk"), (20, 30, "run"), (30, 50, "walk"), (90, 100, "rest"),
    )  # fmt: skip
    work.clear(15, 95)
    assert work.recording.events == ((10, 15, "walk"), (95, 100, "rest"))
    assert work.classes == ["walk", "run", "rest"]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 110), st.sampled_from("abc")), max_size=8)
)
def test_the_last_mark_wins_sample_by_sample_and_undo_takes_each_back(marks):
    work, truth, past = Labelling([signal()]), np.full(100, ""), []
    for first, stop, label in marks:
        past.append(work.recording.events)
        if stop <= first:
            with pytest.raises(EdgekitError):
                work.mark(first, stop, label)
            past.pop()
            continue
        work.mark(first, stop, label)
        truth[first:stop] = label
    painted = np.full(100, "")
    for first, stop, label in work.recording.events:
        assert (painted[first:stop] == "").all(), "two stretches overlap"
        painted[first:stop] = label
    assert (painted == truth).all()
    for events in reversed(past):
        work.undo()
        assert work.recording.events == events
    assert not work.changed


def test_next_previous_and_undo_find_the_recording_that_was_changed():
    work = Labelling([signal("a"), signal("b", "x")])
    work.label_all("x")
    assert work.go(1).name == "b"
    assert work.go(1).name == "b"
    work.confirm()
    assert work.recording.meta["confirmed"]
    work.go(-1)
    work.undo()
    assert work.recording.name == "b"
    assert "confirmed" not in work.recording.meta
    work.undo()
    assert work.recording.label is None
    work.undo()


def test_boxes_are_confirmed_corrected_added_and_removed():
    work = Labelling([film()])
    work.confirm(0)
    assert work.recording.meta["boxes"][0][0].provenance == "confirmed"
    work.box(2, 1, (8, 8, 4, 4, "cat"))
    work.box(2, 0, None)
    work.box(1, None, (0, 0, 2, 2, "person"))
    assert [[(b.label, b.provenance) for b in f] for f in work.recording.meta["boxes"]] == [
        [("person", "confirmed")], [("person", "corrected")], [("cat", "corrected")],
    ]  # fmt: skip
    with pytest.raises(EdgekitError, match="no box"):
        work.box(1, 4, None)
    with pytest.raises(EdgekitError, match="width"):
        work.box(1, None, (0, 0, 0, 2, "person"))


def test_what_was_said_is_in_the_files(tmp_path):
    work = Labelling([signal("a"), film()])
    work.mark(0, 10, "on")
    work.go(1)
    work.box(0, 0, (2, 2, 5, 5, "person"))
    assert len(work.save(tmp_path)) == 2
    assert not work.save(tmp_path), "nothing was changed since"
    again = Labelling(load_folder(tmp_path))
    assert again.recording.events == ((0, 10, "on"),)
    assert again.go(1).meta["boxes"][0] == [Box(2, 2, 5, 5, "person", "corrected")]


def test_nothing_to_label_is_said():
    with pytest.raises(EdgekitError, match="nothing to label"):
        Labelling([])
    with pytest.raises(EdgekitError, match="same name"):
        Labelling([signal(), signal()])
    with pytest.raises(EdgekitError, match="word"):
        Labelling([signal()]).label_all("  ")


@pytest.mark.parametrize("scroll", [0, 0.3, 1])
@pytest.mark.parametrize("share", [1, 0.5, 0.01])
def test_what_is_in_view_lies_within_the_recording(share, scroll):
    first, stop = Labelling([signal(n=1_000)]).in_view(share, scroll)
    assert 0 <= first < stop <= 1_000
    assert stop - first == max(16, 1_000 * share)
    assert first == int(scroll * (1_000 - (stop - first)))
    assert Labelling([signal(n=5)]).in_view(share, scroll) == (0, 5)


def test_a_line_says_where_one_is():
    work = Labelling([signal("a"), film()])
    assert work.boxes(0) == []
    work.mark(0, 10, "on")
    work.go(1)
    assert [b.label for b in work.boxes(2)] == ["person", "dog"]
    assert work.status == "2 of 2, 1 changed, 1 to undo"
