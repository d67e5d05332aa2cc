"""What the drift sketch costs a device: its C, compiled for a core, run there and counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.snippet import running
from edgekit.monitor.sketch import Centre, Phases, Scale, Sketch, c_files

PROGRAM = """\
#include "probe_drift.h"
struct drift_sketch probe_sketch;
int16_t probe_mean[PROBE_DRIFT_LOOKED];
int8_t probe_input[{inputs}];
uint32_t probe_answer, probe_command;
__attribute__((noinline)) static void code_hear(void) {{
  drift_hear(&probe_drift, &probe_sketch, probe_mean, probe_input);
}}
__attribute__((noinline)) static void code_week(void) {{
  probe_answer = drift_end_week(&probe_drift, &probe_sketch);
}}
void probe_invoke(void) {{
  if (probe_command == 1) code_hear();
  if (probe_command == 2) code_week();
}}
"""
HEAR, WEEK = 1, 2


@dataclass(frozen=True)
class Footprint:
    """Bytes and instructions of the sketch on a core: `ram` of the sketch itself and `code`; beside it
    `mean_ram` and `table_flash` for what distances are measured by; `window` and `week` instructions."""

    ram: Figure
    code: Figure
    mean_ram: Figure
    table_flash: Figure
    window: Figure
    week: Figure


class CoreSketch:
    """A sketch on an emulated core, fed window by window. Its bytes are `encode()`."""

    def __init__(self, scale: Scale, phases: Phases, cpu: str = "cortex-m4", opt: str = "-Os"):
        files = {"probe.c": PROGRAM.format(inputs=scale.inputs), **c_files("probe", scale, phases)}
        self.scale, self.where = scale, f"{cpu}, zig {opt}"
        self.core = running(files, "probe_invoke", cpu, opt)

    def load(self, sketch: Sketch, centre: Centre) -> None:
        """What a device of this scale and these phases has kept."""
        self.core.write("probe_sketch", sketch.encode())
        self.core.write("probe_mean", centre.mean.astype("<i2").tobytes())

    def hear(self, inputs: np.ndarray) -> None:
        """Windows (n, d) int8, in their order."""
        for row in np.asarray(inputs, np.int8).reshape(-1, self.scale.inputs):
            self.core.write("probe_input", row.tobytes())
            self._run(HEAR)

    def end_week(self) -> int:
        """As `Sketch.end_week`."""
        self._run(WEEK)
        return int.from_bytes(self.core.read("probe_answer"), "little")

    def encode(self) -> bytes:
        """The sketch as it lies in the core's memory."""
        return self.core.read("probe_sketch")

    def means(self) -> np.ndarray:
        """(looked,) the device's means, in 1/256 of a step."""
        return np.frombuffer(self.core.read("probe_mean"), "<i2").astype(np.int64)

    def _run(self, command: int) -> None:
        self.core.write("probe_command", command.to_bytes(4, "little"))
        self.core.call("probe_invoke")

    def counted(self, command: int) -> int:
        """Instructions of one call."""
        return self.core.counted(lambda: self._run(command))[0]


def footprint(
    scale: Scale, phases: Phases, inputs: np.ndarray, cpu: str = "cortex-m4", opt: str = "-Os"
) -> Footprint:
    """Run int8 `inputs` (n, d) through the sketch on a core, past its reference, and count the last one.

    `cpu` and `opt`: the core and the compiler's level. Raises EdgekitError where the core's sketch is not
    Python's, to the bit, or `inputs` are too few.
    """
    if len(inputs) <= phases.reference_until:
        raise EdgekitError(
            f"the sketch learns from {phases.reference_until:,} windows; {len(inputs):,} are too few to "
            "count what one costs afterwards"
        )
    device, sketch, centre = CoreSketch(scale, phases, cpu, opt), Sketch(phases), Centre(scale)
    device.hear(inputs)
    sketch.hear(inputs, centre)
    if device.encode() != sketch.encode() or (device.means() != centre.mean).any():
        raise EdgekitError(f"the sketch of {device.where} is not Python's")
    symbols = device.core.symbols
    code = sum(s.size for s in symbols.values() if s.name.startswith(("code_", "drift_")))
    window, week = device.counted(HEAR), device.counted(WEEK)
    looked, where = len(scale.inverse), f"ELF symbols, {device.where}"
    ran = f"instructions on the emulated core, {device.where}"
    return Footprint(
        ram=measured(symbols["probe_sketch"].size, "B", where),
        code=measured(code, "B", where),
        mean_ram=measured(symbols["probe_mean"].size, "B", where),
        table_flash=measured(2 * looked, "B", where),
        window=emulated(window, "instructions", ran),
        week=emulated(week, "instructions", ran),
    )
