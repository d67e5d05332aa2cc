"""The pictures of drift: what changes, what each detector costs in false alarms and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.view.annotations import caption, legend_beside
from edgekit.view.palette import COLOURS
from edgekit.view.signals import HALF, feature_label

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.data import Windows
    from edgekit.usecases import UseCase

WANTED = (1.0, 0.95)  # false alarms in 100 half-years, share found


def plot_drifts(case: UseCase, window: Windows, severity: float = 1.0, seed: int = 0) -> np.ndarray:
    """One `window` (1, time, channel), or a crop (1, height, width, 1), as it is, and after each of the use
    case's DRIFTS at this `severity`. A signal is shown as the teacher and as the student take it. Returns the
    axes, (drifts, 2) of signals, (1, drifts + 1) of pictures."""
    X, rng = window.X[:1], np.random.default_rng(seed)
    after = {n: np.asarray(d(X.copy(), severity, rng)) for n, d in sorted(case.DRIFTS.items())}
    if X.ndim == 4:
        return _pictures({"as it is": X, **after})
    size = (9, 1.9 * len(after))
    _, panels = plt.subplots(len(after), 2, figsize=size, layout="constrained", squeeze=False)
    label, values = case.FEATURE_AXIS
    seconds = np.arange(case.teacher_input.shape[1]) / case.RATE
    for row, (name, changed) in zip(panels, after.items(), strict=True):
        for what, given in (("as it is", X), (name, changed)):
            row[0].plot(seconds, case.teacher_input(given)[0, 0, :, 0], lw=0.6, label=picture(what))
            row[1].plot(values, case.features(given)[0, 0, :, 0], label=picture(what))
        legend_beside(row[1])
    middle = panels[len(after) // 2]  # long labels of neighbours would lie over one another
    middle[0].set(ylabel=case.WAVE_LABEL)
    middle[1].set(ylabel=feature_label(case))
    panels[-1, 0].set(xlabel="time (s)")
    panels[-1, 1].set(xlabel=fill(label, HALF))
    return panels


def _pictures(shown: Mapping[str, np.ndarray]) -> np.ndarray:
    _, axes = plt.subplots(1, len(shown), figsize=(2.2 * len(shown), 2.5), squeeze=False)
    for axis, (name, X) in zip(axes[0], shown.items(), strict=True):
        axis.imshow(X[0, :, :, 0], cmap="gray", vmin=0, vmax=255)
        axis.set_title(picture(name), fontsize=9)
        axis.set_axis_off()
    return axes


def plot_operating_curves(
    curves: Mapping[str, pd.DataFrame], source: str, ax: Axes | None = None
) -> Axes:
    """Share of drifts found over false alarms, a line a detector; the cross is what is asked for.

    `curves`: name -> what `monitor.drift.operating_curve` returns; bands are its intervals of what is found.
    `source`: the sentence that says where the numbers are from.
    """
    ax = ax or plt.subplots(figsize=(7, 4), layout="constrained")[1]
    for (name, table), colour in zip(curves.items(), np.resize(COLOURS, len(curves)), strict=True):
        table = table.sort_values(["false_alarms", "found"])
        x = table.false_alarms + 0.1  # none has its place on the axis, too
        ax.step(x, table.found, where="post", color=colour, label=picture(name), marker=".")
        ax.fill_between(
            x, table.found_low, table.found_high, step="post", color=colour, alpha=0.12, lw=0
        )
    ax.plot(WANTED[0] + 0.1, WANTED[1], "+", color="black", ms=12, label="asked for")
    ax.set(xscale="log", ylim=(0, 1.02), ylabel="drifts found within 2 weeks")
    ax.set_xlabel("false alarms in 100 device-half-years (+ 0.1)")
    legend_beside(ax)
    caption(ax, source)
    return ax
