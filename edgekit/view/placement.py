"""Three tiers, what runs on each, and what flows between them."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgekit import catalog
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import number
from edgekit.select.placed import NOWHERE
from edgekit.view.annotations import SMALL
from edgekit.view.palette import COLOURS, GREY

if TYPE_CHECKING:
    from edgekit.design import Design
    from edgekit.select import Placed, Placements

TIERS = {"edge": "device", "fog": "gateway", "cloud": "cloud"}
PITCH = 3.9  # from tier to tier, whose boxes are 2 wide
ACROSS, LINE = 18, 120  # letters between two tiers, and below all
UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def plot_placement(placements: Placements, name: str) -> Axes:
    """The tiers of the placement `name`: functions in boxes, bytes a day and device on the arrows, and below
    what a decision takes and the device draws. Returns the axes. Raises StopIteration for no such name."""
    return draw_placed(placements[name], (placements.design.link.name, placements.backhaul.name))


def place_functions(
    design: Design, features: str, decide: str, confirm: str, keep: str, backhaul: str = "ethernet"
) -> pd.DataFrame | None:
    """A placement of your own, drawn by `draw_placed`, and held against all on the device.

    `features`, `decide`, `confirm` at a tier of TIERS; `keep`, where archive and retraining are, or NOWHERE;
    `backhaul`, the catalogue's link behind a gateway.
    Returns a table, a column each: latency, power, life, bytes, money, and the lines that forbid it. An order
    that no data can flow in is drawn as the sentence that says so, and returns None.
    """
    from edgekit.select import PLACEMENTS, place_at

    at = {"sense": "edge", "features": features, "decide": decide, "confirm": confirm}
    try:
        placed = place_at(design, at | {"archive": keep, "retrain": keep}, backhaul)
    except EdgekitError as error:
        _, axes = plt.subplots(figsize=(8.5, 0.6))
        axes.text(0, 0.5, str(error), va="center")
        axes.set_axis_off()
        return None
    draw_placed(placed, (design.link.name, catalog.link(backhaul).name))
    base = place_at(design, PLACEMENTS["all edge"], backhaul)
    return pd.DataFrame({"this placement": _facts(placed), "all on the device": _facts(base)})


def _facts(placed: Placed) -> dict[str, str]:
    failed = [f"{c.name}: {c.reason}" for c in placed.checks if c.passed is False]
    return {
        "verdict": placed.verdict,
        "a decision, median (ms)": number(np.median(placed.latency_ms)),
        "a decision, 99 of 100 (ms)": number(placed.decision_ms.value),
        "device's power (mW)": number(placed.power_mw.value),
        "battery (years)": number(placed.battery_years.value),
        "from the device (a day)": size(placed.bytes_per_day),
        "on to the cloud (a day)": size(sum(s.bytes_per_day for s in placed.onward)),
        "€ a month": number(placed.eur_month.value),
        "forbidden by": "; ".join(failed) or "–",
    }


def draw_placed(placed: Placed, links: tuple[str, str]) -> Axes:
    """One placement as `plot_placement` draws it; `links`: the names of the device's and the gateway's."""
    name = placed.name
    _, axes = plt.subplots(figsize=(9.5, 3.6))
    for column, (tier, title) in enumerate(TIERS.items()):
        functions = [f for f, where in placed.at.items() if where == tier]
        face = COLOURS[column] if functions else GREY
        axes.add_patch(
            plt.Rectangle((column * PITCH, 0), 2, 2.4, facecolor=face, alpha=0.18, edgecolor=face)
        )
        axes.text(column * PITCH + 1, 2.55, title, ha="center", weight="bold")
        axes.text(column * PITCH + 1, 1.2, "\n".join(functions) or "–", ha="center", va="center")
    for column, (streams, link) in enumerate(
        zip((placed.streams, placed.onward), links, strict=True)
    ):
        _arrow(axes, column * PITCH + 2, streams, link)
    nowhere = [f for f, where in placed.at.items() if where == NOWHERE]
    axes.text(0, -0.75, _foot(placed, nowhere), va="top", fontsize=9)
    axes.set(xlim=(-0.1, 2 * PITCH + 2.1), ylim=(-1.6, 3), title=f"{name}: {placed.verdict}")
    axes.set_axis_off()
    return axes


def _arrow(axes: Axes, start: float, streams, link: str) -> None:
    total = sum(s.bytes_per_day for s in streams)
    if not total:
        return
    axes.annotate(
        "", (start + PITCH - 2.05, 1.2), (start + 0.05, 1.2), arrowprops={"arrowstyle": "->"}
    )
    what = "\n".join(f"{s.what}\n{size(s.bytes_per_day)}/day" for s in streams if s.nbytes)
    axes.text(start + (PITCH - 2) / 2, 1.35, what, ha="center", va="bottom", fontsize=SMALL)
    name = fill(link.split(" (")[0], ACROSS)
    axes.text(start + (PITCH - 2) / 2, 1.05, name, ha="center", va="top", fontsize=SMALL)


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
    return "\n".join(fill(line, LINE) for line in lines if line)


def size(nbytes: float) -> str:
    """`"2 kB"`, `"1.7 GB"`."""
    for unit, name in UNITS:
        if nbytes >= unit:
            return f"{nbytes / unit:.3g} {name}"
    return f"{nbytes:.0f} B"
