"""Tables in long form, a row a value with the name of its channel beside it, turned into rows of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.bring import cut, roles
from edgekit.data.bring.cells import Column
from edgekit.data.bring.reading import UnreadableError

if TYPE_CHECKING:
    from edgekit.data.bring.tables import Table

MOST_CHANNELS = 64


def pivot(table: Table) -> str:
    """Turn a table in long form into a wide one, in place; what was done, "" where it is none.

    It is one if a column of names (`_field`, `sensor`, `axis`) stands beside one of values, and no other
    is measured. Raises UnreadableError where its channels have no times in common.
    """
    parts = _parts(table)
    if parts is None:
        return ""
    names, values = parts
    codes = table.column(names).take()
    words = list(table.column(names).words)
    same = [i for i in table.left if i not in parts and not _told_by(table, i, codes)]
    counts = [int((codes == k).sum()) for k in range(len(words))]
    rows = [np.flatnonzero(codes == k) for k in range(len(words))]
    keys = [[table.column(i).take()[r] for i in same] for r in rows]
    if len(set(counts)) > 1 or any(
        not np.array_equal(a, b) for other in keys[1:] for a, b in zip(keys[0], other, strict=True)
    ):
        raise UnreadableError(
            f"is in long form, a row a value of {', '.join(words[:4])}, and these were not measured at the "
            f"same times ({', '.join(f'{n:,}' for n in counts[:4])} rows): "
            "make a table with a column for each"
        )
    x = table.numbers(values)
    cut.reorder(table, rows[0])
    table.left = same
    for word, of in zip(words, rows, strict=True):
        table.cells.columns.append(Column("number", parts=[[x[of]]]))
        table.layout.names.append(word)
        table.layout.units.append(table.layout.units[values])
        table.layout.kinds.append("number")
        table.left.append(len(table.cells.columns) - 1)
    table.cells.rows = len(rows[0])
    return f"long form, a row a value of {', '.join(words[:8])}: made columns of them"


def _parts(table: Table) -> tuple[int, int] | None:
    """The column of names and the column of values."""
    named = [
        i
        for i in table.left
        if roles.is_field(table.name(i)) and 1 < table.kinds(i) <= MOST_CHANNELS
    ]
    named = [i for i in named if table.numbers(i) is None]
    values = [i for i in table.left if roles.is_value(table.name(i)) and _measured(table, i)]
    if not named or len(values) != 1:
        return None
    named.sort(key=lambda i: "field" not in roles.tokens(table.name(i)))
    return named[0], values[0]


def _measured(table: Table, i: int) -> bool:
    x = table.numbers(i)
    return x is not None and bool(np.isfinite(x).any())


def _told_by(table: Table, i: int, codes: np.ndarray) -> bool:
    """Whether a column says nothing that the names do not say: always the same, or one value to a name."""
    column = table.column(i)
    values = column.take()
    if column.kind == "words" and not column.form and not table.kinds(i):
        return True  # another text in each row: nobody's time
    if column.words is None or roles.is_time(table.name(i)):
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
