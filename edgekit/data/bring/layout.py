"""How a table is laid out as text: encoding, separator, decimal comma, header, units, and its cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.data.bring.reading import UnreadableError

LARGEST = 1 << 30  # bytes of a file
PROBE = 200  # lines from which the layout is read
SEPARATORS = (";", "\t", ",", "|", None)  # None: any white space
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
COMMENT = re.compile(r"\s*(#|%|//|;;)")
RATE = re.compile(r"(?:sampl\w*[ _-]*)?(?:rate|freq\w*|fs)[^\d-]{0,20}([\d.]+)\s*(k)?hz", re.I)
RATE_PLAIN = re.compile(r"sampl\w*[ _-]*(?:rate|freq\w*)[ \w()/]*[:=,;\s]+([\d.]+)\s*(k)?", re.I)
UNITS = re.compile(
    r"-?|m?g|m/s(2|²|\^2)|dps|(deg|°|rad)(/s)?|°?[ckf]|k?v|m[va]|[avwnt]|kw|m?bar|[hk]?pa|%|[mµun]?s|k?hz|db"
    r"|rpm|1/min|nm|[mµuc]?m|lux|lx|pp[mb]|[µu]t|counts|raw|l/min|m3/h",
    re.I,
)


@dataclass(frozen=True)
class Grid:
    """A table as text: `names` and `units` of the columns (empty where there is no header) and `cells`,
    a list of columns, float64 where they are numbers and object where they are text."""

    names: list[str]
    units: list[str]
    cells: list[np.ndarray]
    rate: float | None
    notes: list[str]


def grid(path: Path) -> Grid:
    """How the text is laid out, and its cells. Raises UnreadableError."""
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST >> 20:,} MB: cut it")
    text = decode(path.read_bytes())
    lines = text.splitlines()
    preamble = [line for line in lines[:PROBE] if COMMENT.match(line)]
    lines = [line for line in lines if line.strip() and not COMMENT.match(line)]
    if not lines:
        raise UnreadableError("is empty")
    separator, comma, head = _layout(lines[:PROBE])
    notes = []
    header, units = _header(lines[:head], separator)
    width = Counter(
        len(_fields(line, separator)) for line in lines[head : head + PROBE]
    ).most_common(1)[0][0]
    if len(header) == width - 1:
        header, units = ["", *header], ["", *units]
    if len(header) != width:
        header, units = [""] * width, [""] * width
    cells, bad = _cells(lines[head:], separator, comma, width)
    if bad:
        notes.append(
            f"{bad:,} of {len(lines) - head:,} rows have another number of cells: left out"
        )
        if bad > 0.2 * (len(lines) - head):
            raise UnreadableError(f"is no table: {bad:,} of {len(lines) - head:,} rows do not fit")
    preamble += lines[: max(0, head - 1)]
    found = RATE.search("\n".join(preamble)) or RATE_PLAIN.search("\n".join(preamble))
    rate = float(found[1]) * (1000 if found[2] else 1) if found else None
    if not any(c.dtype != object for c in cells):
        raise UnreadableError("holds no numbers")
    return Grid(header, units, cells, rate if rate and rate > 0 else None, notes)


def decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data[:4096]:
        raise UnreadableError("is binary, not text")
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableError("is no text that edgekit can decode")


def _fields(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    fields = next(csv.reader([line], delimiter=separator), [])
    return fields[:-1] if len(fields) > 1 and not fields[-1].strip() else fields  # a trailing one


def _layout(lines: list[str]) -> tuple[str | None, bool, int]:
    """(separator, decimal comma, index of the first data line) that make most of the text numbers."""
    best, choice = -1.0, None
    for separator in SEPARATORS:
        for comma in (False, True):
            table = [_fields(line, separator) for line in lines]
            numeric = [[_is_number(c, comma) for c in row] for row in table]
            width = Counter(map(len, table[len(table) // 2 :])).most_common(1)[0][0]
            body = [n for n in numeric[len(table) // 2 :] if len(n) == width]
            share = np.mean([np.mean(n) for n in body]) * len(body) / (len(table) - len(table) // 2)
            score = share + 0.01 * min(width, 20) - (0.001 if comma or separator is None else 0)
            if share > 0 and score > best:
                steady = np.array([len(n) == width for n in numeric])
                full = np.array([sum(n) for n in numeric])
                usual = np.median([sum(n) for n in body])
                data = np.flatnonzero(steady & (full >= max(1, 0.5 * usual)))
                best, choice = score, (separator, comma, int(data[0]))
    if choice is None:
        raise UnreadableError("holds no numbers")
    return choice


def _is_number(text: str, comma: bool) -> bool:
    text = text.strip()
    if comma:
        if "." in text:
            return False
        text = text.replace(",", ".")
    return NUMBER.match(text) is not None


def _header(lines: list[str], separator: str | None) -> tuple[list[str], list[str]]:
    """Names and units: of the last line above the numbers, or of the last two where one holds units."""
    if not lines:
        return [], []
    last = [c.strip().strip('"') for c in _fields(lines[-1], separator)]
    above = [c.strip().strip('"') for c in _fields(lines[-2], separator)] if len(lines) > 1 else []
    if len(above) == len(last):
        short = [c.strip("[]()") for c in last]
        if all(UNITS.fullmatch(c) for c in short):
            return above, short
    names, units = [], []
    for cell in last:
        found = re.fullmatch(r"(.*?)\s*[\[(]\s*([^\])]*)\s*[\])]\s*", cell) or re.fullmatch(
            r"(.+?)\s*/\s*([a-zµμ°%²/^-]{1,6})", cell, re.I
        )
        names.append(found[1].strip() if found and found[1] else cell)
        units.append(found[2].strip() if found else "")
    return names, units


def _cells(lines: list[str], separator: str | None, comma: bool, width: int):
    """Columns, and how many rows had another number of cells."""
    import pandas as pd

    fit = [line for line in lines if _width(line, separator) == width]
    if not fit:
        raise UnreadableError("holds no rows of one width")
    trailing = (
        separator is not None and max(_raw_width(line, separator) for line in fit[:PROBE]) > width
    )
    frame = pd.read_csv(
        io.StringIO("\n".join(fit)), sep=separator or r"\s+", header=None, dtype=str,
        names=range(width + trailing), keep_default_na=False, skipinitialspace=True,
        index_col=False, engine="c", quoting=csv.QUOTE_MINIMAL,
    )  # fmt: skip
    frame = frame.iloc[:, :width].fillna("")
    cells = []
    for column in frame:
        texts = frame[column].astype(object).str.strip()
        plain = texts.str.replace(",", ".", regex=False) if comma else texts
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, copy=True)
        empty = texts.str.lower().isin(["", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf"])
        wrong = np.isnan(numbers) & ~empty.to_numpy()
        cells.append(texts.to_numpy(object) if wrong.mean() > 0.2 or empty.all() else numbers)
    return cells, len(lines) - len(frame)


def _raw_width(line: str, separator: str | None) -> int:
    if separator is None:
        return len(line.split())
    if '"' in line:
        return len(next(csv.reader([line], delimiter=separator)))
    return line.count(separator) + 1


def _width(line: str, separator: str | None) -> int:
    """Cells of a line, without an empty one at its end."""
    count = _raw_width(line, separator)
    return count - (count > 1 and separator is not None and line.rstrip(" ").endswith(separator))
