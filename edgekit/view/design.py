"""The pictures of chapter 00."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from edgekit.select.power import HOURS_A_YEAR, PowerBudget, power_budget
from edgekit.view.annotations import legend_beside
from edgekit.view.palette import BLUE, GREEN, GREY, PALE, RED, STYLES, lines

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.catalog import Battery, Board
    from edgekit.design import Design


def plot_power(budget: PowerBudget) -> Axes:
    """Average power of each part of `budget`, in µW, as horizontal bars. Returns the axes."""
    table = budget.table
    _, axes = plt.subplots(figsize=(7, 2.2))
    bars = axes.barh(table.index, table["µW"], color=BLUE)
    axes.bar_label(bars, fmt="%.3g", padding=3)
    axes.set(xlabel="average power (µW)", title=budget.board.name)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    return axes


def plot_battery_life(
    battery: Battery, wanted_years: float | None = None, wanted_mw: float | None = None
) -> Axes:
    """Life of `battery` (years) against average power (mW), with and without self-discharge.

    Lines mark `wanted_years` and `wanted_mw`, the power that is allowed. Returns the axes.
    """
    if battery.mains:
        _, axes = plt.subplots(figsize=(7, 1))
        axes.text(0.5, 0.5, "mains: no battery to run down", ha="center", va="center")
        axes.set_axis_off()
        return axes
    power = np.geomspace(0.01, 100, 200)
    yearly = power * HOURS_A_YEAR
    leak = battery.energy_mwh * battery.value("self_discharge_pct_year") / 100
    _, axes = plt.subplots(figsize=(7, 3.2))
    axes.loglog(
        power, battery.energy_mwh / yearly, "--", color=GREY, label="without self-discharge"
    )
    axes.loglog(
        power, battery.energy_mwh / (yearly + leak), color=BLUE, label="with self-discharge"
    )
    if wanted_years:
        axes.axhline(
            wanted_years, color=GREEN, ls=":", lw=1, label=f"wanted: {wanted_years:g} years"
        )
    if wanted_mw:
        axes.axvline(wanted_mw, color=RED, ls="-.", lw=1, label=f"budget: {wanted_mw:g} mW")
    axes.set(xlabel="average power (mW)", ylabel="battery life (years)", title=battery.name)
    legend_beside(axes)
    return axes


def plot_board_memory(
    table: pd.DataFrame, flash_bytes: int | None = None, ram_bytes: int | None = None
) -> Axes:
    """RAM and flash (KB, logarithmic) of each board; dashed lines are what the budget asks for.

    `table` has a row a board and columns ram_kb and flash_kb, as `catalog.table()`. Returns the axes.
    """
    table = table.sort_values("ram_kb")
    _, axes = plt.subplots(figsize=(7, 4.6))
    axes.hlines(table.index, table["ram_kb"], table["flash_kb"], color=PALE)
    for column, label, colour in (("ram_kb", "RAM", BLUE), ("flash_kb", "flash", RED)):
        axes.scatter(table[column], table.index, label=label, color=colour, zorder=2)
        asked = {"ram_kb": ram_bytes, "flash_kb": flash_bytes}[column]
        if asked:
            axes.axvline(asked / 1024, color=colour, ls="--", lw=1, label=f"{label} asked for")
    axes.set(xscale="log", xlabel="memory (KB)")
    legend_beside(axes)
    return axes


def plot_life_over_rate(
    design: Design, boards: Iterable[Board], wanted_years: float | None = None
) -> Axes:
    """Battery life (years) of `design` against inferences per hour, one line for each of `boards`.

    A dashed line marks `wanted_years`. Returns the axes.
    """
    rates = np.geomspace(1, 3600, 40)
    _, axes = plt.subplots(figsize=(7, 3.4))
    boards = list(boards)
    styles = islice(cycle(STYLES), len(boards))  # lives of two boards may lie over each other
    for board, how, style in zip(boards, lines(len(boards)), styles, strict=True):
        years = [
            power_budget(design.at(inferences_per_hour=r), board).battery_years.value for r in rates
        ]
        axes.loglog(rates, years, label=board.name, **how | {"ls": style})
    if wanted_years:
        axes.axhline(
            wanted_years, color="black", ls="--", lw=1, label=f"wanted: {wanted_years:g} years"
        )
    axes.set(xlabel="inferences per hour", ylabel="battery life (years)")
    legend_beside(axes)
    return axes
