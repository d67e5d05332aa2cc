"""Which column of a table is its clock, and the seconds that it says."""

from __future__ import annotations

import numpy as np

from edgekit.tables import clock, column_roles, timing
from edgekit.tables.table import Table

MILLISECONDS = {"ms", "msec", "millis", "millisec", "millitm", "milliseconds"}


def take(table: Table) -> np.ndarray | None:
    """Take the clocks; seconds (n,) of the best of them."""
    laid = table.layout
    named = [i for i in table.unassigned if column_roles.is_time(table.name(i))]
    named = [i for i in named if not _temperature(table, i, named)]
    named += [i for i in table.unassigned if i not in named and _stamp(table, i)]
    clocks = [
        i for i in table.unassigned if table.column(i).kind == "clock" or table.column(i).form
    ]
    part = _milliseconds(table) if clocks else None
    if part is not None:
        table.unassigned.remove(part)
        table.note(part, "is taken for the milliseconds of the clock beside it")
    unnamed = [] if any(laid.names) else list(table.unassigned)
    best, others = None, []
    for i in dict.fromkeys([*named, *clocks, *unnamed]):
        if i not in table.unassigned:
            continue
        notes: list[str] = []
        seconds = _seconds(table, i, notes, part)
        if i in unnamed and i not in clocks and (seconds is None or not _like_a_clock(table, i)):
            continue
        times = timing.analyze_timestamps(_in_order(seconds)) if seconds is not None else None
        if (
            seconds is None
            or times is None
            or (times.jitter != times.jitter and not _steady(table, i, seconds))
        ):
            _standing(table, i)
            continue
        table.unassigned.remove(i)
        known = bool(clock.unit_of(table.name(i), laid.units[i])) or not notes
        worth = (
            known,
            times.jitter == times.jitter,
            round(float((np.diff(seconds) != 0).mean()), 1),
            -round(times.jitter, 2) if times.jitter == times.jitter else 0,
        )
        others.append(i)
        if best is None or worth > best[0]:
            best = worth, i, seconds, notes
    if best is None:
        return None
    _, chosen, seconds, notes = best
    for i in others:
        if i != chosen:
            table.note(i, "is a second clock: left out")
    if chosen in unnamed and chosen not in clocks:
        table.note(chosen, "rises evenly: taken for time")
    table.notes += notes
    return seconds


def _stamp(table: Table, i: int) -> bool:
    """Whether a column is the stamp of something: by its name, or by a name that may mean a duration and
    numbers that never fall."""
    strength = column_roles.stamp_strength(table.name(i))
    if strength != 1:
        return strength == 2
    x = table.numbers(i) if table.column(i).kind == "number" else None
    x = x[np.isfinite(x)] if x is not None else np.zeros(0)
    return len(x) > 8 and bool((np.diff(x) >= 0).all() and x[-1] > x[0])


def _steady(table: Table, i: int, seconds: np.ndarray) -> bool:
    """Whether a stamp that stands for several rows does so for much the same number of them: a clock in
    whole seconds does, the time at which an activity began does not."""
    if column_roles.is_time(table.name(i)) or table.column(i).form:
        return True
    counts = np.diff(np.flatnonzero(np.diff(seconds)))
    return len(counts) > 3 and counts.std() < 0.5 * counts.mean()


def _milliseconds(table: Table) -> int | None:
    """A column of whole numbers from 0 to 999 called so: what a clock of whole seconds leaves out."""
    for i in table.unassigned:
        words = set(column_roles.tokens(table.name(i)))
        x = table.numbers(i) if words and words <= MILLISECONDS else None
        if x is not None and len(x) and ((x >= 0) & (x < 1000) & (x == np.round(x))).all():
            return i
    return None


def _temperature(table: Table, i: int, named: list[int]) -> bool:
    """Whether `T` is no time: it has another unit, or a clock by a longer name stands beside it."""
    if not _bare(table, i):
        return False
    unit = table.layout.units[i].strip().lower().rstrip(".")
    longer = any(not _bare(table, k) for k in named)
    return bool(unit and unit not in clock.UNITS and ":" not in unit) or longer


def _bare(table: Table, i: int) -> bool:
    """Whether it is `t`, or `T1`: a time or a temperature."""
    return column_roles.plain_words(table.name(i)) == ["t"]


def _in_order(seconds: np.ndarray) -> np.ndarray:
    index, _ = timing.order(seconds) if np.isfinite(seconds).all() else (None, "")
    return seconds if index is None else seconds[index]


def _like_a_clock(table: Table, i: int) -> bool:
    x = table.numbers(i)
    return (
        x is not None
        and len(table.unassigned) > 1
        and column_roles.rises_evenly(x)
        and not (np.diff(x) == 1).all()
    )


def _standing(table: Table, i: int) -> None:
    """A column called time that is none: `t` may be a temperature."""
    column = table.column(i)
    if column.kind == "clock" or column.form:
        table.unassigned.remove(i)
        constant = len(np.unique(column.take())) == 1
        table.note(i, f"holds times that do not move on{' (always the same)' * constant}: left out")
    elif not _bare(table, i):
        table.unassigned.remove(i)
        what = (
            "should be time"
            if column_roles.is_time(table.name(i))
            else "is a time stamp of something"
        )
        table.note(i, f"{what}, and does not move on with the rows: left out")


def _seconds(table: Table, i: int, notes: list[str], part: int | None = None) -> np.ndarray | None:
    """Seconds (n,) of a column, missing ones filled in; None where it holds none.

    `part`: the column with the milliseconds of a clock of texts that has whole seconds only.
    """
    laid, column = table.layout, table.column(i)
    if column.form:
        t = _of_form(table, i, column.form)
        if t is None:
            return None
        if part is not None and (t[np.isfinite(t)] == np.round(t[np.isfinite(t)])).all():
            t = t + table.known_numbers(part) / 1e3
        moduli = () if column.form.what == "instant" else (column.form.modulus, clock.HALF_DAY)
        t = clock.unwrap_counter(t, tuple(m for m in moduli if m), notes, " s")
    else:
        x = table.numbers(i)
        if x is None:
            return None
        x = x.astype(np.float64)
        if len(x) and (x[np.isfinite(x)] == np.round(x[np.isfinite(x)])).all():
            x = clock.unwrap_counter(x, (2.0**32, 2.0**16, 2.0**24), notes)
        t = clock.ticks(x, table.name(i), laid.units[i], table.wanted.unit, notes)
    t, missing = timing.filled(t)
    if missing > 0.5 * len(t) or not np.isfinite(t).all():
        return None
    if missing:
        notes.append(f"{missing:,} time stamps are missing: put between their neighbours")
    return t


def _of_form(table: Table, i: int, form: clock.TimeFormat) -> np.ndarray | None:
    """Seconds of a column of texts; a date takes its time of day from another column."""
    column = table.column(i)
    if form.what == "date":
        other = next(
            (
                k
                for k in table.unassigned
                if (f := table.column(k).form) and f.what == "clock" and k != i
            ),
            None,
        )
        if other is None or not column.words:
            return None
        import pandas as pd

        days = clock.best(form.read(pd.Series(list(column.words))))
        days = np.append(days, clock.MISSING)[column.take()]
        ns, within = table.column(other).take(), _since(table.column(other).take())
        known = (days != clock.MISSING) & (ns != clock.MISSING)
        table.unassigned.remove(other)
        return (
            np.where(known, (days - days[known][0]) / 1e9 + within, np.nan) if known.any() else None
        )
    return _since(column.take())


def _since(ns: np.ndarray) -> np.ndarray:
    """Seconds since the first of int64 nanoseconds."""
    known = ns != clock.MISSING
    return (
        np.where(known, (ns - ns[known][0]) / 1e9, np.nan)
        if known.any()
        else np.full(len(ns), np.nan)
    )
