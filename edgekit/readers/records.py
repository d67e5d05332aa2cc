"""Rows with names: JSON lines, a list of JSON objects, columns of Parquet; read as a table is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgekit.core import escape
from edgekit.tables import delimited
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.reading import Reading, UnreadableError, import_reader

LARGEST = 256 << 20  # bytes of text
MOST_CELLS = 100_000_000
MOST_COLUMNS = 1_000


def read_lines(path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """A JSON object or list of numbers a line. Raises UnreadableError."""
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST >> 20} MB: cut it")
    return lines(path.read_bytes(), name, wanted)


def lines(data: bytes, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """JSON lines, `data`, as the rows of a table; a few that are no JSON are left out, and noted.

    Raises UnreadableError where more than a fifth are, or nothing else is there.
    """
    rows, bad = [], 0
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines():
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            bad += 1
    if not rows or bad > 0.2 * (len(rows) + bad):
        raise UnreadableError("is neither JSON nor JSON lines")
    notes = [f"{bad} of {len(rows) + bad:,} lines are no JSON: left out"] if bad else []
    return objects(rows, name, wanted, notes)


def objects(
    rows: list,
    name: str,
    wanted: ReadOptions = DEFAULT_READ_OPTIONS,
    notes: Sequence[str] = (),
) -> list[Reading]:
    """Objects (or lists) of one shape as the rows of a table; what a row lacks is missing.

    `notes` are passed on to the readings. Raises UnreadableError without named numbers, or for too many.
    """
    rows = [flat(r) for r in rows if isinstance(r, dict)] or [
        {f"ch{i + 1}": v for i, v in enumerate(r)} for r in rows if isinstance(r, list)
    ]
    names = list(dict.fromkeys(key for row in rows[:10_000] for key in row))
    if not names:
        raise UnreadableError("is JSON without rows of named numbers")
    if len(names) > MOST_COLUMNS or len(names) * len(rows) > MOST_CELLS:
        raise UnreadableError(f"has {len(names):,} columns and {len(rows):,} rows")
    return columns({n: [row.get(n) for row in rows] for n in names}, name, wanted, notes)


def columns(
    content: Mapping[str, list | np.ndarray],
    name: str,
    wanted: ReadOptions = DEFAULT_READ_OPTIONS,
    notes: Sequence[str] = (),
) -> list[Reading]:
    """Columns (n,) of one length, `content`, as a table; `notes` are passed on. Raises UnreadableError."""
    cells = {escape.encodable(str(n)): _cells(values) for n, values in content.items()}
    if not any(c.dtype != object for c in cells.values()):
        raise UnreadableError("holds no numbers")
    return delimited.read_columns(list(cells), list(cells.values()), name, wanted, notes)


def read_parquet(
    path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS
) -> list[Reading]:
    """The columns of a Parquet file. Raises UnreadableError."""
    pq = import_reader("pyarrow", "pyarrow.parquet")
    try:
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            if facts.num_rows * facts.num_columns > MOST_CELLS or facts.num_columns > MOST_COLUMNS:
                raise UnreadableError(f"has {facts.num_columns:,} columns, {facts.num_rows:,} rows")
            table = file.read()
    except UnreadableError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        text = " ".join(str(error).split())[:80]
        raise UnreadableError(f"is no Parquet file that can be read ({text})") from None
    return columns({n: _arrow(table[i]) for i, n in enumerate(table.column_names)}, name, wanted)  # fmt: skip


def _arrow(column) -> list | np.ndarray:
    """Numbers as float64, times as nanoseconds since 1970, all else as text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        return (
            column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64()).to_numpy().astype(np.float64)
        )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.float64()).to_numpy()
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.string()).to_pylist()
    return [str(v) for v in column.to_pylist()]


def flat(row: dict, prefix: str = "", depth: int = 0) -> dict:
    """A `row` `{"acc": {"x": 1}}` as `{"acc.x": 1}`, each name behind `prefix`; three levels less `depth`."""
    found: dict = {}
    for key, value in row.items():
        if isinstance(value, dict) and depth < 3:
            found |= flat(value, f"{prefix}{key}.", depth + 1)
        else:
            found[f"{prefix}{key}"] = value
    return found


def _cells(values) -> np.ndarray:
    """float64 where all are numbers or missing, else texts."""
    if isinstance(values, np.ndarray):
        return values
    if all(v is None or isinstance(v, (int, float)) for v in values):
        try:
            return np.array([np.nan if v is None else float(v) for v in values])
        except OverflowError:
            raise UnreadableError("holds a number beyond any sensor") from None
    return np.array(["" if v is None else escape.encodable(str(v)) for v in values], object)
