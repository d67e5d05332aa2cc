"""The hardware catalogue: boards, links, batteries, their sources, and the choice among them.

boards(), board(key), links(), link(key), batteries(), battery(key)   what there is
calibrations()                                                       what measured chips add to cycles
table()                                                              the boards as a DataFrame
select(design)                                                       filter, rank, explain
split(design), go_custom(design, selection), runtime(board)          the three decisions after it
power_budget(design, board, latency_s, clock_mhz)                    average power, battery life
"""

from edgekit.catalog.calibration import Calibration, calibrations
from edgekit.catalog.decisions import Custom, Split, go_custom, split
from edgekit.catalog.hardware import (
    Battery,
    Board,
    Kit,
    Link,
    batteries,
    battery,
    board,
    boards,
    link,
    links,
    table,
)
from edgekit.catalog.power import (
    PowerBudget,
    active_power,
    airtime_s,
    estimate_latency_ms,
    message_energy_mj,
    power_budget,
)
from edgekit.catalog.runtimes import Runtime, runtime
from edgekit.catalog.selection import Candidate, Check, Selection, select

__all__ = [
    "Battery",
    "Board",
    "Calibration",
    "Candidate",
    "Check",
    "Custom",
    "Kit",
    "Link",
    "PowerBudget",
    "Runtime",
    "Selection",
    "Split",
    "active_power",
    "airtime_s",
    "batteries",
    "battery",
    "board",
    "boards",
    "calibrations",
    "estimate_latency_ms",
    "go_custom",
    "link",
    "links",
    "message_energy_mj",
    "power_budget",
    "runtime",
    "select",
    "split",
    "table",
]
