"""The pictures of chapter 07: a fleet over its weeks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from edgekit.view.annotations import legend_beside
from edgekit.view.palette import COLOURS, lines

if TYPE_CHECKING:
    from edgekit.fleet.status import Summary


def plot_fleet(fleets: Mapping[str, Summary]) -> Axes:
    """Accuracy by week of fleets, name -> summary, on windows that nothing was trained on; small dots are
    weeks in which a release was begun to be rolled out. Returns the axes."""
    _, axes = plt.subplots(figsize=(8, 3.4))
    for colour, (name, summary) in zip(COLOURS, fleets.items(), strict=False):
        weeks = summary.weeks
        axes.plot(weeks.week + 1, weeks.accuracy, color=colour, label=name)
        begun = summary.releases.week[
            (summary.releases.number > 1) & (summary.releases.state != "refused")
        ]
        at = weeks.set_index("week").accuracy.reindex(begun).dropna()
        axes.scatter(at.index + 1, at, color=colour, s=25, zorder=3)
    axes.set(xlabel="week", ylabel="accuracy", ylim=(0, 1.02))
    legend_beside(axes)
    return axes


def plot_cohorts(summary: Summary) -> Axes:
    """Accuracy by week of each cohort of a fleet. Returns the axes."""
    _, axes = plt.subplots(figsize=(8, 3))
    names = summary.cohorts.columns
    for how, name in zip(lines(len(names)), names, strict=True):
        axes.plot(summary.cohorts.index + 1, summary.cohorts[name], label=name, **how)
    axes.set(xlabel="week", ylabel="accuracy", ylim=(0, 1.02))
    legend_beside(axes)
    return axes


def plot_fleet_bytes(fleets: Mapping[str, Summary]) -> Axes:
    """Bytes that went down to fleets, name -> summary, up to each week. Returns the axes."""
    _, axes = plt.subplots(figsize=(8, 2.6))
    for colour, (name, summary) in zip(COLOURS, fleets.items(), strict=False):
        weeks = summary.weeks
        axes.step(
            weeks.week + 1, weeks.bytes_down.cumsum() / 1000, color=colour, label=name, where="mid"
        )
    axes.set(xlabel="week", ylabel="kB down, in all")
    legend_beside(axes)
    return axes
