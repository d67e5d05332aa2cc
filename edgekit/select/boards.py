"""Filters and ranks the catalogue by a design's budget, and says in words why a board is out.

What a line of the budget limits is held against it by `design.gate`, as everywhere; what a board has room
for, or can be fed with, is compared here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from math import isnan
from typing import TYPE_CHECKING

from edgekit.catalog.entry import temperature
from edgekit.catalog.hardware import Board, boards
from edgekit.core.figures import Figure, number
from edgekit.core.html_table import TABLE
from edgekit.core.palette import KEPT, MISSED, OPEN
from edgekit.design import Design
from edgekit.design.gate import gate
from edgekit.select.power import PowerBudget, airtime_s, estimate_latency_ms, power_budget

if TYPE_CHECKING:
    import pandas as pd

PASSED = {"kept": True, "missed": False, "not judged": None}


@dataclass(frozen=True)
class Check:
    """One requirement against one board. `passed` is None where the catalogue does not know.

    `name`: the line of the budget, or what else is asked of a board.
    """

    name: str
    passed: bool | None
    reason: str


def decided(checks: Iterable[Check]) -> bool | None:
    """False if a check fails, else None if one cannot be made, else True."""
    results = [check.passed for check in checks]
    return False if False in results else None if None in results else True


def reasons(checks: Iterable[Check]) -> str:
    """Why not, else what is not known; "" where every check passes."""
    checks = list(checks)
    bad = [c.reason for c in checks if c.passed is False]
    return "; ".join(bad or [c.reason for c in checks if c.passed is None])


@dataclass(frozen=True)
class Candidate:
    """A board, what was checked, and its power under the duty cycle."""

    board: Board
    checks: tuple[Check, ...]
    power: PowerBudget

    @property
    def verdict(self) -> str:
        """`rejected` if a check fails, else `unknown` if one cannot be made, else `fits`."""
        return {False: "rejected", None: "unknown", True: "fits"}[decided(self.checks)]

    @property
    def reason(self) -> str:
        """Why the board is out, or what is not known; for one that fits, what to mind."""
        return reasons(self.checks) or self.board.note


@dataclass(frozen=True)
class Selection:
    """The catalogue, ranked: what fits by average power, then the unknown, then the rejected."""

    candidates: tuple[Candidate, ...]
    notes: tuple[Check, ...]

    @property
    def fits(self) -> tuple[Board, ...]:
        return tuple(c.board for c in self.candidates if c.verdict == "fits")

    @property
    def unknown(self) -> tuple[Board, ...]:
        return tuple(c.board for c in self.candidates if c.verdict == "unknown")

    @property
    def rejected(self) -> tuple[Board, ...]:
        return tuple(c.board for c in self.candidates if c.verdict == "rejected")

    @property
    def best(self) -> Board | None:
        """The board that fits with the lowest average power; None if none fits."""
        return self.fits[0] if self.fits else None

    def of(self, board: Board) -> Candidate:
        return next(c for c in self.candidates if c.board.key == board.key)

    @property
    def table(self) -> pd.DataFrame:
        """The ranking, one board a row, with the words for each rejection."""
        import pandas as pd

        return pd.DataFrame([_row(c) for c in self.candidates]).set_index("board")

    def _repr_html_(self) -> str:
        colour = {"fits": KEPT, "unknown": OPEN, "rejected": MISSED}
        rows = "".join(
            f'<tr style="background:{colour[c.verdict]};color:#222"><td>{escape(c.board.name)}</td>'
            f"<td>{c.verdict}</td><td>{number(c.power.average_mw.value)} mW</td>"
            f"<td>{number(c.power.battery_years.value)} years</td>"
            f'<td style="text-align:left">{escape(c.reason)}</td></tr>'
            for c in self.candidates
        )
        notes = "".join(
            f"<li>{'⚠ ' if note.passed is False else ''}{escape(note.reason)}</li>"
            for note in self.notes
        )
        head = "<tr><th>board</th><th>verdict</th><th>average</th><th>life</th><th>why</th></tr>"
        return f"{TABLE}{head}{rows}</table><ul>{notes}</ul>"


def select(design: Design) -> Selection:
    """Hold every board of the catalogue against the design's budget; explain each result."""
    candidates = [_candidate(design, board) for board in boards().values()]
    order = {"fits": 0, "unknown": 1, "rejected": 2}
    candidates.sort(key=lambda c: (order[c.verdict], _or_inf(c.power.average_mw.value)))
    return Selection(tuple(candidates), _notes(design))


def _candidate(design: Design, board: Board) -> Candidate:
    power = power_budget(design, board)
    checks = (
        _room(board, "flash", board.value("flash_kb"), design.budget.flash_bytes),
        _room(board, "RAM", board.value("ram_kb"), design.budget.ram_bytes),
        _latency(design, board),
        _temperature(design, board),
        _system(design, board),
        _peak(design, board),
        _average(design, power),
        _life(design, power),
    )
    return Candidate(board, tuple(check for check in checks if check), power)


def _judged(
    design: Design, key: str, figure: Figure | None, reason: str, unknown: str
) -> Check | None:
    """The check of a line of the budget; None where the design sets no limit."""
    for verdict in gate(design.budget, {key: figure}):
        passed = PASSED[verdict.state]
        return Check(key, passed, unknown if passed is None else reason)
    return None


def _room(board: Board, memory: str, has_kb: float, limit: int | None) -> Check | None:
    """Does the board hold what the budget allows the program?"""
    if limit is None:
        return None
    needs, unit = size(limit).split()
    reason = f"needs {needs} {unit} {memory}, has {size(has_kb * 1024).removesuffix(f' {unit}')}"
    return _enough(memory, has_kb * 1024, limit, reason, f"{memory} size is unknown")


def size(nbytes: float) -> str:
    """`"48 KB"`, `"512 MB"`, `"8 GB"`."""
    kb = nbytes / 1024
    for unit, step in (("GB", 2**20), ("MB", 2**10)):
        if kb >= step * 10 or (kb >= step and kb % step == 0):
            return f"{number(kb / step)} {unit}"
    return f"{number(kb)} KB"


def _latency(design: Design, board: Board) -> Check | None:
    limit, macs = design.budget.latency_ms, design.duty.macs_per_inference
    if not macs:
        return None
    guess = estimate_latency_ms(board, macs)
    reason = f"an inference takes about {guess}, allowed are {number(limit)}"
    return _judged(design, "latency_ms", guess, reason, f"speed of {board.core} is unknown")


def _temperature(design: Design, board: Board) -> Check | None:
    wanted, has = design.budget.temperature_c, board.temperature_c
    reason = "temperature range is unknown"
    if wanted is not None and has is not None:
        low, high = map(number, wanted)
        reason = f"must work from {low} to {high} °C, is rated {temperature(has)}"
    return _judged(design, "temperature_c", has, reason, "temperature range is unknown")


def _system(design: Design, board: Board) -> Check | None:
    if design.os is None:
        return None
    runs = board.os == design.os or (design.os, board.os) == ("none", "rtos")
    return Check("os", runs, f"needs OS {design.os!r}, offers {board.os!r}")


def _peak(design: Design, board: Board) -> Check | None:
    if design.battery.mains:
        return None
    draws, gives = board.value("active_power_mw"), design.battery.peak_mw
    cell = design.battery.name
    reason = f"draws {number(draws)} mW when active, {cell} gives {number(gives)} mW at most"
    return _enough("peak", gives, draws, reason, "active power is unknown")


def _average(design: Design, power: PowerBudget) -> Check | None:
    has = power.average_mw
    reason = f"averages {number(has.value)} mW, allowed are {number(design.budget.power_mw)}"
    unknown = f"average power is {has.source.split(',')[0]}"
    return _judged(design, "power_mw", has, reason, unknown)


def _life(design: Design, power: PowerBudget) -> Check | None:
    if design.battery.mains:
        return None
    has, wanted = power.battery_years, design.budget.battery_years
    reason = (
        f"lasts {number(has.value)} years on {design.battery.name}, wanted are {number(wanted)}"
    )
    return _judged(design, "battery_years", has, reason, "battery life cannot be computed")


def _enough(name: str, has: float, needs: float, reason: str, unknown: str) -> Check:
    """`has` must reach `needs`; NaN on either side is neither a pass nor a failure."""
    if isnan(has) or isnan(needs):
        return Check(name, None, unknown)
    return Check(name, has >= needs, reason)


def _notes(design: Design) -> tuple[Check, ...]:
    """What depends on no board: does the link carry the messages, does the battery stand it?"""
    duty, link, battery = design.duty, design.link, design.battery
    notes: list[Check | None] = []
    if duty.messages_per_day:
        share = duty.messages_per_day * airtime_s(link, duty.message_bytes) / 86_400
        reason = f"{link.name}: on the air {share:.3%} of the time, {link.share:.0%} allowed"
        unknown = f"{link.name}: nobody knows how long it is on the air"
        notes.append(_enough("duty cycle", link.share, share, reason, unknown))
    if battery.temperature_c is not None and design.budget.temperature_c is not None:
        low, high = map(number, design.budget.temperature_c)
        rated = temperature(battery.temperature_c)
        reason = f"{battery.name} is rated {rated}, wanted are {low} to {high} °C"
        notes.append(_judged(design, "temperature_c", battery.temperature_c, reason, reason))
    return tuple(note for note in notes if note)


def _row(candidate: Candidate) -> dict[str, object]:
    power = candidate.power
    return {
        "board": candidate.board.key,
        "name": candidate.board.name,
        "verdict": candidate.verdict,
        "average_mw": power.average_mw.value,
        "battery_years": power.battery_years.value,
        "why": candidate.reason,
    }


def _or_inf(value: float) -> float:
    return float("inf") if isnan(value) else value
