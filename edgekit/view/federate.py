"""The pictures of chapter 08: how well the next client is served, and what an update gives away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.core.escape import picture
from edgekit.view.annotations import SMALL
from edgekit.view.palette import BLUE, GREY, RED

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.federate.leaks import Inverted


def plot_rows(table: pd.DataFrame, source: str, beside: str = "centralized") -> Axes:
    """Scores of `federate.trial.table` with their 95 %, a line each; dotted, that of the row `beside`.

    `source` says what was measured on what. Returns the axes.
    """
    _, axes = plt.subplots(figsize=(8, 0.9 + 0.34 * len(table)), layout="constrained")
    places = np.arange(len(table))[::-1]
    axes.hlines(places, table.low, table.high, color=BLUE, lw=2, alpha=0.5)
    axes.scatter(table.score, places, color=BLUE, zorder=3)
    for at, score in zip(places, table.score, strict=True):
        axes.annotate(f"{score:.3f}", (score, at), xytext=(0, 5), textcoords="offset points",
                      ha="center", fontsize=SMALL)  # fmt: skip
    for score in table.score[table.row == beside]:
        axes.axvline(score, color=GREY, ls=":")
    axes.set_yticks(places, [picture(name) for name in table.row])
    axes.set(xlabel=f"balanced accuracy on clients never met\n{picture(source)}")
    axes.set_ylim(-0.6, len(table) - 0.2)
    return axes


def plot_inversions(case: Any, drawn: Mapping[str, Inverted]) -> np.ndarray:
    """What was drawn from updates, a panel each, over the client's own window that it is most like.

    `case`: the UseCase, for its axis; pictures are drawn as pictures, above each other. `drawn`: a
    panel's title -> what it shows. Returns the axes (n,).
    """
    image = case.features.shape[0] > 1
    figure, panels = plt.subplots(
        1, len(drawn), figsize=(2.5 * len(drawn), 3.1), sharey=True, squeeze=False, layout="constrained"
    )  # fmt: skip
    label, values = ("", None) if image else case.FEATURE_AXIS
    for axes, (name, found) in zip(panels[0], drawn.items(), strict=True):
        axes.set_title(
            f"{picture(name)}\nlikeness {found.likeness:.2f}, chance {found.chance:.2f}", fontsize=9
        )
        if image:
            axes.imshow(np.vstack([found.true[..., 0], found.drawn[..., 0]]), cmap="gray")
            axes.axis("off")
            continue
        axes.plot(values, found.true[0, :, 0], color=BLUE, label="the client's window")
        axes.plot(values, found.drawn[0, :, 0], color=RED, lw=1, label="drawn from the update")
    if not image:
        panels[0, 0].set(ylabel="feature (spreads from the mean)")
        figure.supxlabel(label, fontsize=9)
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return panels[0]
