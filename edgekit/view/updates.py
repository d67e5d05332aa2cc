"""Pictures of updates: what few bytes cost in accuracy."""

from __future__ import annotations

import matplotlib.pyplot as plt

from edgekit.view.signals import COLOURS

BLUE, _, GREEN = COLOURS[:3]
GREY = "#999999"


def plot_deltas(table, budget: float = 0.1):
    """Balanced accuracy over the bytes of an update; `table` from `learn.frontier`.

    The released model and a retraining without a budget are lines to compare with; `budget`, a share of the
    released file, is shaded.
    """
    known = table.set_index("variant")
    _, axes = plt.subplots(figsize=(8, 4.2))
    for name, color in (("released", GREY), ("same grid", GREEN)):
        text = (
            f"{name}: {known.bytes[name]:,} B" if name != "released" else "released, nothing sent"
        )
        axes.axhline(known.accuracy[name], color=color, lw=1, ls="--", label=text)
    some = known.drop(["released", "same grid"], errors="ignore").sort_values("bytes")
    axes.plot(
        some.bytes, some.accuracy, "o-", color=BLUE, lw=1, label="sparse, on the released grid"
    )
    for name, row in some.iterrows():
        axes.annotate(name, (row.bytes, row.accuracy), xytext=(6, -12), textcoords="offset points")
    size = float((known.bytes / known.share).dropna().iloc[-1])
    axes.axvspan(0, budget * size, color=GREEN, alpha=0.08, label=f"{budget:.0%} of the file")
    axes.set(xlim=(0, None), xlabel="update, bytes (measured)", ylabel="balanced accuracy, test")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return axes
