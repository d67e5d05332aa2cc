"""CSV as people write it: any separator, decimal comma, with or without header, units, time stamps.

`layout.grid` finds out how the text is laid out, `read` what each column is for.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import numpy as np

from edgekit.data.bring import timing
from edgekit.data.bring.layout import Grid, grid
from edgekit.data.bring.reading import Reading, UnreadableError

TIME = (
    r"(time_?stamps?|times?|t|ts|date_?time|dates?|zeit|zeitstempel|datum|epoch|unix\w*|millis|micros"
    r"|seconds|secs?|ms|elapsed\w*)(_(s|sec|ms|us|µs|ns))?"
)
TIME_UNITS = {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3,
              "millis": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "micros": 1e-6,
              "microseconds": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}  # fmt: skip
LABEL = r"(labels?|class(es)?|class_?name|activity|state|status|condition|fault|target|y|annotation|klasse)"
GROUP = (
    r"(subjects?|subject_?(id|no|nr)|users?|user_?id|person|patient|participant|machine(_?id)?"
    r"|device(_?id)?|session|rig|pump|motor|unit_?(id|no)|run|recording|trial)"
)
INDEX = r"(index|idx|sample(_?(no|nr|number|index))?|n|no|nr|row|#|unnamed.*|)"


def read(path: Path, name: str, label: str = "", group: str = "", unit: str = "") -> list[Reading]:
    """Readings of one file: cut where a label column changes, at gaps, and between groups.

    `label` and `group` name the columns that hold them (default: found by name), `unit` is that of the
    time stamps ("s", "ms", "us"). Raises UnreadableError.
    """
    return of(grid(path), name, label, group, unit)


def of(table: Grid, name: str, label: str = "", group: str = "", unit: str = "") -> list[Reading]:
    """Readings of a table that was taken apart before. Raises UnreadableError."""
    notes = list(table.notes)
    left = dict(enumerate(table.names))
    at_label = _column(left, table, label, LABEL, "label")
    at_group = _column(left, table, group, GROUP, "group")
    seconds, times = _time(left, table, unit, notes)
    values = []
    for i in list(left):
        if table.cells[i].dtype == object:
            constant = len(set(table.cells[i])) == 1
            notes.append(
                f"column {_shown(table, i)} holds text{' (always the same)' * constant}: left out"
            )
        elif _is_index(table, i, i == min(left, default=-1)):
            notes.append(f"column {_shown(table, i)} counts the rows: left out")
        else:
            values.append(i)
    if not values:
        raise UnreadableError("has no column of measured numbers")
    if len(values) > 64 and not any(table.names):
        raise UnreadableError(
            f"has {len(values)} columns and no header: one example a row? Time must run down"
        )
    samples = np.stack([table.cells[i] for i in values], axis=1).astype(np.float32)
    named = [table.names[i] for i in values]
    channels = _unique(named) if all(named) else None
    units = list(dict.fromkeys(table.units[i] for i in values if table.units[i]))
    common = {
        "path": name, "channels": channels, "unit": ", ".join(units),
        "meta": {"units": [table.units[i] for i in values]} if units else {},
    }  # fmt: skip
    labels = _words(table, at_label)
    groups = _words(table, at_group)
    return _cut(samples, labels, groups, seconds, times, table.rate, notes, common)


def _cut(samples, labels, groups, seconds, times, rate, notes, common) -> list[Reading]:
    """Stretches of one label and group, without gaps."""
    n, meta = len(samples), dict(common.pop("meta"))
    stretches = [(0, n)]
    if times is not None:
        rate = times.rate
        stretches = timing.pieces(seconds, times)
        meta |= {"jitter": times.jitter} if times.jitter == times.jitter else {}
        if times.gaps:
            lost = sum(s for _, s in times.gaps)
            notes.append(f"{len(times.gaps)} gaps in time, {lost:.3g} s: cut there")
            meta |= {"gaps": [[i, s] for i, s in times.gaps[:100]]}
        if times.backwards:
            notes.append(f"time runs backwards {times.backwards} times: cut there")
        if times.jitter != times.jitter:
            notes.append("time stamps are coarser than the samples: their mean rate was taken")
        elif times.uneven:
            notes.append(f"uneven time stamps ({times.jitter:.0%} jitter): put on an even grid")
    readings, keys = [], list(zip(labels or [None] * n, groups or [None] * n, strict=True))
    for first, stop in stretches:
        changes = [i for i in range(first + 1, stop) if keys[i] != keys[i - 1]]
        edges = [first, *changes, stop]
        for a, b in itertools.pairwise(edges):
            part = samples[a:b]
            if times is not None and times.uneven and b - a > 2:
                part = timing.even(part, seconds[a:b], rate)
            readings.append((part, *keys[a]))
    return [
        Reading(
            samples=part, rate=rate, label=label, group=group, meta=meta, notes=tuple(notes),
            part=f"#{i}" if len(readings) > 1 else "", **common,
        )
        for i, (part, label, group) in enumerate(readings)
    ]  # fmt: skip


# --------------------------------------------------------------------------------------- columns


def _column(left: dict, table: Grid, wanted: str, pattern: str, what: str) -> int | None:
    """Take the column of that name, else the one whose name says what it is, out of `left`."""
    found = [i for i, n in left.items() if n.lower() == wanted.lower()] if wanted else []
    if wanted and not found:
        raise UnreadableError(f"has no column {wanted!r} for the {what}")
    if not wanted:
        found = [i for i, n in left.items() if n and re.fullmatch(pattern, n.strip(), re.I)]
        found = [i for i in found if _discrete(table.cells[i])]
    if not found:
        return None
    left.pop(found[0])
    return found[0]


def _discrete(cells: np.ndarray) -> bool:
    """Few different values, whole if they are numbers."""
    if cells.dtype != object and (
        not np.isfinite(cells).all() or not (cells == np.round(cells)).all()
    ):
        return False
    return len(set(cells.tolist())) <= max(2, min(100, len(cells) // 4))


def _words(table: Grid, i: int | None) -> list[str | None] | None:
    if i is None:
        return None
    cells = table.cells[i].tolist()
    return [
        (f"{c:g}" if c == c else None) if isinstance(c, float) else (str(c).strip() or None)
        for c in cells
    ]


def _unique(names: list[str]) -> tuple[str, ...]:
    seen: Counter = Counter()
    result = []
    for n in names:
        seen[n] += 1
        result.append(n if seen[n] == 1 else f"{n}_{seen[n]}")
    return tuple(result)


def _shown(table: Grid, i: int) -> str:
    return repr(table.names[i]) if table.names[i] else str(i + 1)


def _is_index(table: Grid, i: int, first: bool) -> bool:
    x = table.cells[i]
    steps = np.diff(x)
    if len(x) < 3 or not ((steps >= 1) & (steps == np.round(steps))).all() or np.median(steps) != 1:
        return False
    return re.fullmatch(INDEX, table.names[i].strip(), re.I) is not None and (
        first or bool(table.names[i])
    )


# ------------------------------------------------------------------------------------------ time


def _time(left: dict, table: Grid, unit: str, notes: list[str]):
    """(seconds, Timing) of the time column, which leaves `left`; (None, None) if there is none."""
    named = [i for i, n in left.items() if n and re.fullmatch(TIME, n.strip(), re.I)]
    dates = [i for i in left if table.cells[i].dtype == object]
    for i in named + [d for d in dates if d not in named]:
        if table.cells[i].dtype == object:
            seconds = _dates(table, i, dates, left)
        else:
            seconds = ticks(table, i, unit, notes)
        times = timing.study(seconds) if seconds is not None else None
        if times:
            left.pop(i, None)
            return seconds, times
        if i in named and table.cells[i].dtype != object:
            left.pop(i)
            notes.append(f"column {_shown(table, i)} should be time, and does not move on")
    if any(table.names) or not left:
        return None, None
    first = min(left)  # without a header: a first column that rises evenly and does not just count
    x = table.cells[first]
    if x.dtype != object and len(x) > 8 and len(left) > 1:
        steps = np.diff(x)
        even = (steps > 0).all() and np.median(np.abs(steps - np.median(steps))) < 0.1 * np.median(
            steps
        )
        if even and not (steps == 1).all():
            seconds = ticks(table, first, unit, notes)
            times = timing.study(seconds)
            if times:
                left.pop(first)
                notes.append("the first column rises evenly: taken for time")
                return seconds, times
    return None, None


def ticks(table: Grid, i: int, unit: str, notes: list[str]) -> np.ndarray:
    """Numbers as seconds: by the option, the unit in the header, the size of an epoch, or the step."""
    x, said = table.cells[i], table.units[i].lower()
    word = table.names[i].lower()
    known = unit or next((u for u in (said, word) if u in TIME_UNITS), "")
    if not known and (tail := re.search(r"(?:^|_)(ns|us|µs|ms|millis|micros|sec|s)$", word)):
        known = tail[1]
    if known:
        return x * TIME_UNITS[known]
    size = float(np.nanmedian(np.abs(x))) if len(x) else 0.0
    for least, scale in ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (5e8, 1.0)):
        if size >= least:  # since 1970
            return (x - x[0]) * scale
    steps = np.diff(x)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
    whole = bool((x == np.round(x)).all())
    scale = 1e-6 if whole and step >= 2_000 else 1e-3 if whole and step >= 1 else 1.0
    if whole and step == 1 and word in ("t", "time", "seconds"):
        scale = 1.0
    shown = {1.0: "s", 1e-3: "ms", 1e-6: "µs"}[scale]
    notes.append(f"time stamps without a unit, taken for {shown}: --time-unit says otherwise")
    return x * scale


def _dates(table: Grid, i: int, dates: list[int], left: dict) -> np.ndarray | None:
    """Texts as seconds, a date and a time of day in two columns included."""
    import pandas as pd

    texts = pd.Series(table.cells[i], dtype=str)
    probe = texts.head(20)
    if not probe.str.contains(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d{1,4}", regex=True).all():
        return None
    if not probe.str.contains(":").any():  # a date alone: the time of day is another column
        other = next(
            (d for d in dates if d != i and d in left and ":" in str(table.cells[d][0])), None
        )
        if other is None:
            return None
        texts = texts.str.cat(pd.Series(table.cells[other], dtype=str), sep=" ")
        left.pop(other)
    texts = texts.str.replace(r"(\d),(\d{1,9})(?=$|[Z+])", r"\1.\2", regex=True)
    for how in ({"format": "ISO8601"}, {"format": "mixed", "dayfirst": True}):
        try:
            stamps = pd.to_datetime(texts, utc=True, **how)
        except (ValueError, OverflowError, TypeError):
            continue
        ns = stamps.to_numpy("datetime64[ns]").astype(np.int64)
        return (ns - ns[0]) / 1e9
    return None
