"""Instructions → cycles → milliseconds and millijoules.

Cycles are exact block counts times published instruction costs (`timing`). A chip whose latency was published
adds a factor and what it waits for weights in its flash (`edgekit.catalog.calibrations`); its band is how far
the result was off for programs of another author. docs/latency.md has the data and the errors.
"""

from __future__ import annotations

from edgekit.catalog import Board, calibrations
from edgekit.catalog.calibration import calibrations_of_core
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.figures import Figure, estimated, number
from edgekit.emulate.cores import timing_of
from edgekit.emulate.firmware import Firmware
from edgekit.emulate.machine import Machine
from edgekit.emulate.profiling import Profile
from edgekit.emulate.timing import block_cycles

UNCALIBRATED = (
    1.6  # rule of thumb: so many times longer or shorter, where nothing is known of the memory
)


def cycles(firmware: Firmware, profile: Profile) -> Figure:
    """Cycles of the profiled inference by the published instruction timing of its core, no waits in them.

    Raises EdgekitError for a core without one.
    """
    costs = timing_of(firmware.cpu)
    machine, known, total = Machine(firmware), {}, 0
    for layer in profile.layers:
        for key, times in layer.blocks.items():
            if key not in known:
                known[key] = block_cycles(machine.read_at(*key), costs)
            total += known[key] * times
        total += costs.taken * layer.taken
    return estimated(total, "cycles", f"exact block counts x {costs.name}")


def weight_bytes(firmware: Firmware) -> int:
    """Bytes of weights that an inference reads from flash, each counted once, as in the calibration's data.

    Constant matrices and kernels of the network; biases, scales and the features' tables are not in it.
    """
    graph = firmware.source.graph
    used = {i for op in graph.operators for i in op.inputs if i >= 0}
    constant = (graph.tensors[i] for i in used if graph.tensors[i].data is not None)
    return sum(
        t.nbytes for t in constant if len(t.shape) > 1 and str(t.dtype) not in ("int32", "int64")
    )


def latency(
    firmware: Firmware,
    profile: Profile,
    chip: str | None = None,
    mhz: float | None = None,
    on: str = "",
) -> Figure:
    """Milliseconds for one inference on a calibrated chip or, labelled "uncalibrated", at a clock.

    chip: a name of `edgekit.catalog.calibrations`, at its clock or at `mhz`. on: another board with that
    core and flash on its chip, which is then meant; its band is wider. Raises EdgekitError for an unknown
    chip or one whose core the firmware was not built for.
    """
    if not (mhz or 1) > 0 or not (chip or mhz):
        raise EdgekitError("name a calibrated chip, or give a clock in MHz")
    count = cycles(firmware, profile).value
    if chip is None:
        return _uncalibrated(firmware.cpu, count, mhz or 0.0)
    known = calibrations()
    if chip not in known:
        raise EdgekitError(f"no calibration for chip {chip!r}.{did_you_mean(chip, known)}")
    measured = known[chip]
    if measured.core != firmware.cpu:
        raise EdgekitError(f"{chip} has a {measured.core}; this firmware is for {firmware.cpu}")
    clock = mhz or measured.clock_mhz
    waits = measured.weight_cycles * weight_bytes(firmware) / 16
    ms = (measured.factor * count + waits) / clock / 1e3
    band = measured.error_band(ms, other_chip=bool(on))
    ratio = measured.worst_error_other_chip if on else measured.worst_error
    where, which = (on, f"the {measured.name}, ") if on else (measured.name, "")
    doubt = "another chip and another submitter's program" if on else "another submitter's program"
    words = f"{where} at {clock:g} MHz, calibrated on {which}{measured.source}"
    return estimated(ms, "ms", f"{words}; band: {doubt}, ±{100 * ratio:.0f} %", *band)


def _uncalibrated(cpu: str, count: float, mhz: float) -> Figure:
    chips = calibrations_of_core(cpu)
    factor = sum(c.factor for c in chips) / len(chips) if chips else 1.0
    ms = factor * count / mhz / 1e3
    names = " and ".join(c.name for c in chips)
    by = f"{timing_of(cpu).name} x {number(factor)} of {names}" if chips else timing_of(cpu).name
    words = f"uncalibrated: {by} at {mhz:g} MHz, no waits for its memory"
    return estimated(ms, "ms", words, low=ms / UNCALIBRATED, high=ms * UNCALIBRATED)


def energy(
    time: Figure, board: Board | None = None, milliwatts: tuple[float, float] | None = None
) -> Figure:
    """Millijoules for one inference: latency times the active power of a board of the catalogue, or a range.

    milliwatts: (low, high), in place of the board's. Both bands are in it. Raises EdgekitError where
    nobody published the board's power.
    """
    power = milliwatts
    if power is None and board is not None and board.active_power_mw:
        drawn = board.active_power_mw
        power = (drawn.low or drawn.value, drawn.high or drawn.value)
    if not power:
        raise EdgekitError(
            "nobody published this board's active power: give milliwatts=(low, high)"
        )
    middle = sum(power) / 2
    source = f"{time.source}; active power {power[0]:g}–{power[1]:g} mW"
    low, high = (
        (time.low or time.value) * power[0] / 1e3,
        (time.high or time.value) * power[1] / 1e3,
    )
    return estimated(time.value * middle / 1e3, "mJ", source, low=low, high=high)
