"""CSV as people write it: `layout` finds out how, `cells` reads it, here each column gets its part.

Which columns are time, label, group and channels is a guess by name and by what they hold. What a person
says (`ReadOptions`) wins over each of them, and a guess that was overruled cuts no recording.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.tables import (
    calendar,
    column_roles,
    flags,
    labels,
    long_format,
    segment,
    timestamp_column,
)
from edgekit.tables.cells import Cells, cells, from_columns
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.layout import Layout, find_column, layout, named_column, of_columns
from edgekit.tables.reading import Reading, UnreadableError
from edgekit.tables.table import MOST_KINDS, Table

QUALITY = (["validity"], ["quality"], ["valid"])


def read(path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """Readings of one file: cut where a label or a group changes, at gaps in time and where it begins anew.

    Raises UnreadableError for what is no table, or lacks a column that `wanted` names.
    """
    laid = layout(path)
    wanted_channels = _picked(laid, wanted)
    exact, fine = _kept(laid, wanted, wanted_channels)
    return _readings(laid, cells(laid, exact, fine), name, wanted, wanted_channels)


def read_columns(
    names: list[str],
    columns: list[np.ndarray],
    name: str,
    wanted: ReadOptions = DEFAULT_READ_OPTIONS,
    notes: Sequence[str] = (),
) -> list[Reading]:
    """Readings of columns (n,) that were taken apart before: float64, or object where they hold texts.

    Raises UnreadableError as `read` does.
    """
    laid = of_columns(names, columns, notes)
    wanted_channels = _picked(laid, wanted)
    exact, _ = _kept(laid, wanted, wanted_channels)
    return _readings(laid, from_columns(laid, columns, exact), name, wanted, wanted_channels)


def _readings(
    laid: Layout, made: Cells, name: str, wanted: ReadOptions, wanted_channels: list[int]
) -> list[Reading]:
    table = Table(
        laid,
        made,
        wanted,
        wanted_channels,
        [i for i in range(laid.width) if i not in wanted_channels],
    )
    table.notes = [*laid.notes, *made.notes]
    if pivoted := long_format.pivot(table):
        table.notes.append(pivoted)
    calendar.take(table)
    flags.words(table)
    label = labels.take(table)
    groups = _groups(table)
    _interleaved(table, groups)
    seconds = timestamp_column.take(table)
    channels = wanted_channels or _channels(table)
    for i in channels:
        if wrong := table.column(i).wrong:
            table.note(i, f"holds {wrong:,} cells that are no numbers: taken as missing")
    return segment.readings(table, name, channels, label, groups, seconds)


def _picked(laid: Layout, wanted: ReadOptions) -> list[int]:
    """The columns that were asked for as channels: by name, or without a header by number."""
    own = [i for c in wanted.channels if (i := named_column(laid, c)) is not None]
    return own if len(own) == len(wanted.channels) else []


def _kept(
    laid: Layout, wanted: ReadOptions, wanted_channels: list[int]
) -> tuple[set[int], set[int]]:
    """Columns to keep as words, where a label or an identity may be; and as doubles, where a clock may."""
    exact, fine = set(), set()
    for i, n in enumerate(laid.names):
        if i in wanted_channels or laid.kinds[i] == "clock":
            continue
        by_name = (
            column_roles.label_strength(n, laid.names)
            or column_roles.identity(n)
            or column_roles.is_field(n)
        )
        if by_name and not _fractions(laid, i):
            exact.add(i)
        timed = column_roles.is_time(n) or column_roles.stamp_strength(n) or calendar.part(n)
        if timed or not any(laid.names) or _large(laid, i):
            fine.add(i)
    for name in (wanted.label, wanted.group):
        if name and (asked := find_column(laid, name)) is not None:
            exact.add(asked)
    return exact, fine


def _fractions(laid: Layout, i: int) -> bool:
    """Whether the first rows hold measured numbers, 0.25 say: nobody's name."""
    cells = [row[i].strip() for row in laid.probe]
    full = [c for c in cells if c]
    parts = sum(bool(re.search(r"[.,]\d*[1-9]", c)) for c in full)  # 1.0 is whole
    return laid.kinds[i] == "number" and parts > 0.3 * len(full)


def _large(laid: Layout, i: int) -> bool:
    """Numbers of more digits than single precision has."""
    return any(len(row[i].strip().lstrip("-+").replace(".", "")) > 7 for row in laid.probe[:20])


# ------------------------------------------------------------------------------------ who gets what


def _groups(table: Table) -> list[int]:
    """Take the columns of identity; the first is the group. The others cut, but do not name."""
    laid, wanted = table.layout, table.wanted
    found = []
    if wanted.group:
        own = find_column(laid, wanted.group)
        if own is None:
            raise UnreadableError(
                f"has no column {wanted.group!r} for the group{labels.offer(table)}"
            )
        table.unassigned = [i for i in table.unassigned if i != own]
        found = [own]
    ranks = {i: r for i in table.unassigned if (r := column_roles.identity(table.name(i)))}
    for i in sorted(ranks, key=lambda i: (ranks[i][0], i)):
        _, sure = ranks[i]
        column = table.column(i)
        if column.kind == "number" or (column.words is not None and not column.words):
            continue  # measured, or empty
        values = column.take()
        changes = int((np.diff(values) != 0).sum()) if column.words is not None else len(values)
        whole = column.words is not None and labels.whole_words(table, i)
        if not sure and (
            not whole
            or flags.is_flag(table, i)
            or (changes > len(values) / 10 and table.numbers(i) is not None)
        ):
            continue
        if column.words is None or len(column.words) > max(2, len(values) // 4):
            table.unassigned.remove(i)
            table.note(i, "is another in almost each row: left out")
            continue
        table.unassigned.remove(i)
        if wanted.group is None:
            table.note(
                i, f"says who or what was recorded: no channel; --group-from column:{table.name(i)}"
            )
        else:
            if found:
                table.note(
                    i,
                    f"says who or what was recorded, as {laid.shown(found[0])} does: it cuts, no more",
                )
            found.append(i)
    return found


def _interleaved(table: Table, groups: list[int]) -> None:
    """Rows of several devices in turn are put together, each device's as they come."""
    if not groups:
        return
    codes = table.column(groups[0]).take()
    if len(set(codes.tolist())) > 1 and (np.diff(codes) != 0).mean() > 0.05:
        segment.reorder(table, np.argsort(codes, kind="stable"))
        table.notes.append(f"rows of {table.layout.shown(groups[0])} stand in turn: put together")


def _channels(table: Table) -> list[int]:
    """The columns that hold measurements; why the others do not."""
    channels = []
    for i in table.unassigned:
        column, x = table.column(i), table.numbers(i)
        if x is None:
            words = list(column.words or ())
            if column.kind == "words" and table.kinds(i) > 1:
                table.texts[table.name(i) or str(i + 1)] = words[:4]
            constant = " (always the same)" * (len(words) == 1)
            table.note(i, f"holds text{constant}: left out{_perhaps_a_group(table, i)}")
        elif not np.isfinite(x).any():
            table.note(i, "is empty: left out")
        elif column_roles.tokens(table.name(i))[-1:] in QUALITY and x.min() == x.max():
            table.note(i, "says that values are good, always the same: left out")
        elif column_roles.counts_rows(x) and (
            column_roles.is_count(table.name(i)) or len(table.unassigned) > 1
        ):
            table.note(i, "counts the rows: left out")
        elif len(table.unassigned) > 1 and column_roles.rises_evenly(x):
            table.note(i, "rises evenly, as a clock does: left out; --channels keeps it")
        else:
            channels.append(i)
            if flags.is_flag(table, i, both=True):
                table.texts[table.name(i) or str(i + 1)] = ["0", "1"]
                table.note(i, f"holds 0 and 1 only: a channel; {_perhaps_a_label(table, i)}")
    if not channels:
        raise UnreadableError("has no column of measured numbers")
    if len(channels) > 64 and not any(table.layout.names):
        raise UnreadableError(
            f"has {len(channels)} columns and no header: one example a row? Time must run down"
        )
    return channels


def _perhaps_a_label(table: Table, i: int) -> str:
    return f"--label-from column:{table.name(i) or i + 1} if it is the label"


def _perhaps_a_group(table: Table, i: int) -> str:
    """What to say of a few words that stand for long, as names do."""
    if not 1 < table.kinds(i) <= MOST_KINDS:
        return ""
    changes = int((np.diff(table.column(i).take()) != 0).sum())
    if changes > table.cells.rows / 20:
        return ""
    return f"; --group-from column:{table.name(i) or i + 1} if it says who or what was recorded"
