"""Decisions from a design and the catalogue: which board, which tier, what power.

select(design)                                           filter, rank, explain
split(design), go_custom(design, selection)              the decisions after it
power_budget(design, board, latency_s, clock_mhz)        average power, battery life
"""

from edgekit.select.boards import Candidate, Check, Selection, select
from edgekit.select.power import (
    PowerBudget,
    active_power,
    airtime_s,
    estimate_latency_ms,
    message_energy_mj,
    power_budget,
)
from edgekit.select.tiers import Custom, Split, go_custom, split

__all__ = [
    "Candidate",
    "Check",
    "Custom",
    "PowerBudget",
    "Selection",
    "Split",
    "active_power",
    "airtime_s",
    "estimate_latency_ms",
    "go_custom",
    "message_energy_mj",
    "power_budget",
    "select",
    "split",
]
