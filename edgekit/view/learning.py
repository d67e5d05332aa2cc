"""The pictures of chapters 03 and 04. Each returns its axes and says where its numbers are from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from edgekit.core.escape import picture
from edgekit.view.annotations import SMALL, caption, legend_beside, name_points
from edgekit.view.palette import BLUE, GREEN, GREY, RED

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.design import Budget
    from edgekit.learn.scores import Score


def plot_sweep(sweep: pd.DataFrame, chosen: int, points: float = 0.003) -> Axes:
    """Balanced accuracy over the bytes of the float file, each point a width of the `sweep`.

    The width `chosen` is bold; shaded is what is within `points` (a fraction) of the best.
    """
    _, axes = plt.subplots(figsize=(6.5, 3.4))
    kb = sweep.tflite_bytes / 1024
    span = [sweep.balanced_accuracy - sweep.lowest, 0 * kb]
    axes.errorbar(kb, sweep.balanced_accuracy, span, color=BLUE, marker="o", capsize=3)
    best = sweep.balanced_accuracy.max()
    axes.axhspan(
        best - points, best, color=GREEN, alpha=0.2, label=f"within {100 * points:g} points"
    )
    axes.set(xscale="log", xlabel="float32 .tflite (KB)", ylabel="balanced accuracy (–)")
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter("{x:g}")
    legend_beside(axes)
    names = [f"width {width}" for width in sweep.width]
    for text in name_points(axes, kb, sweep.balanced_accuracy, names):
        text.set_fontweight("bold" if text.get_text() == f"width {chosen}" else "normal")
    caption(axes, "measured: mean of folds by recording, whisker down to the worst fold")
    return axes


def plot_confusion(score: Score, title: str = "") -> Axes:
    """The confusion matrix of `score`, windows counted, shaded by the share of each true class.

    `title` stands above it. Returns the axes.
    """
    names = [picture(name) for name in score.recall]
    counts = np.array(score.confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.35 * len(names)
    figure, axes = plt.subplots(figsize=(side, side), layout="constrained")
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    written = [
        axes.text(j, i, f"{n:,}", ha="center", va="center", color="w" if share[i, j] > 0.5 else "k")
        for (i, j), n in np.ndenumerate(counts)
    ]
    ticks = range(len(counts))
    axes.set(xlabel="predicted class", ylabel="true class", title=title)
    axes.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, names)
    caption(axes, "measured: windows of the test recordings")
    figure.draw_without_rendering()  # a cell is as wide as its longest count
    widest = max(text.get_window_extent().width for text in written) + SMALL
    narrow = widest - axes.get_window_extent().width / len(counts)
    side += len(counts) * max(0, narrow) / figure.dpi
    figure.set_size_inches(side, side)
    return axes


COST = {
    "app_flash_bytes": "flash: features, code and weights (bytes)",
    "instructions": "instructions of one window, samples to class",
    "model_bytes": "the model in its slot (bytes)",
    "app_ram_bytes": "RAM with stack (bytes)",
}


def plot_pareto(
    table: pd.DataFrame, variant: str, cost: str = "app_flash_bytes", budget: Budget | None = None
) -> Axes:
    """Balanced accuracy over a cost, the front drawn: int8 rows that no other beats in both.

    `table` of a ledger, `variant` the row that is marked; `cost` a key of COST; the floor is the
    `budget`'s. Whiskers are the loss over seeds. The front is of validation accuracy, as the choice is; the
    heights are those of the test groups.
    """
    table = table.reset_index(drop=True)
    known = table[table[cost].notna()]
    x = known[cost].astype(float)
    _, axes = plt.subplots(figsize=(8, 4.4))
    spread = ((known.loss_high - known.loss_low) / 200).fillna(0)
    axes.errorbar(x, known.accuracy, spread, fmt="none", ecolor=GREY, lw=0.8, alpha=0.6)
    for (input, kind), rows in known.groupby(["input", "type"], sort=False):
        axes.scatter(
            x[rows.index],
            rows.accuracy,
            marker="s" if input == "teacher_input" else "o",
            facecolor=BLUE if kind == "int8" else "none",
            edgecolor=BLUE,
            s=45,
            label=f"{input}, {kind}",
        )
    able = known[known.type == "int8"].sort_values([cost, "val_accuracy"], ascending=[True, False])
    front = able[able.val_accuracy > able.val_accuracy.cummax().shift(fill_value=-1)]
    axes.step(
        x[front.index], front.accuracy, where="post", color=GREEN, lw=1, label="front (validation)"
    )
    row = known[known.variant == variant].iloc[0]
    axes.plot(row[cost], row.accuracy, "*", color=RED, ms=15, label=f"{variant}: {row[cost]:,.0f}")
    if budget is not None and budget.accuracy_floor is not None:
        axes.axhline(
            budget.accuracy_floor,
            color=GREY,
            ls="--",
            lw=1,
            label="accuracy_floor: deployed model, honest split",
        )
    axes.set(xscale="log", xlabel=COST[cost], ylabel="balanced accuracy (–)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.1)
    legend_beside(axes)
    caption(
        axes,
        "accuracy measured on test groups; cost from the compiled binary; numbers are rows of the ledger",
    )
    areas = np.where(known.variant == variant, 225, 45)
    name_points(axes, x, known.accuracy, list(map(str, known.index)), areas)
    return axes


def plot_reliability(logits: np.ndarray, y: np.ndarray, temperature: float, bins: int = 10) -> Axes:
    """Accuracy over confidence before and after the temperature; on the diagonal it means what it says.

    `logits` (n, classes), `y` (n,); windows of like confidence in `bins`.
    """
    from edgekit.monitor.confidence import expected_error, reliability

    _, axes = plt.subplots(figsize=(4.6, 4))
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--")
    for t, color, name in (
        (1.0, RED, "as it is"),
        (temperature, BLUE, f"temperature {temperature:.2f}"),
    ):
        count, confidence, right = map(np.array, zip(*reliability(logits, y, t, bins), strict=True))
        error = 100 * expected_error(logits, y, t, bins)
        axes.plot(confidence, right, color=color, lw=1)
        axes.scatter(
            confidence,
            right,
            8 + 150 * count / count.sum(),
            color=color,
            label=f"{name}: {error:.1f} points off",
        )
    axes.set(xlabel="confidence (–)", ylabel="accuracy (–)", xlim=(0, 1.02), ylim=(0, 1.02))
    legend_beside(axes)
    caption(axes, f"measured: {len(y):,} test windows; area: how many windows")
    return axes
