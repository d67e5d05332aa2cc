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
from edgekit.select.tiers import CustomBoard, ProcessorChoice, recommend_custom_board, split

__all__ = [
    "Candidate",
    "Check",
    "CustomBoard",
    "PowerBudget",
    "ProcessorChoice",
    "Selection",
    "active_power",
    "airtime_s",
    "estimate_latency_ms",
    "message_energy_mj",
    "power_budget",
    "recommend_custom_board",
    "select",
    "split",
]
