"""What a network costs on a board, in one call: a row of the compression ledger."""

from __future__ import annotations

from dataclasses import replace

from edgekit import export
from edgekit.catalog import Board
from edgekit.core.figures import Figure, emulated
from edgekit.emulate import cost
from edgekit.emulate.application import application, profile
from edgekit.emulate.target import core_for, latency_on


def profile_cost(
    tflite: bytes, features, sensitivity: float | None, board: Board, x
) -> dict[str, Figure]:
    """The figures of the deployed thing: features and network, from samples to class, on the board's core.

    `tflite` int8 or float32; `features` a step of `edgekit.signal`; `x` (1, window, channels), the window
    that is counted. Of the network alone are `network_bytes` (code and weights) and
    `network_instructions`; `energy_uj` is missing where nobody published the board's active power. Raises
    EdgekitError where the generator cannot take the file.
    """
    source = export.generate(export.read(tflite), "model")
    app = application(source, features, sensitivity, cpu=core_for(board))
    counted = profile(app, x)
    where = app.flash.source
    time = latency_on(board, app, counted)
    figures = {
        "flash_bytes": app.flash,
        "network_bytes": replace(
            app.flash,
            value=app.flash.value - counted.feature_flash.value,
            source=f"{where}, features left out",
        ),
        "ram_bytes": emulated(
            app.ram.value + counted.stack.value, "B", f"{where}; stack by painting"
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
