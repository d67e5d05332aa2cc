"""The hardware catalogue: boards, links, batteries, and their sources.

boards(), board(key), links(), link(key), batteries(), battery(key)   what there is
tiers()                                                              gateway and cloud
calibrations()                                                       what measured chips add to cycles
table()                                                              the boards as a DataFrame
runtime(board)                                                       what runs models there
"""

from edgekit.catalog.calibration import Calibration, calibrations
from edgekit.catalog.hardware import (
    Battery,
    Board,
    Kit,
    batteries,
    battery,
    board,
    boards,
    link,
    links,
    table,
    tiers,
)
from edgekit.catalog.network import Link, Tier
from edgekit.catalog.runtimes import Runtime, runtime

__all__ = [
    "Battery",
    "Board",
    "Calibration",
    "Kit",
    "Link",
    "Runtime",
    "Tier",
    "batteries",
    "battery",
    "board",
    "boards",
    "calibrations",
    "link",
    "links",
    "runtime",
    "table",
    "tiers",
]
