"""How a table is laid out as text: separator, decimal mark, header, units; read from its first lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgekit.tables import clock, column_roles, encoding, header_rate, notation, serial_lines
from edgekit.tables.header_lines import COMMENT, fields, fitted, names_and_units
from edgekit.tables.notation import NUMBER
from edgekit.tables.reading import UnreadableError
from edgekit.tables.units import known as is_unit

LARGEST = 1 << 30  # bytes of a file
PROBE = 120  # lines from which the layout is read
LOOK = 16  # of them, from which the separator is
SEPARATORS = (";", "\t", ",", "|", None)  # None: any white space


@dataclass(frozen=True)
class Layout:
    """`names` and `units` of the columns (empty where there is no header); `kinds`: "number", "clock" (a
    text that is a time or a date) or "words"; `marks`: the decimal mark of each; `head`: how many lines
    stand above the rows, comments and empty lines not counted; `rewrite` makes rows of lines of another
    form, and `above` is the header that they lack."""

    text: encoding.Text | None
    separator: str | None
    quote: str
    names: list[str]
    units: list[str]
    kinds: list[str]
    marks: list[str]
    mark: str
    width: int
    trailing: bool
    head: int
    header: bytes = b""
    rate: float | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    above: bytes = b""
    probe: list[list[str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def blocks(self) -> Iterator[bytes]:
        if self.above:
            yield self.above
        for block in self.text.blocks(quote=self.quote.encode()) if self.text is not None else ():
            yield self.rewrite(block) if self.rewrite else block

    def shown(self, i: int) -> str:
        return repr(self.names[i]) if self.names[i] else str(i + 1)


def layout(path: Path) -> Layout:
    """How the text of a file is laid out. Raises UnreadableError for what is no table."""
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST >> 20:,} MB: cut it")
    text = encoding.text(path)
    block = next(text.blocks(encoding.HEAD), b"")
    lines = _whole(block.decode().split("\n"))
    rewrite, header = None, ""
    if found := serial_lines.rewriter([n for n in lines[:PROBE] if not COMMENT.match(n)]):
        rewrite, header = found
        lines = [*([header] if header else []), *rewrite(block).decode().split("\n")]
    notes = list(text.notes)
    preamble = [line for line in lines[:PROBE] if COMMENT.match(line)]
    full = [line for line in lines if line.strip(" \t\0") and not COMMENT.match(line)][: 4 * PROBE]
    if not full:
        raise UnreadableError("is empty")
    if header:
        notes.append(
            f"lines of names and numbers were read as a table of {', '.join(header.split(chr(9)))}"
        )
    ends = Counter(line.rstrip()[-1:] for line in full)
    if ends[";"] > 0.8 * len(full) and sum("," in line for line in full) > 0.8 * len(full):
        inner, again = rewrite, b";"  # a record ends with it, and so does the line

        def rewrite(block: bytes) -> bytes:
            return (inner(block) if inner else block).replace(again, b"\n")

        full = [part for line in full for part in line.split(";") if part.strip()]
    rows = full[:PROBE]
    separator, head = _separator(rows)
    quote = "'" if _quoted(rows, separator) else '"'
    names, units = names_and_units(rows[:head], separator, quote)
    body = [fields(line, separator, quote) for line in full[head:]]
    width = Counter(map(len, body[:PROBE])).most_common(1)[0][0]
    body = [row for row in body if len(row) == width]
    trailing = width > 1 and len(names) != width and not any(row[-1].strip() for row in body)
    width -= trailing
    names, units = fitted(names, units, preamble, separator, quote, width, body)
    above = [*preamble, *rows[: max(0, head - 1)]]
    rate, more = None, _wearable(rows[:head], body, names)
    if more:
        rate, skipped = more
        head, body = head + skipped, body[skipped:]
        names, units = [""] * width, [""] * width
        notes.append(f"its first rows are the start of the recording and its rate, {rate:g} Hz")
    columns = [[row[i].strip() for row in body] for i in range(width)]
    kinds = [_kind(c[:PROBE]) for c in columns]
    told = [
        notation.decimal(c) if k == "number" else "" for c, k in zip(columns, kinds, strict=True)
    ]
    mark = Counter(t for t in told if t).most_common(1)[0][0] if any(told) else "."
    rate = rate or header_rate.find(above, mark)
    notes += [
        f"the unit {u[:20]!r} of {n!r} is not understood: kept as it is written"
        for n, u, kind in zip(names, units, kinds, strict=True)
        if kind == "number" and not is_unit(u) and not column_roles.is_time(n)
    ]
    if "number" not in kinds:
        raise UnreadableError(_nothing(full))
    return Layout(
        text, separator, quote, names, units, kinds, [t or mark for t in told], mark, width, trailing, head,
        rows[head - 1 - (more[1] if more else 0)].strip().encode() if head and any(names) else b"",
        rate, rewrite, f"{header}\n".encode() if header else b"", body, tuple(notes),
    )  # fmt: skip


def _whole(lines: list[str]) -> list[str]:
    """Lines, those put together that a quotation goes over."""
    if not any(line.count('"') % 2 for line in lines):
        return lines
    joined: list[str] = []
    for line in lines:
        if joined and joined[-1].count('"') % 2 and len(joined[-1]) < 5000:
            joined[-1] += "\n" + line
        else:
            joined.append(line)
    return joined


def _short(line: str) -> str:
    return line.strip()[:40]


def of_columns(names: list[str], columns: list[np.ndarray], notes=()) -> Layout:
    """The layout of a table whose columns were taken apart before."""
    shown = [[as_text(v) for v in c[:PROBE]] for c in columns]
    numbers = [c.dtype != object for c in columns]
    kinds = ["number" if n else _kind(s) for n, s in zip(numbers, shown, strict=True)]
    marks = [notation.decimal(s) or "." for s in shown]
    probe = [list(row) for row in zip(*shown, strict=True)]
    return Layout(
        None, ",", '"', list(names), [""] * len(names), kinds, marks, ".", len(names), False, 0,
        probe=probe, notes=tuple(notes),
    )  # fmt: skip


def as_text(value) -> str:
    """A cell as text; whole numbers without a fraction, as an identity is written."""
    if isinstance(value, (float, np.floating)):
        return (
            ""
            if value != value
            else f"{value:.0f}"
            if value == np.round(value)
            else repr(float(value))
        )
    return str(value)


def _nothing(lines: list[str]) -> str:
    return f"holds no numbers: its first line is {_short(lines[0])!r}"


def _kind(cells: list[str]) -> str:
    """By the cells of the first rows. What is empty there may hold numbers later."""
    full = [c for c in cells if c and c.lower() not in notation.EMPTY]
    if sum(map(notation.is_number, full)) >= 0.8 * len(full):
        return "number"
    return "clock" if clock.form(full) else "words"


def _separator(lines: list[str]) -> tuple[str | None, int]:
    """(separator, index of the first row) that make most of the text numbers and times."""
    best, choice, shared = -1.0, None, 0.0
    body = lines[len(lines) // 2 :][:LOOK]
    for separator in SEPARATORS:
        if separator and not any(separator in line for line in body):
            continue
        table = [fields(line, separator) for line in body]
        width = Counter(map(len, table)).most_common(1)[0][0]
        fit = [_good(row) for row in table if len(row) == width]
        share = sum(fit) / (width * len(body)) if width else 0.0
        if share <= 0:
            continue
        head = next(
            (i for i, row in enumerate(fields(line, separator) for line in lines)
             if len(row) == width and _good(row) >= max(1, 0.5 * width * share)), None,
        )  # fmt: skip
        if head is None:
            continue
        score = share + 0.01 * min(width, 20)
        if head and len(fields(lines[head - 1], separator)) not in (width, width - 1):
            score -= 0.3  # its header would have another number of columns
        plainer = share > shared + 0.2  # "1,5 2,5": decimal commas, and white space between
        if separator is None and choice and best > 0.5 and choice[2] > 1 and not plainer:
            score -= 0.3  # white space within cells, a date and a time of day say
        if score > best:
            best, choice, shared = score, (separator, head, width), share
    if choice is None:
        raise UnreadableError(_nothing(lines))
    return choice[:2]


def _good(row: list[str]) -> int:
    """How many of the cells are numbers or times."""
    return sum(notation.is_number(c) or clock.is_stamp(c) for c in row)


def _quoted(lines: list[str], separator: str | None) -> bool:
    """Whether cells stand in 'single' quotes."""
    cells = [c.strip() for line in lines[:3] for c in fields(line, separator)]
    return sum(len(c) > 1 and c[0] == c[-1] == "'" for c in cells) > 0.5 * len(cells)


def _wearable(head: list[str], body: list[list[str]], names: list[str]) -> tuple[float, int] | None:
    """(rate, rows that are no samples) of a file as Empatica's wristbands write it: start, rate, samples."""
    rows = [[c.strip() for c in row if c.strip()] for row in body[:3]]
    if len(rows) < 3 or any(len(set(r)) != 1 for r in rows[: 2 - bool(head)]):
        return None
    if len(head) == 1 and names and all(clock.is_stamp(n) or n == "time" for n in names):
        rate, skipped = rows[0][0], 1
    elif not head and _is_start(rows[0][0]) and not _is_start(rows[2][0]):
        rate, skipped = rows[1][0], 2
    else:
        return None
    return (float(rate), skipped) if NUMBER.match(rate) and 0 < float(rate) <= 10_000 else None


def _is_start(cell: str) -> bool:
    return bool(NUMBER.match(cell)) and 9e8 < float(cell) < 4.2e9


def named_column(laid: Layout, name: str) -> int | None:
    """The column of that name, whatever its case; where there are no names, of that number from 1 on."""
    exact = [i for i, n in enumerate(laid.names) if n and n == name]
    found = exact or [i for i, n in enumerate(laid.names) if n and column_roles.same(n, name)]
    if found:
        return found[0]
    number = name.removeprefix("ch")
    if number.isdigit() and 1 <= int(number) <= laid.width and not any(laid.names):
        return int(number) - 1
    return None


def find_column(laid: Layout, name: str) -> int | None:
    """The column that an option names, by name or by number."""
    found = named_column(laid, name)
    if found is None and name.isdigit() and 1 <= int(name) <= laid.width:
        return int(name) - 1
    return found
