"""Tables in long form, a row a value with the name of its channel beside it, turned into rows of channels."""

from __future__ import annotations

import re

import numpy as np

from edgekit.tables import calendar, column_roles, segment
from edgekit.tables.cells import Column
from edgekit.tables.reading import UnreadableError
from edgekit.tables.table import Table

MOST_CHANNELS = 64
COMMON = 0.9  # of all moments that must have a value of each channel
SYSTEM = re.compile(r"\$RT_\w+\$")  # rows of WinCC about its own start and end


def pivot(table: Table) -> str:
    """Turn a table in long form into a wide one, in place; what was done, "" where it is none.

    It is one if a column of names (`_field`, `sensor`, `axis`) or of their numbers (`TagIndex`) stands
    beside one of values. Raises UnreadableError where its channels were not measured together.
    """
    parts = _parts(table)
    if parts is None:
        return ""
    names, values = parts
    words, codes, numbered = _names(table, names)
    same = [i for i in table.unassigned if i not in parts and not _told_by(table, i, codes)]
    of = [np.flatnonzero(codes == k) for k in range(len(words))]
    found = _together(table, same, codes, of)
    if found is None:
        keyed = [i for i in same if _keys(table, i)]
        found = _together(table, keyed, codes, of)
        for i in set(same) - set(keyed) if found else ():
            table.note(i, "is another for each value of a row: left out")
        same = keyed
    if found is None:
        raise UnreadableError(
            f"is in long form, a row a value of {', '.join(words[:4])}, and these were not measured at the "
            f"same times ({', '.join(f'{len(r):,}' for r in of[:4])} rows): "
            "make a table with a column for each"
        )
    how, rows, places = found
    x, unit = table.known_numbers(values), table.layout.units[values]
    segment.reorder(table, rows)
    table.unassigned, table.cells.rows = same, len(rows)
    for word, mine, at in zip(words, of, places, strict=True):
        column = np.full(len(rows), np.nan, x.dtype)
        column[at[at >= 0]] = x[mine[at >= 0]]
        table.add(word, Column("number", parts=[[column]]), unit)
    made = f"long form, a row a value of {', '.join(words[:8])}: made columns of them{how}"
    other = f"; --group-from column:{table.name(names)} if they are no channels"
    return made + other * numbered


def _names(table: Table, i: int) -> tuple[list[str], np.ndarray, bool]:
    """The channels, in the order of the file or of their numbers; of each row which it is, -1 for a row that
    a control system wrote about itself; and whether they are numbers only."""
    words, codes = list(table.column(i).words or ()), table.column(i).take()
    numbered = all(w.replace(".", "", 1).isdigit() for w in words)
    own = [k for k, w in enumerate(words) if not SYSTEM.fullmatch(w) and (codes == k).any()]
    if numbered:
        own.sort(key=lambda k: float(words[k]))
    places = np.full(len(words) + 1, -1)
    places[own] = np.arange(len(own))
    names = [f"{table.name(i)} {words[k]}" if numbered else words[k] for k in own]
    return names, places[codes], numbered


def _keys(table: Table, i: int) -> bool:
    """Whether a column says when, who or what, so that values of one row must agree in it."""
    name, column = table.name(i), table.column(i)
    asked = name in (table.wanted.label, table.wanted.group)
    when = (
        column.kind == "clock"
        or column.form
        or column_roles.is_time(name)
        or column_roles.stamp_strength(name)
    )
    return bool(
        asked or when or calendar.part(name) or column_roles.identity(name)
        or column_roles.label_strength(name, table.layout.names)
    )  # fmt: skip


def _together(
    table: Table, keys: list[int], codes: np.ndarray, of: list[np.ndarray]
) -> tuple[str, np.ndarray, list[np.ndarray]] | None:
    """(how, rows of the table that stand for the new ones, for each channel the new row of each of its
    values, -1 for none); None where values do not belong together.

    They do if all columns `keys` agree; if channels come in strict turn, each once in a round; or if
    at least COMMON of all moments have a value of each channel.
    """
    taken = [table.column(i).take() for i in keys]
    counts = {len(r) for r in of}
    agree = len(counts) == 1 and all(
        np.array_equal(x[r], x[of[0]], equal_nan=x.dtype.kind == "f") for x in taken for r in of[1:]
    )
    if agree:
        return "", of[0], [np.arange(len(r)) for r in of]
    if not keys:
        return None
    order = np.concatenate(of)
    known = np.sort(order)
    combined = np.zeros(len(codes), np.int64)
    for x in taken:
        kinds, inverse = np.unique(x, return_inverse=True)
        combined = np.unique(combined * len(kinds) + inverse, return_inverse=True)[1]
    mine = [combined[r] for r in of]
    if all(len(np.unique(m)) == len(m) for m in mine):
        moments, first = np.unique(combined[known], return_index=True)
        in_all = np.sum([np.isin(moments, m) for m in mine], axis=0) == len(of)
        if in_all.mean() >= COMMON:
            rows = known[np.sort(first)]
            at = np.empty(combined.max() + 1, np.int64)
            at[combined[rows]] = np.arange(len(rows))
            lost = f", {int((~in_all).sum()):,} rows lack a value" * (not in_all.all())
            return lost, rows, [at[m] for m in mine]
    n, m = len(of), min(map(len, of))
    turns = codes[known][: n * m].reshape(m, n)
    if (
        m > 2
        and max(map(len, of)) <= m + 1
        and (turns == turns[0]).all()
        and len(set(turns[0])) == n
    ):
        rows = known[: n * m : n]
        rounds = [np.where(np.arange(len(r)) < m, np.arange(len(r)), -1) for r in of]
        return ", those of one round taken together", rows, rounds
    return None


def _parts(table: Table) -> tuple[int, int] | None:
    """The column of names and the column of values."""
    wanted = (table.wanted.label, table.wanted.group)
    named = [
        i
        for i in table.unassigned
        if column_roles.is_field(table.name(i))
        and table.name(i) not in wanted
        and 1 < table.kinds(i) <= MOST_CHANNELS
    ]
    values = [
        i for i in table.unassigned if column_roles.is_value(table.name(i)) and _measured(table, i)
    ]
    if len(values) != 1 or not table.unassigned:
        return None
    texts = [i for i in named if table.numbers(i) is None]
    texts.sort(key=lambda i: "field" not in column_roles.tokens(table.name(i)))
    counted = [i for i in named if i not in texts and i not in values and _in_turn(table, i)]
    found = texts or counted
    return (found[0], values[0]) if found else None


def _in_turn(table: Table, i: int) -> bool:
    """Whether whole numbers stand in turn, each as often as the others, and are no measurement."""
    codes, x = table.column(i).take(), table.known_numbers(i)
    if not np.isfinite(x).all() or (x != np.round(x)).any() or (x < 0).any():
        return False
    counts = np.unique(codes, return_counts=True)[1]
    even = counts.min() >= 0.8 * counts.max()
    return bool(even and ((np.diff(codes) != 0).mean() > 0.5 or not (np.diff(x) < 0).any()))


def _measured(table: Table, i: int) -> bool:
    x = table.numbers(i)
    return x is not None and bool(np.isfinite(x).any())


def _told_by(table: Table, i: int, codes: np.ndarray) -> bool:
    """Whether a column says nothing that the names do not say: always the same, or one value to a name."""
    column = table.column(i)
    values = column.take()
    if column.kind == "words" and not column.form and not table.kinds(i):
        return True  # another text in each row: nobody's time
    if column.words is None or column_roles.is_time(table.name(i)):
        return False
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return bool(np.isnan(values).all())
    firsts = {}
    for k in np.unique(codes):
        mine = values[codes == k]
        firsts[k] = mine[0]
        if (mine != mine[0]).any():
            return False
    return len(set(firsts.values())) > 1 or column.kind == "number" or not column.words
