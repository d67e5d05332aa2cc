"""One recording to look at: its signal, its spectrogram, and what was said about it."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.errors import EdgekitError
from edgekit.core.escape import picture
from edgekit.data.recordings import Recording
from edgekit.view.explore import explore
from edgekit.view.palette import COLOURS
from edgekit.view.pictures import plot_frames

FRAMES = 6
SEGMENT = 256  # samples of a column of the spectrogram, of a recording that has as many
FLOOR_DB = -80.0  # what lies further below the loudest is drawn as this


def browse(recordings: list[Recording]) -> Any:
    """Controls to choose one of `recordings`, a channel, and a stretch of it; headless, the first.

    Images are shown as frames. Returns what `explore` returns. Raises EdgekitError where there is nothing.
    """
    if not recordings:
        raise EdgekitError("no recordings to look at")
    if recordings[0].samples.ndim != 2:
        return explore(
            lambda first_frame: _frames(recordings, first_frame),
            first_frame=(0, max(0, len(recordings) - FRAMES), 0),
        )
    names = [f"{k}: {r.name} ({r.label or 'events'})" for k, r in enumerate(recordings, 1)]
    channels = max((r.channels for r in recordings), key=len)

    def look(recording: str, channel: str, start_percent: int, seconds: float) -> None:
        one = recordings[names.index(recording)]
        at = min(channels.index(channel), len(one.channels) - 1)
        plot_recording(one, start_percent / 100 * (one.seconds - seconds), seconds, at)

    longest = max(1.0, min(60.0, max(r.seconds for r in recordings)))
    return explore(
        look, recording=names, channel=list(channels), start_percent=(0, 100, 0),
        seconds=(0.1, longest, min(10.0, longest)),
    )  # fmt: skip


def _frames(recordings: list[Recording], first: int) -> None:
    plot_frames(recordings[first : first + FRAMES])


def plot_recording(
    recording: Recording, start_s: float = 0.0, seconds: float = 10.0, channel: int = 0
) -> tuple[Axes, Axes]:
    """A stretch of one channel of a `recording` of signals over its spectrogram, marked events as bands.

    `start_s`, `seconds`: where the stretch begins and how long it is, cut to what there is. The spectrogram
    is `spectrogram`'s. Returns the two axes. Raises EdgekitError for images, and for a channel there is not.
    """
    if recording.samples.ndim != 2:
        raise EdgekitError(f"{recording.name} holds images: look at them with view.plot_frames")
    if not 0 <= channel < recording.samples.shape[1]:
        raise EdgekitError(f"{recording.name} has channels 0 to {recording.samples.shape[1] - 1}")
    first, stop = _stretch(recording, start_s, seconds)
    samples = recording.samples[first:stop, channel]
    figure, axes = plt.subplots(2, 1, figsize=(9, 4.6), sharex=True, layout="constrained")
    times = np.arange(first, stop) / recording.rate
    step = max(1, len(times) // 4000)  # more points than pixels only cost time
    axes[0].plot(times[::step], samples[::step], color="0.25", lw=0.7)
    unit = recording.units[channel]
    axes[0].set_ylabel(f"{picture(recording.channels[channel])} ({picture(unit)})")
    axes[0].set_title(_title(recording), fontsize=10)
    _mark_events(axes[0], recording, first, stop)
    at, frequencies, level = spectrogram(samples, recording.rate)
    drawn = axes[1].pcolormesh(
        first / recording.rate + at, frequencies, level, cmap="cividis", vmin=FLOOR_DB, vmax=0,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    axes[1].set(xlabel="time (s)", ylabel="frequency (Hz)", xlim=(times[0], times[-1]))
    figure.colorbar(drawn, ax=axes[1], label="power (dB, 0 = loudest)")
    return axes[0], axes[1]


def spectrogram(samples: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (s), frequencies (Hz) and power (frequency, time), in dB below the loudest, of `samples` (n,).

    Hann windows of SEGMENT samples (a tenth of a short stretch), half over each other, each
    without its mean: gravity on an accelerometer would outshine every movement.
    """
    from scipy.signal import spectrogram as of

    length = max(2, min(SEGMENT, len(samples) // 10))
    frequencies, times, power = of(
        samples, rate, "hann", nperseg=length, noverlap=length // 2, detrend="constant"
    )
    loudest = power.max(initial=0.0) or 1.0
    level = 10 * np.log10(np.maximum(power / loudest, 10 ** (FLOOR_DB / 10)))
    return times, frequencies, level


def _stretch(recording: Recording, start_s: float, seconds: float) -> tuple[int, int]:
    """First and last sample, at least 16 of them where there are so many."""
    n = len(recording.samples)
    wanted = min(n, max(16, round(seconds * recording.rate)))
    first = min(max(0, round(start_s * recording.rate)), n - wanted)
    return first, first + wanted


def _title(recording: Recording) -> str:
    said = recording.label or (
        f"{len(recording.events)} events" if recording.events else "no label"
    )
    made = "simulated" if recording.simulated else "measured"
    return picture(f"{recording.name}: {said} ({recording.domain}, {made})")


def _mark_events(axis, recording: Recording, first: int, stop: int) -> None:
    words = list(dict.fromkeys(word for _, _, word in recording.events))
    inside = [e for e in recording.events if e[0] < stop and e[1] > first]
    for begin, end, word in inside:
        colour = COLOURS[words.index(word) % len(COLOURS)]
        axis.axvspan(
            max(begin, first) / recording.rate, min(end, stop) / recording.rate,
            color=colour, alpha=0.25,
        )  # fmt: skip
        if len(inside) <= 30:
            middle = (max(begin, first) + min(end, stop)) / 2 / recording.rate
            axis.annotate(
                picture(word), (middle, 0.97), xycoords=("data", "axes fraction"), ha="center",
                va="top", size=8,
            )  # fmt: skip
