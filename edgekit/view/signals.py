"""Pictures of recordings and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.data.recordings import Recording
from edgekit.view.palette import COLOURS
from edgekit.view.pictures import plot_augmented_images, plot_frames, plot_mean_images

if TYPE_CHECKING:
    from edgekit.data.windows import Windows


def plot_recordings(recordings: list[Recording], samples: int = 2000) -> np.ndarray:
    """The first recording of each label, its first `samples`, under each other; events are named.

    Of image recordings, some frames. Returns the axes (n,), one a label or a frame.
    """
    first: dict[str | None, Recording] = {}
    for recording in recordings:
        first.setdefault(recording.label, recording)
    if next(iter(first.values())).samples.ndim == 3:
        return plot_frames(recordings)
    _, axes = plt.subplots(
        len(first), 1, figsize=(9, 1.5 * len(first) + 0.5), sharex=True, squeeze=False
    )
    for k, (axis, (label, recording)) in enumerate(zip(axes[:, 0], first.items(), strict=True)):
        n = min(samples, len(recording.samples))
        colour = COLOURS[k % len(COLOURS)]
        axis.plot(np.arange(n) / recording.rate, recording.samples[:n, 0], colour, lw=0.7)
        for start, _, word in recording.events:
            if start < n:
                axis.annotate(
                    picture(word), (start / recording.rate, 1), xycoords=("data", "axes fraction"),
                    va="bottom", ha="center", size=7,
                )  # fmt: skip
        axis.set_ylabel(f"{picture(label or recording.name)}\n({picture(recording.unit)})")
    axes[-1, 0].set_xlabel("time (s)")
    axes[0, 0].set_title(f"{next(iter(first.values())).domain}: one recording of each label")
    return axes[:, 0]


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
    for k, name in enumerate(classes):
        rows = features[y == k]
        if not len(rows):  # all of its recordings were refused
            continue
        ax.plot(
            frequencies, rows.mean(axis=0), color=COLOURS[k % len(COLOURS)], label=picture(name)
        )
        ax.fill_between(
            frequencies,
            *np.percentile(rows, [10, 90], axis=0),
            color=COLOURS[k % len(COLOURS)],
            alpha=0.15,
            lw=0,
        )
    for name, hertz in (marks or {}).items():
        ax.axvline(hertz, color="0.4", ls="--", lw=0.8)
        ax.annotate(
            picture(name),
            (hertz, 1),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            size=8,
        )
    ax.set(xlabel="envelope frequency (Hz)", ylabel="√ amplitude (1)")
    ax.set_title(title, pad=16)
    ax.legend(loc="upper right")
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
    for row, windows in zip(axes, domains, strict=True):
        inputs, domain = case.features(windows.X), windows.domain[0]
        for c, axis in enumerate(row):
            plot_spectra(
                values, inputs[:, 0, :, c], windows.y, windows.classes, case.MARKS.get(domain), axis,
                domain if channels == 1 else f"{domain}, channel {c + 1}",
            )  # fmt: skip
            axis.set(xlabel=label, ylabel=case.FEATURE_LABEL)
    return axes


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
    panels[1].set(xlabel=label, ylabel=case.FEATURE_LABEL)
    panels[1].legend()
    return panels
