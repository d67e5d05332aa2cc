"""A part of a window is heard as a device that samples only that part would hear it."""

import pickle

import numpy as np
import pytest

from edgekit import signal
from tests.signal import compiled


@pytest.mark.parametrize(("first", "step_size"), [(0, 1), (100, 1), (0, 2)])
def test_it_hears_what_a_shorter_recording_holds(first, step_size):
    X = np.random.default_rng(0).normal(size=(3, 400, 6)).astype(np.float32)
    part = signal.Subwindow(signal.Moments(200, 6), 400, first, step_size)
    features = part(X)
    assert features.shape == (3, *part.shape)
    np.testing.assert_array_equal(features, part.step(X[:, first::step_size][:, :200]))
    np.testing.assert_array_equal(features, part(part.cut(X)))
    got, _ = compiled.features(part, part.cut(X))
    np.testing.assert_array_equal(compiled.bits(got), compiled.bits(features.reshape(3, -1)))
    assert pickle.loads(pickle.dumps(part)) == part


def test_it_keeps_what_the_step_can_do_and_refuses_what_does_not_fit():
    beat = signal.EcgBeat(window=1000, anchor=750, first=32, length=80)
    part = signal.Subwindow(beat, 1500, first=500)
    assert part.milliseconds.shape == (80,)
    assert hasattr(part, "vary")
    assert not hasattr(signal.Subwindow(signal.UnitRms(100), 200), "vary")
    with pytest.raises(ValueError, match="do not fit"):
        signal.Subwindow(beat, 1499, first=500)
