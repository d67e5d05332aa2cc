"""Simulated hearts: repeatable, and by the textbook."""

import numpy as np
import pytest

from edgekit.simulators import hearts


def test_simulated_hearts_repeat_and_differ():
    first, again = (hearts.simulate("lab", 3, 60, seed=4) for _ in range(2))
    other = hearts.simulate("field", 3, 60, seed=4)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, again, strict=True))
    assert first[0].rate != other[0].rate
    assert len({r.group for r in first}) == 3
    assert all(np.isfinite(r.samples).all() and len(r.events) > 40 for r in first + other)


def test_simulated_ectopic_beats_follow_the_textbook():
    """V beats are early and wide, with a compensatory pause; S beats are early and the rhythm is reset."""
    early, pause = {"S": [], "V": []}, {"S": [], "V": []}
    for seed in range(30):
        beats = hearts.rhythm(300, np.random.default_rng(seed))
        for (a, x), (b, y), (c, z), (d, w) in zip(
            beats, beats[1:], beats[2:], beats[3:], strict=False
        ):
            if x == y == w == "N" and z in early:
                early[z].append((c - b) / (b - a))
                pause[z].append((d - b) / (b - a))
    for kind in early:
        assert len(early[kind]) > 100
        assert 0.4 < np.mean(early[kind]) < 0.85
    assert np.median(pause["V"]) == pytest.approx(2, abs=0.05)
    assert np.median(pause["S"]) < 1.9
