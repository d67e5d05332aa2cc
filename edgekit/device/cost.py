"""Instructions → cycles → milliseconds, millijoules and days.

Cycles are exact block counts times the Cortex-M4's published instruction costs (Technical Reference Manual
r0p1, table 3-1) plus 2 for each taken branch. One factor for each calibrated board takes flash wait states
in; it was fitted to official MLPerf Tiny v1.0 results of rebuilt reference submissions.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.device.build import Firmware
from edgekit.device.emulate import Machine, Profile, instruction_offsets
from edgekit.errors import EdgekitError, did_you_mean
from edgekit.figures import Figure, estimated

TAKEN_BRANCH = 2


@dataclass(frozen=True)
class Board:
    """A calibrated board: clock, measured/model factor with its spread, active power range."""

    cpu: str
    mhz: float
    factor: float
    low: float
    high: float
    milliwatts: tuple[float, float] | None
    source: str


BOARDS = {
    "nrf5340": Board("cortex-m33", 128, 1.03, 1.00, 1.07, None, "MLPerf Tiny v1.0, four models"),
    "stm32l4r5": Board(
        "cortex-m4", 120, 1.26, 1.17, 1.31, (39, 49), "MLPerf Tiny v1.0, four models"
    ),
}


def instruction_cycles(first: int, second: int) -> int:
    """Cycles of one Thumb instruction on a Cortex-M4 from its two halfwords, if no branch is taken.

    Loads and stores take 2, further ones of a multiple 1 each, UDIV and SDIV 2 to 12 (7 assumed), 64-bit and
    DSP multiplies 1, floating-point divide and square root 14, all else 1.
    """
    op = first >> 11
    if op < 0b11101:  # 16 bits
        if 0b01001 <= op <= 0b10011 and not (op == 0b01001 and first >> 10 == 0b010010):
            return 2  # LDR/STR in all addressing modes
        if first >> 9 in (0b1011010, 0b1011110) or op in (0b11000, 0b11001):
            return 1 + bin(first & (0x1FF if op == 0b10110 or op == 0b10111 else 0xFF)).count("1")
        return 1
    if first & 0xFE50 in (0xE810, 0xE800) and first & 0x0040 == 0 and first & 0xFE00 == 0xE800:
        return 1 + bin(second & 0xDFFF).count("1")  # LDM/STM, PUSH.W/POP.W
    if first & 0xFE40 == 0xE840:
        return 3 if first & 0x0120 else 2  # LDRD/STRD, or TBB and exclusives
    if first & 0xFE00 == 0xF800:
        return 2  # LDR/STR.W in all sizes
    if first & 0xFFD0 == 0xFB90:
        return 7  # SDIV/UDIV
    if first & 0xFE00 == 0xEC00:  # VLDR/VSTR and multiples
        return 2 if first & 0x0100 else 1 + (second & 0xFF)
    if first & 0xFFB0 in (0xEE80,) and second & 0x0E00 == 0x0A00:
        return 14  # VDIV
    return 1


def block_cycles(code: bytes, arm: bool = True) -> int:
    """Cycles of a straight run of Thumb code."""
    total = 0
    for at in instruction_offsets(code, arm):
        halves = [code[i] | code[i + 1] << 8 if i + 1 < len(code) else 0 for i in (at, at + 2)]
        total += instruction_cycles(*halves)
    return total


def cycles(firmware: Firmware, profile: Profile) -> Figure:
    """Cycles of the profiled inference by the Cortex-M4's timing, whatever core counted it."""
    if firmware.cpu == "rv32imc":
        raise EdgekitError("no timing model for rv32imc: only instructions are counted")
    machine, known, total = Machine(firmware), {}, 0
    for layer in profile.layers:
        for key, times in layer.blocks.items():
            if key not in known:
                known[key] = block_cycles(bytes(machine.uc.mem_read(*key)))
            total += known[key] * times
        total += TAKEN_BRANCH * layer.taken
    note = (
        "" if firmware.cpu in ("cortex-m4", "cortex-m33") else f", uncalibrated for {firmware.cpu}"
    )
    return estimated(total, "cycles", f"exact block counts x Cortex-M4 TRM costs{note}")


def latency(
    firmware: Firmware, profile: Profile, board: str | None = None, mhz: float | None = None
) -> Figure:
    """Milliseconds for one inference, on a calibrated board or, labelled "uncalibrated", at a clock.

    Raises EdgekitError for an unknown board or one whose core the firmware was not built for.
    """
    count = cycles(firmware, profile).value
    if board is None:
        if not mhz or mhz <= 0:
            raise EdgekitError("name a calibrated board, or give a clock in MHz")
        ms = count / mhz / 1e3
        return estimated(
            ms,
            "ms",
            f"uncalibrated: Cortex-M4 timing at {mhz:g} MHz, no flash waits",
            low=ms,
            high=1.6 * ms,
        )
    if board not in BOARDS:
        raise EdgekitError(f"no calibration for board {board!r}.{did_you_mean(board, BOARDS)}")
    b = BOARDS[board]
    if b.cpu != firmware.cpu:
        raise EdgekitError(f"{board} has a {b.cpu}; this firmware is for {firmware.cpu}")
    clock = mhz or b.mhz
    ms = count / clock / 1e3
    return estimated(
        ms * b.factor,
        "ms",
        f"{board} at {clock:g} MHz, calibrated on {b.source}",
        low=ms * b.low,
        high=ms * b.high,
    )


def energy(
    time: Figure, board: str | None = None, milliwatts: tuple[float, float] | None = None
) -> Figure:
    """Millijoules for one inference: latency times the board's active power range."""
    power = milliwatts or (BOARDS[board].milliwatts if board in BOARDS else None)
    if not power:
        raise EdgekitError(f"no power figure for {board!r}: give milliwatts=(low, high)")
    middle = sum(power) / 2
    source = f"{time.source}; active power {power[0]:g}–{power[1]:g} mW"
    low, high = (
        (time.low or time.value) * power[0] / 1e3,
        (time.high or time.value) * power[1] / 1e3,
    )
    return estimated(time.value * middle / 1e3, "mJ", source, low=low, high=high)


def battery_life(
    inference: Figure,
    per_hour: float,
    battery_mah: float,
    volts: float,
    sleep_ua: float,
    sensor_mj: float = 0.0,
    radio_mj_per_hour: float = 0.0,
    self_discharge_per_year: float = 0.01,
    usable: float = 0.85,
) -> Figure:
    """Days on one battery.

    inference: millijoules each (from `energy`). per_hour: inferences an hour, each with `sensor_mj` of
    sampling. sleep_ua: current between them. radio_mj_per_hour: transmissions, averaged.
    self_discharge_per_year: share of the capacity; usable: share above the cut-off voltage.
    The band comes from the inference energy's band.
    """
    if (
        min(battery_mah, volts, usable) <= 0
        or min(per_hour, sleep_ua, sensor_mj, radio_mj_per_hour) < 0
    ):
        raise EdgekitError(
            "battery capacity and voltage must be positive, consumption not negative"
        )
    capacity = battery_mah * volts * 3.6e3 * usable  # mJ: mAh * V * 3600 s/h
    leak = battery_mah * volts * 3.6e3 * self_discharge_per_year / 365.25
    sleep = sleep_ua * 1e-3 * volts * 86_400  # mJ a day

    def days(mj):
        spent = sleep + leak + 24 * (per_hour * (mj + sensor_mj) + radio_mj_per_hour)
        return capacity / spent if spent else float("inf")

    return estimated(
        days(inference.value),
        "days",
        f"{battery_mah:g} mAh at {volts:g} V, {per_hour:g}/h; {inference.source}",
        low=days(inference.high or inference.value),
        high=days(inference.low or inference.value),
    )
