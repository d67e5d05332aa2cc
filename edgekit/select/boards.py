"""Filters and ranks the catalogue by a design's budget, and says in words why a board is out."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from edgekit.catalog.hardware import Board, boards, temperature
from edgekit.core.figures import number
from edgekit.select.power import PowerBudget, airtime_s, estimate_latency_ms, power_budget

if TYPE_CHECKING:
    from edgekit.design import Design


@dataclass(frozen=True)
class Check:
    """One requirement against one board. `passed` is None where the catalogue does not know."""

    name: str
    passed: bool | None
    reason: str


@dataclass(frozen=True)
class Candidate:
    """A board, what was checked, and its power under the duty cycle."""

    board: Board
    checks: tuple[Check, ...]
    power: PowerBudget

    @property
    def verdict(self) -> str:
        """`rejected` if a check fails, else `unknown` if one cannot be made, else `fits`."""
        results = [check.passed for check in self.checks]
        return "rejected" if False in results else "unknown" if None in results else "fits"

    @property
    def reason(self) -> str:
        """Why the board is out, or what is not known; for one that fits, what to mind."""
        bad = [c.reason for c in self.checks if c.passed is False]
        gaps = [c.reason for c in self.checks if c.passed is None]
        return "; ".join(bad or gaps) or self.board.note


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
        return pd.DataFrame([_row(c) for c in self.candidates]).set_index("board")

    def to_dicts(self) -> list[dict]:
        return [
            {
                "board": c.board.key,
                "verdict": c.verdict,
                "why": c.reason,
                "checks": [
                    {"name": k.name, "passed": k.passed, "reason": k.reason} for k in c.checks
                ],
            }
            for c in self.candidates
        ]

    def _repr_html_(self) -> str:
        colour = {"fits": "#d8f0d8", "unknown": "#f4efd0", "rejected": "#f6d8d8"}
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
        return f"<table>{head}{rows}</table><ul>{notes}</ul>"


def select(design: Design) -> Selection:
    """Hold every board of the catalogue against the design's budget; explain each result."""
    candidates = [_candidate(design, board) for board in boards().values()]
    order = {"fits": 0, "unknown": 1, "rejected": 2}
    candidates.sort(key=lambda c: (order[c.verdict], _or_inf(c.power.average_mw.value)))
    return Selection(tuple(candidates), _notes(design))


def _candidate(design: Design, board: Board) -> Candidate:
    power = power_budget(design, board)
    checks = (
        _room(design, board, "flash"),
        _room(design, board, "ram"),
        _latency(design, board),
        _temperature(design, board),
        _system(design, board),
        _peak(design, board),
        _average(design, power),
        _life(design, power),
    )
    return Candidate(board, tuple(check for check in checks if check), power)


def _room(design, board, memory) -> Check | None:
    limit = getattr(design.budget, f"{memory}_bytes")
    if limit is None:
        return None
    has = board.value(f"{memory}_kb") * 1024
    label = {"flash": "flash", "ram": "RAM"}[memory]
    needs, unit = size(limit).split()
    reason = f"needs {needs} {unit} {label}, has {size(has).removesuffix(f' {unit}')}"
    return _check(memory, has, limit, reason, f"{label} size is unknown")


def size(nbytes: float) -> str:
    """`"48 KB"`, `"512 MB"`, `"8 GB"`."""
    kb = nbytes / 1024
    for unit, step in (("GB", 2**20), ("MB", 2**10)):
        if kb >= step * 10 or (kb >= step and kb % step == 0):
            return f"{number(kb / step)} {unit}"
    return f"{number(kb)} KB"


def _latency(design, board) -> Check | None:
    limit, macs = design.budget.latency_ms, design.duty.macs_per_inference
    if limit is None or not macs:
        return None
    guess = estimate_latency_ms(board, macs)
    ms = float("nan") if guess is None else guess.value
    reason = f"an inference takes about {guess}, allowed are {number(limit)}"
    return _check("latency", -ms, -limit, reason, f"speed of {board.core} is unknown")


def _temperature(design, board) -> Check | None:
    wanted, has = design.budget.temperature_c, board.temperature_c
    if wanted is None:
        return None
    if has is None:
        return Check("temperature", None, "temperature range is unknown")
    lo, hi = wanted
    reason = f"must work from {number(lo)} to {number(hi)} °C, is rated {temperature(has)}"
    return Check("temperature", has.low <= lo and hi <= has.high, reason)


def _system(design, board) -> Check | None:
    if design.os is None:
        return None
    runs = board.os == design.os or (design.os, board.os) == ("none", "rtos")
    return Check("os", runs, f"needs OS {design.os!r}, offers {board.os!r}")


def _peak(design, board) -> Check | None:
    if design.battery.mains:
        return None
    draws, gives = board.value("active_power_mw"), design.battery.peak_mw
    cell = design.battery.name
    reason = f"draws {number(draws)} mW when active, {cell} gives {number(gives)} mW at most"
    return _check("peak", gives, draws, reason, "active power is unknown")


def _average(design, power) -> Check | None:
    limit, has = design.budget.power_mw, power.average_mw
    if limit is None:
        return None
    reason = f"averages {number(has.value)} mW, allowed are {number(limit)}"
    return _check(
        "power", -has.value, -limit, reason, f"average power is {has.source.split(',')[0]}"
    )


def _life(design, power) -> Check | None:
    limit, has = design.budget.battery_years, power.battery_years.value
    if limit is None or design.battery.mains:
        return None
    reason = f"lasts {number(has)} years on {design.battery.name}, wanted are {number(limit)}"
    return _check("battery", has, limit, reason, "battery life cannot be computed")


def _check(name, has, limit, reason, unknown) -> Check:
    """`has` must reach `limit`; NaN on either side is neither a pass nor a failure."""
    if isnan(has) or isnan(limit):
        return Check(name, None, unknown)
    return Check(name, has >= limit, reason)


def _notes(design) -> tuple[Check, ...]:
    """What depends on no board: does the link carry the messages, does the battery stand it?"""
    duty, link, battery, wanted = (
        design.duty,
        design.link,
        design.battery,
        design.budget.temperature_c,
    )
    notes = []
    if duty.messages_per_day:
        share = duty.messages_per_day * airtime_s(link, duty.message_bytes) / 86_400
        reason = f"{link.name}: on the air {share:.3%} of the time, {link.share:.0%} allowed"
        notes.append(Check("duty cycle", share <= link.share, reason))
    if battery.temperature_c is not None and wanted is not None:
        covers = battery.temperature_c.low <= wanted[0] and wanted[1] <= battery.temperature_c.high
        reason = (
            f"{battery.name} is rated {temperature(battery.temperature_c)}, "
            f"wanted are {number(wanted[0])} to {number(wanted[1])} °C"
        )
        notes.append(Check("battery temperature", covers, reason))
    return tuple(notes)


def _row(candidate: Candidate) -> dict:
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
