"""Three tiers, what runs on each, and what flows between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.figures import number
from edgekit.select.placed import NOWHERE
from edgekit.view.palette import COLOURS

if TYPE_CHECKING:
    from edgekit.select import Placed, Placements

TIERS = {"edge": "device", "fog": "gateway", "cloud": "cloud"}
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def plot_placement(placements: Placements, name: str) -> Axes:
    """The tiers of the placement `name`: functions in boxes, bytes a day and device on the arrows, and below
    what a decision takes and the device draws. Returns the axes. Raises StopIteration for no such name."""
    placed = placements[name]
    _, axes = plt.subplots(figsize=(8.5, 3.4))
    for column, (tier, title) in enumerate(TIERS.items()):
        functions = [f for f, where in placed.at.items() if where == tier]
        face = COLOURS[column] if functions else "#bbbbbb"
        axes.add_patch(
            plt.Rectangle((column * 3.2, 0), 2, 2.4, facecolor=face, alpha=0.18, edgecolor=face)
        )
        axes.text(column * 3.2 + 1, 2.55, title, ha="center", weight="bold")
        axes.text(column * 3.2 + 1, 1.2, "\n".join(functions) or "–", ha="center", va="center")
    links = (placements.design.link.name, placements.backhaul.name)
    for column, (streams, link) in enumerate(
        zip((placed.streams, placed.onward), links, strict=True)
    ):
        _arrow(axes, column * 3.2 + 2, streams, link)
    nowhere = [f for f, where in placed.at.items() if where == NOWHERE]
    axes.text(0, -0.75, _foot(placed, nowhere), va="top", fontsize=9)
    axes.set(xlim=(-0.1, 8.5), ylim=(-1.6, 3), title=f"{name}: {placed.verdict}")
    axes.set_axis_off()
    return axes


def _arrow(axes: Axes, start: float, streams, link: str) -> None:
    total = sum(s.bytes_per_day for s in streams)
    if not total:
        return
    axes.annotate("", (start + 1.15, 1.2), (start + 0.05, 1.2), arrowprops={"arrowstyle": "->"})
    what = "\n".join(f"{s.what}\n{size(s.bytes_per_day)}/day" for s in streams if s.nbytes)
    axes.text(start + 0.6, 1.35, what, ha="center", va="bottom", fontsize=8)
    axes.text(start + 0.6, 1.05, link.split(" (")[0], ha="center", va="top", fontsize=7, wrap=True)


def _foot(placed: Placed, nowhere: list[str]) -> str:
    median = np.median(placed.latency_ms)
    lines = [
        f"a decision: {number(median)} ms (median), {number(placed.decision_ms.value)} ms (99 of 100); "
        f"device {number(placed.power_mw.value)} mW, {number(placed.battery_years.value)} years; "
        f"{number(placed.eur_month.value)} € a month",
        placed.why,
        f"{NOWHERE}: {', '.join(nowhere)}" if nowhere else "",
        "estimated, of one device",
    ]
    return "\n".join(line[:150] for line in lines if line)


def size(nbytes: float) -> str:
    """`"2 kB"`, `"1.7 GB"`."""
    for unit, name in UNITS:
        if nbytes >= unit:
            return f"{nbytes / unit:.3g} {name}"
    return f"{nbytes:.0f} B"
