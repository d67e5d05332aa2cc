"""The pictures of a threshold and of a machine that wears out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.view.annotations import caption as below
from edgekit.view.annotations import legend_beside
from edgekit.view.palette import BLUE, COLOURS, RED

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.monitor.trend import Life


def plot_scores(
    scores: np.ndarray,
    faulty: np.ndarray,
    threshold: float | None = None,
    caption: str = "measured",
) -> Axes:
    """Histogram of `scores` (n,), healthy and `faulty` (n,) bool, and the `threshold`, on a logarithmic axis.

    `caption` says where the numbers are from.
    """
    _, axes = plt.subplots(figsize=(7, 2.8))
    bins = np.geomspace(scores.min(), scores.max(), 40).tolist()
    for name, rows, colour in (("healthy", ~faulty, BLUE), ("faulty", faulty, RED)):
        axes.hist(scores[rows], bins, color=colour, alpha=0.6, label=name)
    if threshold is not None:
        axes.axvline(threshold, color="k", ls="--", label=f"threshold {threshold:.2f}")
    axes.set(xscale="log", xlabel="anomaly score (healthy = 1)", ylabel="recordings")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    legend_beside(axes)
    below(axes, caption)
    return axes


def plot_cost(
    curve: pd.DataFrame, threshold: float, currency: str = "€", caption: str = "measured"
) -> Axes:
    """Expected cost in `currency` over the threshold with its band, of an `alarm.curve`.

    Marked is the chosen `threshold`; `caption` says where the numbers are from.
    """
    _, axes = plt.subplots(figsize=(7, 3))
    axes.plot(curve.threshold, curve.cost, color=BLUE, label="expected cost")
    axes.fill_between(curve.threshold, curve.low, curve.high, color=BLUE, alpha=0.2, lw=0)
    axes.axvline(threshold, color=RED, ls="--", label=f"chosen, {threshold:.2f}")
    axes.set(xlabel="threshold (healthy = 1)", ylabel=f"{currency} per measurement", xscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    legend_beside(axes)
    below(axes, f"{caption}: validation recordings; the band is 95 % of bootstraps by recording")
    return axes


def plot_health(lives: Sequence[Life], threshold: float, caption: str = "simulated") -> Axes:
    """The health indicator of some `lives` over their hours; above `threshold` a fault counts as noticed.

    `caption` says where the numbers are from.
    """
    _, axes = plt.subplots(figsize=(8, 3))
    for k, life in enumerate(lives):
        axes.plot(life.hours, life.health, ".-", color=COLOURS[k % len(COLOURS)], lw=0.8, ms=3)
        axes.plot(life.end, life.health[-1], "x", color=COLOURS[k % len(COLOURS)])
    axes.axhline(threshold, color="0.4", ls="--", lw=1, label=f"noticed above {threshold:g}")
    axes.set(xlabel="time (h)", ylabel="health indicator (sound = 1)", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    legend_beside(axes)
    below(axes, f"{caption}: each line is a machine, a cross its end")
    return axes


def plot_remaining_life(
    predictions: pd.DataFrame, life: int, alpha: float = 0.2, caption: str = "simulated"
) -> Axes:
    """Predicted and true hours left of one `life` in the `predictions` of `trend.evaluate`.

    Shaded is the cone of ±`alpha`; `caption` says where the numbers are from.
    """
    rows = predictions[predictions.life == life]
    _, axes = plt.subplots(figsize=(7, 3))
    axes.plot(rows.lam, rows.left, color="k", label="true")
    cone = [rows.left * (1 - alpha), rows.left * (1 + alpha)]
    axes.fill_between(rows.lam, *cone, color="0.8", label=f"±{100 * alpha:.0f} %")
    low, high = rows.middle - rows.low, (rows.high - rows.middle).clip(upper=4 * rows.left.max())
    axes.errorbar(rows.lam, rows.middle, [low, high], fmt="o", color=BLUE, capsize=2, ms=4,
                  label="predicted, 10 to 90 %")  # fmt: skip
    axes.set(
        xlabel="λ (0 noticed, 1 failed)", ylabel="hours left (h)", ylim=(0, 2.5 * rows.left.max())
    )
    legend_beside(axes)
    below(axes, f"{caption}: each prediction knows only what came before it")
    return axes
