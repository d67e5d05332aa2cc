"""Average power and battery life from a duty cycle: sleep, sense, compute, radio; estimated."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, isnan
from typing import TYPE_CHECKING

from edgekit.catalog.hardware import Battery, Board
from edgekit.catalog.network import Link
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, estimated, number
from edgekit.core.html_table import TABLE
from edgekit.design import Design
from edgekit.select.lora import lora_airtime_s

if TYPE_CHECKING:
    import pandas as pd

HOURS_A_YEAR = 8766
STATIC = 0.2  # of active power at the full clock: leakage, regulator and oscillator, which no clock slows
NAN = float("nan")


@dataclass(frozen=True)
class PowerBudget:
    """Where the power goes. `parts` are averages in mW; NaN marks what is not known."""

    board: Board
    average_mw: Figure
    battery_years: Figure
    parts: dict[str, Figure]

    @property
    def table(self) -> pd.DataFrame:
        """One row a consumer: average µW, share of the total, how it was computed."""
        import pandas as pd

        total = self.average_mw.value
        rows = [
            {"part": name, "µW": part.value * 1000, "share": part.value / total, "how": part.source}
            for name, part in self.parts.items()
        ]
        return pd.DataFrame(rows).set_index("part")

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{number(part.value * 1000)} µW</td>"
            f"<td><small>{escape(part.source)}</small></td></tr>"
            for name, part in self.parts.items()
        )
        return (
            f"<b>{escape(self.board.name)}</b>: average {self.average_mw._repr_html_()}, "
            f"life {self.battery_years._repr_html_()}{TABLE}{rows}</table>"
        )


def airtime_s(link: Link, nbytes: float) -> float:
    """Seconds on the air for a message of `nbytes`, in as many packets as the link needs."""
    if not nbytes or isnan(nbytes):
        return nbytes * 1.0
    packets, head = _packets(link, nbytes), link.value("overhead_bytes")
    if link.spreading_factor is not None:
        most, factor = int(link.value("max_payload_bytes")), int(link.spreading_factor.value)
        last = ceil(nbytes) - (packets - 1) * most
        full = (packets - 1) * lora_airtime_s(most + int(head), factor)
        return full + lora_airtime_s(last + int(head), factor)
    setup = packets * link.value("setup_s")
    return setup + (nbytes + packets * head) / link.value("bytes_per_s")


def message_energy_mj(link: Link, nbytes: float) -> float:
    """Energy in mJ to send `nbytes` as one message, joining included; NaN where it is unknown."""
    if not nbytes or isnan(nbytes):
        return nbytes * 1.0
    on_air = link.value("tx_power_mw") * airtime_s(link, nbytes)
    session = 0.0 if link.session_mj is None else link.session_mj.value
    return session + on_air + _packets(link, nbytes) * link.value("fixed_mj")


def estimate_latency_ms(board: Board, macs: float | None) -> Figure | None:
    """Latency of a model that is not there yet: multiply-accumulates (`macs`) x cycles each / clock.

    Its band is that of the programs that were published for one network on the core. Returns None
    where neither the design (`macs_per_inference`) nor the catalogue says enough.
    """
    if not macs or board.cycles_per_mac is None or board.clock_mhz is None:
        return None
    each, per_ms = board.cycles_per_mac, board.clock_mhz.value * 1000
    low, high = (
        None if cycles is None else macs * cycles / per_ms for cycles in (each.low, each.high)
    )
    how = (
        f"{number(macs)} multiply-accumulates x {number(each.value)} cycles "
        f"at {number(board.clock_mhz.value)} MHz ({each.source})"
    )
    return estimated(macs * each.value / per_ms, "ms", how, low=low, high=high)


def active_power(board: Board, clock_mhz: float) -> Figure:
    """Power (mW) while it computes at `clock_mhz`, up to the catalogue's: a part that stays, and a part in
    proportion to the clock (P = a + b·f, the switching power of CMOS at one voltage).

    How the catalogue's figure divides is a rule of thumb, STATIC; a lower voltage would save more. NaN where
    the catalogue does not know. Raises EdgekitError for a clock that the board has not.
    """
    full, most = board.value("clock_mhz"), board.value("active_power_mw")
    if not 0 < clock_mhz <= full and not isnan(full):
        raise EdgekitError(f"{board.name} runs at up to {number(full)} MHz, not at {clock_mhz:g}")
    how = f"{number(most)} mW at {number(full)} MHz, of which {STATIC:.0%} stay at any clock (rule of thumb)"
    return estimated(most * (1 - (1 - STATIC) * (1 - clock_mhz / full)), "mW", how)


def power_budget(
    design: Design, board: Board, latency_s: float | None = None, clock_mhz: float | None = None
) -> PowerBudget:
    """Average power (mW) and battery life (years) of `board` under the design's duty cycle.

    `latency_s` is one inference, at `clock_mhz` (None: the catalogue's); without it the estimate of
    `estimate_latency_ms`, else the whole latency budget is taken. Battery life counts self-discharge as a
    constant leak of the capacity. Unknown figures give NaN, which no gate passes.
    """
    duty, link, battery = design.duty, design.link, design.battery
    per_hour, messages = duty.inferences_per_hour, duty.messages_per_day
    latency, how = _latency(design, board, latency_s)
    awake = min(1.0, per_hour * latency / 3600)
    active, clocked = board.value("active_power_mw"), ""
    if clock_mhz is not None:
        slowed = active_power(board, clock_mhz)
        active, clocked = slowed.value, f" at {clock_mhz:g} MHz ({slowed.source})"
    asleep = board.value("sleep_power_uw") / 1000
    energy = message_energy_mj(link, duty.message_bytes) if messages else 0.0
    link_sleep = 0.0 if link.sleep_power_uw is None else link.sleep_power_uw.value / 1000
    sensing = duty.sensor_power_mw * duty.sensor_seconds_per_inference
    values = {
        "sleep": (asleep * (1 - awake), f"{number(asleep * 1000)} µW between measurements"),
        "sense": (
            sensing * per_hour / 3600,
            f"{number(duty.sensor_power_mw)} mW for {number(duty.sensor_seconds_per_inference)} s, "
            f"{number(per_hour)} times an hour",
        ),
        "compute": (
            active * awake,
            f"{number(active)} mW{clocked} for {number(latency * 1000)} ms ({how})",
        ),
        "radio": (
            energy * messages / 86_400 + link_sleep,
            f"{number(energy)} mJ a message, {number(messages)} a day, {link.name}",
        ),
    }
    parts = {name: estimated(value, "mW", text) for name, (value, text) in values.items()}
    average = sum(part.value for part in parts.values())
    missing = [name for name, part in parts.items() if isnan(part.value)]
    source = f"unknown: {board.name} {', '.join(missing)}" if missing else "sum of the duty cycle"
    return PowerBudget(
        board,
        estimated(average, "mW", f"{source}, edgekit.select.power_budget"),
        battery_life(battery, average, source),
        parts,
    )


def battery_life(battery: Battery, average_mw: float, source: str) -> Figure:
    """Years that `battery` lasts at `average_mw` (mW), self-discharge included; `source`: of the power."""
    if battery.mains:
        return estimated(float("inf"), "years", "mains: no battery")
    leak = battery.energy_mwh * battery.value("self_discharge_pct_year") / 100  # mWh a year
    years = battery.energy_mwh / (average_mw * HOURS_A_YEAR + leak) if average_mw >= 0 else NAN
    how = (
        f"{battery.name}: {number(battery.energy_mwh)} mWh usable, "
        f"{number(battery.value('self_discharge_pct_year'))} %/year lost; {source}"
    )
    return estimated(years, "years", how)


def _latency(design: Design, board: Board, latency_s: float | None) -> tuple[float, str]:
    if latency_s is not None:
        return latency_s, "given"
    guess = estimate_latency_ms(board, design.duty.macs_per_inference)
    if guess is not None:
        return guess.value / 1000, "estimated from the multiply-accumulates"
    if design.budget.latency_ms is not None:
        return design.budget.latency_ms / 1000, "the whole latency budget"
    return NAN, "unknown"


def _packets(link: Link, nbytes: float) -> int:
    return ceil(nbytes / link.value("max_payload_bytes"))
