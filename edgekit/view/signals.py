"""Pictures of recordings and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.data.recordings import Recording
from edgekit.view.annotations import channel_name, legend_beside, name_lines
from edgekit.view.palette import lines
from edgekit.view.pictures import plot_augmented_images, plot_frames, plot_mean_images

if TYPE_CHECKING:
    from edgekit.data.windows import Windows

HALF = 36  # letters below a panel of half a picture


def plot_recordings(recordings: list[Recording], samples: int = 2000) -> np.ndarray:
    """The first recording of each label, its first `samples`, under each other; events are named.

    Of image recordings, some frames. Returns the axes (n,), one a label or a frame.
    """
    first: dict[str | None, Recording] = {}
    for recording in recordings:
        first.setdefault(recording.label, recording)
    if next(iter(first.values())).samples.ndim == 3:
        return plot_frames(recordings)
    quantities = max(len(set(r.units)) for r in first.values())
    figure, axes = plt.subplots(
        len(first), quantities, figsize=(9.5, 1.5 * len(first) + 0.7), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for row, (label, recording) in zip(axes, first.items(), strict=True):
        _draw_quantities(row, recording, samples, row[0] is axes[0, 0])
        row[0].set_ylabel(f"{picture(label or recording.name)}\n{row[0].get_ylabel()}")
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    figure.suptitle(f"{next(iter(first.values())).domain}: one recording of each label")
    return axes[:, 0]


def _draw_quantities(row: Sequence[Axes], recording: Recording, samples: int, first: bool) -> None:
    """A panel for all channels of one unit: g and rad/s have no axis in common."""
    n = min(samples, len(recording.samples))
    seconds = np.arange(n) / recording.rate
    of_unit: dict[str, list[int]] = {}
    for c, unit in enumerate(recording.units):
        of_unit.setdefault(unit, []).append(c)
    for axis, (unit, channels) in zip(row, of_unit.items(), strict=False):
        for how, c in zip(lines(len(channels)), channels, strict=True):
            label = picture(recording.channels[c])
            axis.plot(seconds, recording.samples[:n, c], lw=0.7, label=label, **how)
        if len(channels) > 1 and first:
            legend_beside(axis)
        axis.set_ylabel(f"({picture(unit)})")
        shown = [(start / recording.rate, word) for start, _, word in recording.events if start < n]
        name_lines(axis, [at for at, _ in shown], [word for _, word in shown])


def plot_spectra(
    frequencies: np.ndarray,
    features: np.ndarray,
    y: np.ndarray,
    classes: Sequence[str],
    marks: Mapping[str, float] | None = None,
    ax: Axes | None = None,
    title: str = "",
) -> Axes:
    """Mean of each class's spectrum with its 10–90 % band. `features` (n, lines); `frequencies` Hz.

    `y` (n,) holds indices into `classes`. Drawn on `ax`, or a new one, under `title`; returns it.
    `marks` maps a name to a frequency (Hz), drawn as a dashed line: where physics expects the fault.
    """
    ax = ax or plt.subplots(figsize=(9, 3.2))[1]
    for k, (name, how) in enumerate(zip(classes, lines(len(classes)), strict=True)):
        rows = features[y == k]
        if not len(rows):  # all of its recordings were refused
            continue
        ax.plot(frequencies, rows.mean(axis=0), label=picture(name), **how)
        ax.fill_between(
            frequencies,
            *np.percentile(rows, [10, 90], axis=0),
            color=how["color"],
            alpha=0.15,
            lw=0,
        )
    marks = marks or {}
    for hertz in marks.values():
        ax.axvline(hertz, color="0.4", ls="--", lw=0.8)
    ax.set(xlabel="envelope frequency (Hz)", ylabel="√ amplitude (1)")
    ax.set_title(title, pad=16, fontsize=10)
    legend_beside(ax)
    name_lines(ax, list(marks.values()), list(marks))
    return ax


def plot_features(case: Any, *domains: Windows) -> np.ndarray:
    """Each class's mean feature with its 10–90 % band: a row for each of `domains`, a column a channel.

    `case` is the UseCase, each domain the Windows of one world. Images (features of height
    above 1) are drawn as mean images instead. Returns the axes (rows, columns).
    """
    if case.features.shape[0] > 1:
        return plot_mean_images(case, *domains)
    channels = min(case.features.shape[2], 3)
    _, axes = plt.subplots(
        len(domains), channels, figsize=(9, 3.2 * len(domains)), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    label, values = case.FEATURE_AXIS
    for number, (row, windows) in enumerate(zip(axes, domains, strict=True), 1):
        inputs, domain = case.features(windows.X), windows.domain[0]
        for c, axis in enumerate(row):
            plot_spectra(
                values, inputs[:, 0, :, c], windows.y, windows.classes, case.MARKS.get(domain), axis,
                domain if channels == 1 else fill(f"{domain}, {channel_name(case, c)}", 28),
            )  # fmt: skip
            axis.set_ylabel(case.FEATURE_LABEL if channels == 1 else "")
            axis.set_xlabel(label if number == len(axes) else "")
            if c < channels - 1:
                axis.get_legend().remove()
    return axes


def feature_label(case: Any) -> str:
    """What the first channel of the features is, with its unit."""
    return channel_name(case, 0) if case.FEATURE_CHANNELS else case.FEATURE_LABEL


def plot_augmented(case: Any, one: np.ndarray, augmented: np.ndarray) -> np.ndarray:
    """A window `one` (1, time, channel) and its variation `augmented`, of the same shape, as the teacher and
    as the student of the use case `case` take them. Returns the axes (n,).
    """
    if case.features.shape[0] > 1:
        return plot_augmented_images(case, one, augmented)
    _, panels = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained")
    seconds = np.arange(case.teacher_input.shape[1]) / case.RATE
    label, values = case.FEATURE_AXIS
    for name, X in {"as recorded": one, "varied": augmented}.items():
        panels[0].plot(seconds, case.teacher_input(X)[0, 0, :, 0], lw=0.6, label=name)
        panels[1].plot(values, case.features(X)[0, 0, :, 0], label=name)
    panels[0].set(xlabel="time (s)", ylabel=case.WAVE_LABEL)
    panels[1].set(xlabel=fill(label, HALF), ylabel=feature_label(case))
    legend_beside(panels[1])
    return panels
