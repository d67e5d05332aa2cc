"""A board of the catalogue: the core that is emulated for it, and what a firmware costs there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgekit import export
from edgekit.catalog import Board
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate import cost
from edgekit.emulate.cores import CORES, STAND_IN
from edgekit.emulate.firmware import Firmware, build
from edgekit.emulate.profiling import Profile, profile
from edgekit.emulate.selftest import model_bytes
from edgekit.export.slot import image_size
from edgekit.signal.step import Step


def core_for(board: Board) -> str:
    """The board's core, or the stand-in where it cannot be emulated; `latency_on` says which it was."""
    return board.core if board.core in CORES and CORES[board.core].emulated else STAND_IN


def latency_on(board: Board, firmware: Firmware, counted: Profile) -> Figure:
    """Milliseconds for one inference: calibrated where the board's chip, or one like it, was measured."""
    mhz = board.value("clock_mhz")
    if board.core == firmware.cpu and (chip := board.calibration_chip or board.calibration_proxy):
        on = "" if board.calibration_chip else board.name
        return cost.latency(firmware, counted, chip, mhz, on)
    figure = cost.latency(firmware, counted, mhz=mhz)
    if board.core == firmware.cpu:
        return figure
    return replace(figure, source=f"{figure.source}; {firmware.cpu} stands in for {board.core}")


def profile_cost(
    tflite: bytes, features: Step | None, sensitivity: float | None, board: Board, x: Any
) -> dict[str, Figure]:
    """The figures of the application: features and network, from samples to class, on the board's core.

    The code is what ships: it reads its constants from a slot. `tflite` int8 or float32; `features` a step of
    `edgekit.signal`; `sensitivity` physical units per count of an int16 sensor, None for float32 samples;
    `x` (1, window, channels), the window that is counted. `app_flash_bytes` and `app_ram_bytes`
    are without the update agent and its slots, which `agent.device_cost` has; `model_bytes`
    is what lies in one. Of the network alone are `network_bytes` (code and constants) and
    `network_instructions`; `energy_uj` is missing where nobody published the board's active power. Raises
    EdgekitError where the generator cannot take the file.
    """
    source = export.generate(export.read(tflite), "model", slot=True)
    app = build(source, core_for(board), features=features, sensitivity=sensitivity)
    return cost_on(board, app, profile(app, x))


def cost_on(board: Board, app: Firmware, counted: Profile) -> dict[str, Figure]:
    """`profile_cost` of a firmware with features that was counted."""
    slot = image_size(app.source.graph, app.source.layers) if app.source.slot else 0
    features = counted.feature_flash.value if counted.feature_flash else 0
    where = f"{app.flash.source}, constants included"
    time = latency_on(board, app, counted)
    figures = {
        "app_flash_bytes": measured(app.flash.value + slot, "B", where),
        "network_bytes": measured(
            app.flash.value + slot - features, "B", f"{where}, features left out"
        ),
        "model_bytes": model_bytes(app.source),
        "app_ram_bytes": emulated(
            app.ram.value + counted.stack.value, "B", f"{app.ram.source}; stack by painting"
        ),
        "instructions": counted.instructions,
        "network_instructions": counted.network,
        "latency_ms": time,
    }
    if board.active_power_mw:
        energy = cost.energy(time, board)
        scaled = {k: 1000 * getattr(energy, k) for k in ("value", "low", "high")}
        figures["energy_uj"] = replace(energy, unit="µJ", **scaled)
    return figures
