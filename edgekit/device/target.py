"""From a board of the catalogue to the core that is emulated for it."""

from __future__ import annotations

from dataclasses import replace

from edgekit.catalog import Board
from edgekit.device import cost
from edgekit.device.build import Firmware
from edgekit.device.emulate import Profile
from edgekit.figures import Figure

EMULATED = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "rv32imc")
CALIBRATED = {
    "nrf5340": "nrf5340",
    "stm32l4": "stm32l4r5",
}  # board of the catalogue -> of the cost model
STAND_IN = (
    "cortex-m4"  # for cores that cannot be emulated here: Xtensa, M55, application processors
)


def core_for(board: Board) -> str:
    """The board's core, or the stand-in where it cannot be emulated; `latency_on` says which it was."""
    return board.core if board.core in EMULATED else STAND_IN


def latency_on(board: Board, firmware: Firmware, profile: Profile) -> Figure:
    """Milliseconds for one inference: calibrated where the board was measured publicly, else not."""
    if board.key in CALIBRATED and board.core == firmware.cpu:
        return cost.latency(firmware, profile, CALIBRATED[board.key])
    figure = cost.latency(firmware, profile, mhz=board.value("clock_mhz"))
    if board.core == firmware.cpu:
        return figure
    return replace(figure, source=f"{figure.source}; {firmware.cpu} stands in for {board.core}")
