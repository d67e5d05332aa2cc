"""Decisions from a design and the catalogue: which board, which tier, what power.

select(design)                                        the boards, ranked, each with its reason
mcu_or_mpu(design)                                    microcontroller or processor
recommend_custom_board(design, selection)             a kit, or a board of one's own
power_budget(design, board, latency_s, clock_mhz)     average power, battery life
place(design, backhaul)                               edge, fog or cloud: latency, power, bytes, money
compare(examples())                                   four designs whose answers differ
"""

from edgekit.select.boards import Candidate, Check, Selection, select
from edgekit.select.lora import lora_airtime_s
from edgekit.select.placement import (
    PLACEMENTS,
    Placed,
    Placements,
    compare,
    examples,
    place,
    place_at,
)
from edgekit.select.power import (
    PowerBudget,
    active_power,
    airtime_s,
    estimate_latency_ms,
    message_energy_mj,
    power_budget,
)
from edgekit.select.tiers import CustomBoard, ProcessorChoice, mcu_or_mpu, recommend_custom_board

__all__ = [
    "PLACEMENTS",
    "Candidate",
    "Check",
    "CustomBoard",
    "Placed",
    "Placements",
    "PowerBudget",
    "ProcessorChoice",
    "Selection",
    "active_power",
    "airtime_s",
    "compare",
    "estimate_latency_ms",
    "examples",
    "lora_airtime_s",
    "mcu_or_mpu",
    "message_energy_mj",
    "place",
    "place_at",
    "power_budget",
    "recommend_custom_board",
    "select",
]
