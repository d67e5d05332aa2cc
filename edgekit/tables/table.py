"""A table on its way to readings: its cells, what its columns are called, and which have no part yet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from edgekit.tables.cells import Cells, Column
from edgekit.tables.column_roles import ReadOptions
from edgekit.tables.layout import Layout
from edgekit.tables.reading import UnreadableError

MOST_KINDS = 100  # of labels or groups
TEXTS = "columns of text"  # in Reading.meta: name -> some of the words, for those who ask where labels are


@dataclass
class Table:
    """A table on its way to readings. `unassigned` are the columns that have no part yet;
    `wanted_channels`, those that a person wants as channels, get none but this."""

    layout: Layout
    cells: Cells
    wanted: ReadOptions
    wanted_channels: list[int]
    unassigned: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def name(self, i: int) -> str:
        return self.layout.names[i]

    def column(self, i: int) -> Column:
        return self.cells.columns[i]

    def add(self, name: str, column: Column, unit: str = "") -> int:
        """Append a column that was made of others; its index, which is one of `unassigned`."""
        self.cells.columns.append(column)
        self.layout.names.append(name)
        self.layout.units.append(unit)
        self.layout.kinds.append(column.kind)
        self.unassigned.append(len(self.cells.columns) - 1)
        return self.unassigned[-1]

    def note(self, i: int, what: str) -> None:
        self.notes.append(f"column {self.layout.shown(i)} {what}")

    def numbers(self, i: int) -> np.ndarray | None:
        """The values of a column (n,), also of one that was kept as text; None where it holds none."""
        column = self.column(i)
        if column.kind == "number":
            return column.take()
        if column.kind != "words" or not column.words:
            return None
        try:
            values = np.array([*(float(w) for w in column.words), np.nan])
        except ValueError:
            return None
        return values[column.take()].astype(np.float32)

    def known_numbers(self, i: int) -> np.ndarray:
        """The values of a column (n,) that holds numbers. Raises UnreadableError where it does not."""
        values = self.numbers(i)
        if values is None:
            raise UnreadableError(f"holds no numbers in column {self.layout.shown(i)}")
        return values

    def kinds(self, i: int) -> int:
        """Different words of a column; 0 where there are none, or too many to be kinds of something."""
        words = self.column(i).words or ()
        return len(words) if len(words) <= max(2, min(MOST_KINDS, self.cells.rows // 4)) else 0


def unique(names: list[str]) -> tuple[str, ...]:
    """Names, the second `x` as `x_2`."""
    seen: Counter = Counter()
    result = []
    for n in names:
        seen[n] += 1
        result.append(n if seen[n] == 1 else f"{n}_{seen[n]}")
    return tuple(result)
