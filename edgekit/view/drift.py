"""The pictures of drift: what each detector costs in false alarms and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.view.learning import _caption
from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    import pandas as pd

WANTED = (1.0, 0.95)  # false alarms in 100 half-years, share found


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
    ax.legend(loc="lower right")
    _caption(ax, source)
    return ax
