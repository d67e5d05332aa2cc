"""Pictures of recordings and windows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Tol's "bright"


def plot_recordings(recordings: list, seconds: float = 0.2):
    """The first recording of each label, `seconds` of it, under each other."""
    first = {}
    for recording in recordings:
        first.setdefault(recording.label, recording)
    _, axes = plt.subplots(
        len(first), 1, figsize=(9, 1.5 * len(first) + 0.5), sharex=True, squeeze=False
    )
    for axis, colour, (label, recording) in zip(axes[:, 0], COLOURS, first.items(), strict=False):
        n = int(seconds * recording.rate)
        axis.plot(np.arange(n) / recording.rate * 1000, recording.samples[:n, 0], colour, lw=0.7)
        axis.set_ylabel(f"{label}\n({recording.unit})")
    axes[-1, 0].set_xlabel("time (ms)")
    axes[0, 0].set_title(f"{next(iter(first.values())).domain}: one recording of each label")


def plot_spectra(frequencies, features, y, classes, marks=None, ax=None, title=""):
    """Mean of each class's spectrum with its 10–90 % band. `features` (n, lines); `frequencies` Hz.

    `marks` maps a name to a frequency (Hz), drawn as a dashed line: where physics expects the fault.
    """
    ax = ax or plt.subplots(figsize=(9, 3.2))[1]
    for k, name in enumerate(classes):
        rows = features[y == k]
        ax.plot(frequencies, rows.mean(axis=0), color=COLOURS[k % len(COLOURS)], label=name)
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
            name, (hertz, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", size=8
        )
    ax.set(xlabel="envelope frequency (Hz)", ylabel="√ amplitude (1)")
    ax.set_title(title, pad=16)
    ax.legend(loc="upper right")
    return ax
