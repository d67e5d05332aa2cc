"""The pictures of chapters 02, 03 and 04. Each returns its axes and says where its numbers are from."""

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


def plot_shift(lab, field, y_lab, y_field, classes, frequencies):
    """Mean feature (n, lines) ± one standard deviation over `frequencies` (Hz), a panel per class."""
    figure, panels = plt.subplots(
        1, len(classes), figsize=(3.6 * len(classes), 3), sharey=True, squeeze=False
    )
    for c, axes in enumerate(panels[0]):
        for name, X, y, color in (("lab", lab, y_lab, BLUE), ("field", field, y_field, RED)):
            mean, sd = X[y == c].mean(axis=0), X[y == c].std(axis=0)
            axes.plot(frequencies, mean, color=color, ls="-" if name == "lab" else "--", label=name)
            axes.fill_between(frequencies, mean - sd, mean + sd, color=color, alpha=0.2, lw=0)
        axes.set(title=classes[c], xlabel="strike rate (Hz)")
    panels[0][0].set_ylabel("√ envelope amplitude (relative)")
    panels[0][-1].legend()
    _caption(panels[0][-1], "measured: mean ± 1 sd over windows")
    figure.tight_layout()
    return panels[0]


def plot_adaptation(table):
    """Balanced accuracy of each method on held-out field recordings, with its 95 % interval."""
    _, axes = plt.subplots(figsize=(7, 0.34 * len(table) + 0.9))
    color = [GREY, *[BLUE] * (len(table) - 2), GREEN]
    wide = [table.balanced_accuracy - table.low, table.high - table.balanced_accuracy]
    axes.barh(table.method, table.balanced_accuracy, xerr=wide, color=color, capsize=3)
    chance = 1 / sum(column.startswith("recall ") for column in table.columns)
    axes.axvline(chance, color=GREY, lw=1, ls=":")
    axes.set(xlabel="balanced accuracy (–)", xlim=(0, 1.02))
    axes.invert_yaxis()
    _caption(
        axes,
        "measured: whole recordings held out; bars are 95 % intervals, the dotted line is chance",
    )
    return axes


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
