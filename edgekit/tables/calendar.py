"""A clock that stands in several columns, `year, month, day, hour, minute, second`, made one."""

from __future__ import annotations

import numpy as np

from edgekit.tables import column_roles
from edgekit.tables.cells import Column
from edgekit.tables.table import Table

NAME = "timestamp"  # of the column that is made
PARTS = {  # name -> its words, least and most value, seconds
    "year": ("year yr yyyy yy jahr anno annee", 0, 9999, 0.0),
    "month": ("month mon mo monat mes mois", 1, 12, 0.0),
    "day": ("day dd dom mday tag jour dia", 1, 31, 86_400.0),
    "hour": ("hour hours hr hrs hh h stunde heure hora", 0, 24, 3600.0),
    "minute": ("minute minutes min mins mi minuto", 0, 60, 60.0),
    "second": ("second seconds sec secs ss s sekunde seconde segundo", 0, 61, 1.0),
    "millisecond": ("millisecond milliseconds ms msec millis millitm", 0, 1000, 1e-3),
    "microsecond": ("microsecond microseconds us usec micros", 0, 1e6, 1e-6),
}
ORDER = list(PARTS)
WORDS = {word: part for part, (words, *_) in PARTS.items() for word in words.split()}
WRAPS = {"hour": 86_400.0, "minute": 3600.0}  # where the coarsest part begins anew


def part(name: str) -> str:
    """The part of a clock that a column is called after: `Hour`, `time_min`; "" for another name."""
    words = column_roles.plain_words(name)
    if not words or not set(words[:-1]) <= column_roles.BESIDE_CLOCKS | column_roles.CLOCKS:
        return ""
    return WORDS.get(words[-1], "")


def take(table: Table) -> None:
    """Put one column of seconds in the place of those that hold the parts of a clock, in neighbouring units.

    Columns that a person asked for as the label or the group keep that part, too.
    """
    found: dict[str, int] = {}
    for i in table.unassigned:
        p = part(table.name(i))
        if column_roles.tokens(table.name(i)) == ["mm"]:  # month or minute, whichever comes next
            p = "minute" if "hour" in found else "month"
        if p and p not in found and _holds(table, i, p):
            found[p] = i
    chain = _chain(found)
    if not chain:
        return
    x = {p: table.known_numbers(found[p]).astype(np.float64) for p in chain}
    seconds = _days(x) + np.sum([x[p] * PARTS[p][3] for p in chain if p in ORDER[3:]], axis=0)
    if modulus := WRAPS.get(chain[0]):
        back = np.concatenate(([False], np.diff(seconds) < -modulus / 2))
        seconds = seconds + modulus * np.cumsum(back)
    asked = {table.wanted.label, table.wanted.group}
    table.unassigned = [
        i for i in table.unassigned if i not in found.values() or table.name(i) in asked
    ]
    names = ", ".join(table.name(found[p]) for p in chain)
    table.notes.append(f"columns {names} are one clock")
    table.add(NAME, Column("number", parts=[[seconds - np.nanmin(seconds)]]), "s")


def _holds(table: Table, i: int, what: str) -> bool:
    """Whether the values of a column can be that part: whole but for seconds, and in its range."""
    x = table.numbers(i)
    if x is None or not len(x) or not np.isfinite(x).any():
        return False
    _, low, high, _ = PARTS[what]
    x = x[np.isfinite(x)]
    return bool(((x >= low) & (x <= high)).all() and (what == "second" or (x == np.round(x)).all()))


def _chain(found: dict[str, int]) -> list[str]:
    """The longest run of parts in neighbouring units, hours or less among them; one part is none."""
    runs: list[list[str]] = [[]]
    for p in ORDER:
        if p in found:
            runs[-1].append(p)
        elif runs[-1]:
            runs.append([])
    runs = [r for r in runs if len(r) > 1 and set(r) & {"hour", "minute", "second"}]
    return max(runs, key=len, default=[])


def _days(x: dict[str, np.ndarray]) -> np.ndarray:
    """Seconds until midnight of each row (n,), since some day."""
    if "day" not in x:
        return np.zeros(len(next(iter(x.values()))))
    if "month" not in x:
        return x["day"] * 86_400.0
    import pandas as pd

    year = x.get("year", np.full(len(x["day"]), 2000.0))
    year = np.where(year < 100, year + 2000, year)
    known = np.isfinite(year) & np.isfinite(x["month"]) & np.isfinite(x["day"])
    parts = {"year": year, "month": x["month"], "day": x["day"]}
    days = pd.to_datetime(
        pd.DataFrame({k: np.where(known, v, 1).astype(np.int64) for k, v in parts.items()}),
        errors="coerce",
    )
    since = (days - pd.Timestamp(2000, 1, 1)).dt.total_seconds().to_numpy(np.float64)
    return np.where(known, since, np.nan)
