"""The cells of a table as columns, read block by block, so that memory holds the numbers and not the text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import numpy as np

from edgekit.tables import clock, notation
from edgekit.tables.layout import Layout, as_text
from edgekit.tables.reading import UnreadableError

MOST_WORDS = 5000  # different texts of a column; one with more is no label
NEWLINE, RETURN, NUL = 10, 13, 0


@dataclass
class Column:
    """`values` (n,): float32 or float64 numbers, int64 nanoseconds of a clock (one array for each way to
    read it, `clock.TimeFormat`), or int32 indices of `words`, -1 where the cell is empty. `wrong`: how many
    cells held something else. `words` is None once there are too many of them."""

    kind: str  # "number", "clock" or "words"
    form: clock.TimeFormat | None = None
    words: dict[str, int] | None = field(default_factory=dict)
    parts: list[list[np.ndarray]] = field(default_factory=list)
    wrong: int = 0

    def take(self) -> np.ndarray:
        """All values as one array; of a clock those that make most sense. What it was made of is freed."""
        ways = [np.concatenate(way) for way in zip(*self.parts, strict=True)] or [np.zeros(0)]
        values = clock.best(ways) if self.kind == "clock" else ways[0]
        self.parts = [[values]]
        return values


@dataclass
class Cells:
    """`columns` of `rows` rows; `breaks`: rows before which a header stood, so that a file begins anew."""

    columns: list[Column]
    rows: int
    breaks: list[int]
    notes: list[str]


def cells(layout: Layout, exact: set[int], fine: set[int]) -> Cells:
    """The table's cells. Columns in `exact` are kept as text, those in `fine` as float64, others as float32.

    Rows with another number of cells are left out and counted; a header that is repeated is left out, and
    the row behind it is in `breaks`. Raises UnreadableError where more than a fifth of the rows do not fit.
    """
    columns = [_column(layout, i, exact) for i in range(len(layout.kinds))]
    rows, bad, breaks, first = 0, 0, [], True
    for block in layout.blocks():
        table, unfit, before = _fit(block, layout, layout.head if first else 0)
        first, bad = False, bad + unfit
        breaks += [rows + b for b in before]
        if table:
            rows += _take(table, layout, columns, fine)
    if not rows:
        raise UnreadableError("holds no rows of one width")
    notes = []
    if bad:
        notes.append(f"{bad:,} of {rows + bad:,} rows have another number of cells: left out")
        if bad > 0.2 * (rows + bad):
            raise UnreadableError(f"is no table: {bad:,} of {rows + bad:,} rows do not fit")
    if breaks:
        notes.append(f"its header is repeated {len(breaks)} times: cut there")
    return Cells(columns, rows, breaks, notes)


def _column(layout: Layout, i: int, exact: set[int]) -> Column:
    """Column `i` without values: what it will hold. A date stays text, whose time another column tells."""
    kind, form = layout.kinds[i], None
    if kind == "clock":
        form = clock.form([row[i].strip() for row in layout.probe if row[i].strip()])
    text = i in exact or (kind == "clock" and (form is None or form.what == "date"))
    return Column("words" if text else kind, form)


def _fit(block: bytes, layout: Layout, head: int) -> tuple[bytes, int, list[int]]:
    """The rows of a block that have as many cells as the table; how many have not; rows behind a header."""
    text = np.frombuffer(block, np.uint8)
    inside = None
    ends = text == NEWLINE
    if (quote := layout.quote.encode()) in block and block.count(quote) % 2 == 0:
        inside = np.cumsum(text == quote[0], dtype=np.int32) & 1 == 1
        ends &= ~inside
    stops = np.flatnonzero(ends) + 1
    starts = np.concatenate(([0], stops[:-1]))
    if layout.separator is None:
        blank = (text == 32) | (text == 9) | ends
        marks = np.flatnonzero(~blank & np.concatenate(([True], blank[:-1])))
    else:
        marks = text == ord(layout.separator)
        marks = np.flatnonzero(marks & ~inside if inside is not None else marks)
    counts = np.diff(np.searchsorted(marks, stops), prepend=0)
    width = counts if layout.separator is None else counts + 1
    opens = text[starts]
    lengths = stops - starts
    data = (lengths > 1) & (opens != ord("#")) & (opens != ord("%"))
    if layout.separator != ";":
        data &= ~((opens == ord(";")) & (lengths > 2))
    for i in np.flatnonzero(
        data & ((opens == 32) | (opens == 9) | (opens == ord("/")) | (opens == NUL))
    ):
        line = block[starts[i] : stops[i]].strip(b" \t\0\n")
        data[i] = bool(line) and not line.startswith((b"//", b"#", b"%"))
    if head:
        data[np.flatnonzero(data)[:head]] = False
    before = []
    fit = data & (width == layout.width + layout.trailing)
    if layout.trailing:  # some rows may lack the last separator
        fit |= data & (width == layout.width)
    if layout.header and block.count(layout.header):
        again = [i for i in np.flatnonzero(data & (lengths <= len(layout.header) + 8))
                 if block[starts[i] : stops[i]].strip() == layout.header]  # fmt: skip
        fit[again] = data[again] = False
        before = [int(fit[:i].sum()) for i in again]
    if b"\0" in block:
        zero = np.unique(np.searchsorted(stops, np.flatnonzero(text == NUL), side="right"))
        fit[zero[zero < len(fit)]] = False
    if fit.all():
        return block, 0, before
    return text[np.repeat(fit, lengths)].tobytes(), int((data & ~fit).sum()), before


def _take(table: bytes, layout: Layout, columns: list[Column], fine: set[int]) -> int:
    """Parse rows and append them to the columns; how many there were."""
    frame = _frame(table, layout, columns)
    for i, column in enumerate(columns):
        series = frame[i]
        if column.kind == "number":
            if series.dtype.kind in "iuf":
                values = series.to_numpy(np.float64)
            else:
                values, wrong = notation.numbers(series, layout.marks[i])
                column.wrong += wrong
            column.parts.append([values.astype(np.float64 if i in fine else np.float32)])
        elif column.kind == "clock" and column.form:
            ways = column.form.read(series)
            column.wrong += int((ways[0] == clock.MISSING).sum())
            column.parts.append(ways)
        else:
            column.parts.append([_coded(series, column)])
    return len(frame)


def _frame(table: bytes, layout: Layout, columns: list[Column]):
    import pandas as pd

    types = {
        i: "category" if c.kind == "words" else str
        for i, c in enumerate(columns)
        if c.kind != "number" or layout.marks[i] != layout.mark
    }
    return pd.read_csv(
        io.BytesIO(table), sep=layout.separator or r"\s+", header=None, names=range(layout.width),
        usecols=range(layout.width), dtype=types, index_col=False, engine="c", quotechar=layout.quote,
        quoting=csv.QUOTE_MINIMAL, decimal=layout.mark, skipinitialspace=True, low_memory=False,
        na_values=["-", "--", "nil", "none", "NONE"], skip_blank_lines=True,
    )  # fmt: skip


def _coded(series, column: Column) -> np.ndarray:
    """int32 indices into the words of the column, which grow."""
    codes = np.asarray(series.cat.codes, np.int32)
    if column.words is None:
        return np.full(len(codes), -1, np.int32)
    places = [-1] * (len(series.cat.categories) + 1)
    for k, word in enumerate(series.cat.categories):
        word = " ".join(str(word).strip().strip("\"'").split())
        places[k] = column.words.setdefault(word, len(column.words)) if word else -1
    if len(column.words) > MOST_WORDS:
        column.words = None
        return np.full(len(codes), -1, np.int32)
    return np.array(places, np.int32)[codes]


def from_columns(layout: Layout, given: list[np.ndarray], exact: set[int]) -> Cells:
    """Cells of columns (n,) that were taken apart before, float64 or texts."""
    import pandas as pd

    columns = []
    for i, values in enumerate(given):
        column = _column(layout, i, exact)
        if column.kind == "words":
            texts = pd.Series([as_text(v) for v in values], dtype=object).replace("", None)
            column.parts.append([_coded(texts.astype("category"), column)])
        elif column.kind == "clock" and column.form:
            column.parts.append(column.form.read(pd.Series(values, dtype=object)))
        elif values.dtype == object:
            numbers, column.wrong = notation.numbers(pd.Series(values), layout.marks[i])
            column.parts.append([numbers])
        else:
            column.parts.append([values])
        columns.append(column)
    return Cells(columns, len(given[0]), [], [])
