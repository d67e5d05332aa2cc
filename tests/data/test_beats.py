"""Beats cut into windows, and found ones matched with those that are there."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.data import beats
from edgekit.simulators import hearts


def test_windows_hold_their_beat_at_its_place():
    recordings = hearts.simulate("lab", 4, 60, seed=1)
    windows = beats.beat_windows(recordings, ("N", "S", "V"), 500, 250)
    inside = [
        label for r in recordings for at, _, label in r.events
        if at >= 500 and at + 250 <= len(r.samples)
    ]  # fmt: skip
    assert len(windows) == len(inside)
    assert windows.dropped == sum(len(r.events) for r in recordings) - len(inside)
    by_name = {r.name: r for r in recordings}
    for i in range(0, len(windows), 17):
        name, start = windows.origin[i].split("@")
        at = int(start) + 500
        assert (at, at + 1, windows.classes[windows.y[i]]) in by_name[name].events
        assert np.array_equal(windows.X[i, 500], by_name[name].samples[at])


def test_thinned_windows_are_as_many_as_asked_for():
    recordings = hearts.simulate("lab", 3, 120, seed=1)
    windows = beats.beat_windows(recordings, ("N", "V"), 500, 250, {"N": 9, "V": 4})
    for group in np.unique(windows.group):
        counts = np.bincount(windows.y[windows.group == group], minlength=2)
        assert counts[0] <= 9
        assert counts[1] <= 4


@settings(max_examples=50, deadline=None)
@given(data_=st.data())
def test_matching_gives_each_beat_once_and_never_too_far(data_):
    ascending = st.lists(st.integers(0, 2000), max_size=30, unique=True).map(sorted)
    reference, found = data_.draw(ascending), data_.draw(ascending)
    pairs = beats.match(reference, found, 19)
    given_ = pairs[pairs >= 0]
    assert len(set(given_.tolist())) == len(given_)
    for at, pair in zip(reference, pairs, strict=True):
        assert pair < 0 or abs(found[pair] - at) <= 19
    assert (beats.match(found, found, 0) == np.arange(len(found))).all()
