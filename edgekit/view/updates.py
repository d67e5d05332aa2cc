"""Pictures of updates: what few bytes cost in accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from edgekit.view.annotations import legend_beside, name_points
from edgekit.view.palette import BLUE, GREEN, GREY

if TYPE_CHECKING:
    from edgekit.learn import Frontier


def plot_deltas(frontier: Frontier, budget: float = 0.1) -> Axes:
    """Balanced accuracy over the bytes of an update, of a `frontier`.

    The released model and a retraining without a budget are lines to compare with; `budget`, a share of the
    released file, is shaded.
    """
    from edgekit.learn.update_frontier import Freedom

    _, axes = plt.subplots(figsize=(8, 4.2))
    released, free = frontier.of(Freedom.NOTHING), frontier.of(Freedom.GRID)
    lines = (
        (released, GREY, "released, nothing sent"),
        (free, GREEN, f"same grid: {free.bytes:,} B"),
    )
    for update, color, text in lines:
        axes.axhline(update.accuracy, color=color, lw=1, ls="--", label=text)
    some = [u for u in frontier.updates if u not in (released, free)]
    some.sort(key=lambda u: u.bytes)
    at, accuracy = [u.bytes for u in some], [u.accuracy for u in some]
    axes.plot(at, accuracy, "o-", color=BLUE, lw=1, label="sparse, on the released grid")
    axes.axvspan(
        0, budget * len(released.tflite), color=GREEN, alpha=0.08, label=f"{budget:.0%} of the file"
    )
    axes.set(xlabel="update, bytes (measured)", ylabel="balanced accuracy, test")
    axes.grid(alpha=0.3)
    axes.margins(0.1)
    axes.set_xlim(left=0)
    legend_beside(axes)
    name_points(axes, at, accuracy, [u.variant for u in some])
    return axes
