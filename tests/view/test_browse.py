"""One recording to look at: the stretch that was asked for, the tone where it is, the labels."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.data import Recording
from edgekit.view.browse import browse, plot_recording, spectrogram

RATE = 100.0


def made(seconds=20.0, **more):
    t = np.arange(round(seconds * RATE)) / RATE
    samples = np.stack([9.8 + np.sin(2 * np.pi * 12 * t), np.cos(2 * np.pi * 3 * t)], axis=1)
    return Recording(
        "one", samples, RATE, "walk", "g", "field", channels=("x", "y"), unit="g", **more
    )


@pytest.mark.parametrize(("channel", "hertz"), [(0, 12), (1, 3)])
def test_the_spectrogram_is_loudest_at_the_tone_and_gravity_does_not_show(channel, hertz):
    _, frequencies, level = spectrogram(made().samples[:, channel], RATE)
    loudest = frequencies[level.argmax(axis=0)]
    assert np.all(abs(loudest - hertz) <= RATE / 200)
    assert level.max() == 0


def test_the_stretch_is_the_one_asked_for_and_every_axis_has_its_unit():
    axes = plot_recording(made(events=((600, 700, "step"),)), 5, 3, channel=1)
    assert axes[1].get_xlim() == pytest.approx((5, 8), abs=0.02)
    assert axes[0].get_ylabel() == "y (g)"
    assert axes[1].get_ylabel() == "frequency (Hz)"
    assert axes[1].get_xlabel() == "time (s)"
    assert [t.get_text() for t in axes[0].texts] == ["step"]
    assert "walk" in axes[0].get_title()
    plt.close("all")


@pytest.mark.parametrize(("start", "seconds"), [(-5, 1), (1e6, 1), (0, 1e6), (0, 0)])
def test_a_stretch_beyond_the_recording_is_cut_to_it(start, seconds):
    low, high = plot_recording(made(2.0), start, seconds)[1].get_xlim()
    assert 0 <= low < high <= 2
    plt.close("all")


def test_a_recording_that_is_flat_or_short_is_drawn_too():
    plot_recording(Recording("flat", np.zeros(200), RATE, None, "g", "field"))
    plot_recording(Recording("short", np.zeros(9), RATE, None, "g", "field"))
    plt.close("all")


def test_a_channel_that_is_not_there_says_so():
    with pytest.raises(EdgekitError, match="channels 0 to 1"):
        plot_recording(made(), channel=2)
    with pytest.raises(EdgekitError, match="no recordings"):
        browse([])


def test_controls_choose_recording_channel_and_stretch(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    controls = browse([made(), made(5.0)])
    assert [c.description for c in controls.children[:4]] == [
        "recording", "channel", "start percent", "seconds",
    ]  # fmt: skip
