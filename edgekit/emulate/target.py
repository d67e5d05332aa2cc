"""From a board of the catalogue to the core that is emulated for it."""

from __future__ import annotations

from dataclasses import replace

from edgekit.catalog import Board
from edgekit.core.figures import Figure
from edgekit.emulate import cost
from edgekit.emulate.build import Firmware
from edgekit.emulate.run import Profile

EMULATED = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc")
FALLBACK_CPU = (
    "cortex-m4"  # for cores that cannot be emulated here: Xtensa, M55, application processors
)


def core_for(board: Board) -> str:
    """The board's core, or the stand-in where it cannot be emulated; `latency_on` says which it was."""
    return board.core if board.core in EMULATED else FALLBACK_CPU


def latency_on(board: Board, firmware: Firmware, profile: Profile) -> Figure:
    """Milliseconds for one inference: calibrated where the board's chip, or one like it, was measured."""
    mhz = board.value("clock_mhz")
    if board.core == firmware.cpu and (chip := board.calibration_chip or board.calibration_proxy):
        on = "" if board.calibration_chip else board.name
        return cost.latency(firmware, profile, chip, mhz, on)
    figure = cost.latency(firmware, profile, mhz=mhz)
    if board.core == firmware.cpu:
        return figure
    return replace(figure, source=f"{figure.source}; {firmware.cpu} stands in for {board.core}")
