"""The pictures of chapters 03 and 04. Each returns its axes and says where its numbers are from."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from edgekit.view.signals import COLOURS

BLUE, RED, GREEN = COLOURS[:3]
GREY = "#999999"


def _caption(axes, text: str) -> None:
    axes.annotate(
        text,
        (1, -0.24),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize=7,
        color="#555555",
    )


def plot_sweep(sweep, chosen: int, points: float = 0.003):
    """Balanced accuracy over the bytes of the float file, each point a width."""
    _, axes = plt.subplots(figsize=(6.5, 3.4))
    kb = sweep.tflite_bytes / 1024
    span = [sweep.balanced_accuracy - sweep.lowest, 0 * kb]
    axes.errorbar(kb, sweep.balanced_accuracy, span, color=BLUE, marker="o", capsize=3)
    for x, y, width in zip(kb, sweep.balanced_accuracy, sweep.width, strict=True):
        bold = "bold" if width == chosen else "normal"
        axes.annotate(f"width {width}", (x, y), (4, -13), textcoords="offset points", weight=bold)
    best = sweep.balanced_accuracy.max()
    axes.axhspan(
        best - points, best, color=GREEN, alpha=0.2, label=f"within {100 * points:g} points"
    )
    axes.set(xscale="log", xlabel="float32 .tflite (KB)", ylabel="balanced accuracy (–)")
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="lower right")
    _caption(axes, "measured: mean of folds by recording, whisker down to the worst fold")
    return axes


def plot_confusion(scores: dict, title: str = ""):
    """The confusion matrix of `score`, windows counted, shaded by the share of each true class."""
    names = list(scores["recall"])
    counts = np.array(scores["confusion"])
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _, axes = plt.subplots(figsize=(3.6, 3.2))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (i, j), n in np.ndenumerate(counts):
        axes.text(j, i, f"{n:,}", ha="center", va="center", color="w" if share[i, j] > 0.5 else "k")
    ticks = range(len(counts))
    axes.set(xlabel="predicted class", ylabel="true class", title=title)
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    _caption(axes, "measured: windows of the test recordings")
    return axes


def plot_ledger(table, chosen: str, floor: float | None = None):
    """Balanced accuracy over bytes in flash; shape says what the network hears, colour its type."""
    _, axes = plt.subplots(figsize=(8, 4.2))
    for (heard, kind), rows in table.groupby(["input", "type"], sort=False):
        axes.scatter(
            rows.slim_bytes,
            rows.accuracy,
            marker="s" if heard == "waveform" else "o",
            facecolor=BLUE if kind == "int8" else "none",
            edgecolor=BLUE,
            s=50,
            label=f"{heard}, {kind}",
        )
    row = table[table.variant == chosen].iloc[0]
    axes.plot(row.slim_bytes, row.accuracy, "*", color=RED, ms=14, label=f"chosen: {chosen}")
    places = {}
    for number, place in enumerate(zip(table.slim_bytes, table.accuracy, strict=True), 1):
        places.setdefault((round(place[0], -2), round(place[1], 3)), []).append(str(number))
    for place, numbers in places.items():
        axes.annotate(", ".join(numbers), place, (7, 4), textcoords="offset points", fontsize=7)
    if floor is not None:
        axes.axhline(floor, color=GREY, ls="--", lw=1, label=f"floor {floor:g}")
    axes.set(xscale="log", xlabel=".tflite, slim (bytes)", ylabel="balanced accuracy (–)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize=8)
    _caption(axes, "measured: test recordings; int8 by TFLM; numbers are rows of the ledger")
    return axes
