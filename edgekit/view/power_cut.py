"""An update's operations on the flash, one after the other, and the one at which the power goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from edgekit.view.annotations import SMALL, legend_beside
from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    import pandas as pd

MARKS = {"erase": ("s", COLOURS[1]), "write": ("o", COLOURS[0])}
AREAS = ("log", "slot B", "slot A")


def plot_power_cut(operations: pd.DataFrame, chosen: int) -> Axes:
    """Each operation of a player's `operations` by the part of the flash that it changes; a line at the
    `chosen` one, and a band for each start of the device. Returns the axes."""
    _, axes = plt.subplots(figsize=(9, 2.4), layout="constrained")
    for what, (mark, colour) in MARKS.items():
        some = operations[operations["what"] == what]
        where = [AREAS.index(area) for area in some["area"]]
        axes.plot(some.index, where, mark, color=colour, label=what, ms=6 if what == "write" else 9)
    for start, rows in operations.groupby("start"):
        if start % 2 == 0:
            axes.axvspan(rows.index[0] - 0.5, rows.index[-1] + 0.5, color="0.92", zorder=0)
        axes.annotate(
            f"start {start}" if start == 1 else str(start), (rows.index.to_numpy().mean(), 1.02),
            xycoords=("data", "axes fraction"), ha="center", fontsize=SMALL,
        )  # fmt: skip
    axes.axvline(chosen, color="black", lw=1.5, ls="--", label=f"power cut: operation {chosen}")
    axes.set_yticks(range(len(AREAS)), AREAS)
    axes.set(xlabel="operation on the flash (number)", ylim=(-0.5, len(AREAS) - 0.5))
    legend_beside(axes)
    return axes
