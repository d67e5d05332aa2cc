"""From a table whose columns have their parts to readings: in order of time, cut where something ends."""

from __future__ import annotations

import itertools

import numpy as np

from edgekit.tables import timing
from edgekit.tables.reading import Reading
from edgekit.tables.table import TEXTS, Table, unique

AGREES = 0.05  # how far a clock may be from the rate that a person gave, to be believed about gaps


def reorder(table: Table, index: np.ndarray) -> None:
    """Put the rows of all columns in another order."""
    for column in table.cells.columns:
        if column.parts:
            column.parts = [[column.take()[index]]]
    table.cells.breaks = []


def readings(
    table: Table, name: str, channels: list[int], label: int | None, groups: list[int],
    seconds: np.ndarray | None,
) -> list[Reading]:  # fmt: skip
    """Stretches of one label and one group, without gaps in time."""
    laid, wanted, notes = table.layout, table.wanted, table.notes
    if seconds is not None:
        index, said = timing.order(seconds)
        if index is not None:
            reorder(table, index)
            seconds = seconds[index]
            notes.append(said)
    times = timing.analyze_timestamps(seconds) if seconds is not None else None
    if times and wanted.rate and abs(times.rate / wanted.rate - 1) > AGREES:
        notes.append(f"its clock says {times.rate:.4g} Hz: not followed, as --rate says otherwise")
        times = None
    rate = wanted.rate or (times.rate if times else laid.rate)
    breaks = set(table.cells.breaks)
    for i in [*([label] if label is not None else []), *groups]:
        breaks |= set((np.flatnonzero(np.diff(table.column(i).take())) + 1).tolist())
    meta: dict = {}
    if times and seconds is not None:
        breaks |= {a for a, _ in timing.contiguous(seconds, times)}
        meta = _timing_notes(times, notes)
    samples = _samples(table, channels)
    names = [laid.names[i] for i in channels]
    if not any(laid.names) and table.wanted_channels:
        names = [f"ch{i + 1}" for i in channels]
    units = [laid.units[i] for i in channels]
    if any(units):
        meta["units"] = units
    if table.texts:
        meta[TEXTS] = table.texts
    edges = [0, *sorted(breaks - {0}), len(samples)]
    made = []
    for a, b in itertools.pairwise(edges):
        part = samples[a:b]
        if times and seconds is not None and times.uneven and b - a > 2:
            part = timing.even(part, seconds[a:b], wanted.rate or times.rate)
        made.append((part, _word(table, label, a), _word(table, groups[0] if groups else None, a)))
    return [
        Reading(
            name,
            part,
            rate,
            unique(names) if all(names) else None,
            ", ".join(dict.fromkeys(u for u in units if u)),
            mine,
            own,
            f"#{i}" if len(made) > 1 else "",
            meta=meta,
            notes=tuple(dict.fromkeys(notes)),
        )
        for i, (part, mine, own) in enumerate(made)
    ]


def _timing_notes(times: timing.Timing, notes: list[str]) -> dict:
    """What the clock says about gaps and jitter: as notes, and as meta."""
    meta: dict = {"jitter": times.jitter} if times.jitter == times.jitter else {}
    if times.gaps:
        lost = sum(s for _, s in times.gaps)
        notes.append(f"{len(times.gaps)} gaps in time, {lost:.3g} s: cut there")
        meta["gaps"] = [[i, s] for i, s in times.gaps[:100]]
    if times.backwards:
        notes.append(f"time runs backwards {times.backwards} times: cut there")
    if times.jitter != times.jitter:
        notes.append("time stamps are coarser than the samples: their mean rate was taken")
    elif times.uneven:
        notes.append(f"uneven time stamps ({times.jitter:.0%} jitter): put on an even grid")
    return meta


def _samples(table: Table, channels: list[int]) -> np.ndarray:
    """(n, channel) float32; the columns are freed on the way."""
    samples = np.empty((table.cells.rows, len(channels)), np.float32)
    last = {i: k for k, i in enumerate(channels)}
    for k, i in enumerate(channels):
        values = table.numbers(i)
        samples[:, k] = np.nan if values is None else values
        if last[i] == k:
            table.column(i).parts = []
    return samples


def _word(table: Table, i: int | None, row: int) -> str | None:
    if i is None:
        return None
    column = table.column(i)
    code = int(column.take()[row])
    return list(column.words)[code] if code >= 0 and column.words else None
