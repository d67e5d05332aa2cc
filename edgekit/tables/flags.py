"""Columns of 0 and 1: a label, one label that was spread over several, or a switch that was recorded."""

from __future__ import annotations

import numpy as np

from edgekit.tables import column_roles
from edgekit.tables.cells import Column
from edgekit.tables.table import Table

MOST_CLASSES = 20


def is_flag(table: Table, i: int, both: bool = False) -> bool:
    """Whether a column holds nothing but 0 and 1 (`both`: each of them)."""
    x = table.numbers(i)
    if x is None:
        return False
    for some in (x[:256], x):  # most columns are told by their first rows
        some = some[np.isfinite(some)]
        if not ((some == 0) | (some == 1)).all():
            return False
    return bool(len(some) and (not both or some.min() < some.max()))


def label_strength(table: Table, i: int) -> int:
    """As `column_roles.label_strength`; 1, too, for a column of 0 and 1 that is called after a fault."""
    name = table.name(i)
    return column_roles.label_strength(name, table.layout.names) or int(
        column_roles.says_fault(name) and is_flag(table, i)
    )


def words(table: Table) -> None:
    """Make words of the whole numbers in columns that are called after a label, so that 1.0 is 1."""
    for i in [i for i in table.unassigned if label_strength(table, i)]:
        x = table.numbers(i)
        if x is None:
            continue
        known = np.isfinite(x)
        if not known.any() or (x[known] % 1 != 0).any():
            continue
        kinds = np.unique(x[known])
        if len(kinds) > MOST_CLASSES:
            continue
        codes = np.where(known, np.searchsorted(kinds, np.nan_to_num(x)), -1).astype(np.int32)
        named = {f"{k:.0f}": n for n, k in enumerate(kinds)}
        table.cells.columns[i] = Column("words", None, named, [[codes]])


def one_hot(table: Table) -> list[int]:
    """The columns of which exactly one is 1 in each row: those whose names share all but a word, those that
    stand side by side, or all of 0 and 1. Empty: there are none."""
    flags = [i for i in table.unassigned if is_flag(table, i)]
    alike: dict[tuple, list[int]] = {}
    beside: list[list[int]] = [[]]
    for i in flags:
        alike.setdefault(tuple(column_roles.tokens(table.name(i))[:-1]), []).append(i)
        beside[-1:] = [[*beside[-1], i]] if beside[-1][-1:] in ([], [i - 1]) else [beside[-1], [i]]
    sets = [s for key, s in alike.items() if key] + beside + [flags]
    for some in sorted((s for s in sets if 1 < len(s) <= MOST_CLASSES), key=len, reverse=True):
        change = sum(is_flag(table, i, both=True) for i in some) > 1
        if (change or names_say_label(table, some)) and (
            np.sum([table.known_numbers(i) for i in some], axis=0) == 1
        ).all():
            return some
    return []


def names_say_label(table: Table, some: list[int]) -> bool:
    """Whether the names of such columns say that they are one label: `class_a`, `label_b`, `fault_2`."""
    return all(
        set(column_roles.tokens(table.name(i))) & (column_roles.LABELS | column_roles.FAULTS)
        for i in some
    )


def joined(table: Table, some: list[int]) -> int:
    """Put one column of words in the place of `some`, named by what their names do not share; its index."""
    at = np.argmax(np.stack([table.known_numbers(i) for i in some], axis=1), axis=1).astype(
        np.int32
    )
    split = [column_roles.parts(table.name(i)) for i in some]
    shared = 0
    while all(len(s) > shared + 1 for s in split) and len({s[shared] for s in split}) == 1:
        shared += 1
    kinds = ["_".join(s[shared:]) for s in split]
    kinds = kinds if len(set(kinds)) == len(kinds) else [table.name(i) for i in some]
    table.unassigned = [i for i in table.unassigned if i not in some]
    named = {k: n for n, k in enumerate(kinds)}
    return table.add("_".join(split[0][:shared]), Column("words", None, named, [[at]]))
