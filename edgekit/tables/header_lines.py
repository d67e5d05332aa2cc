"""The lines above the numbers of a table: names and units of its columns."""

from __future__ import annotations

import csv
import re
from collections import Counter

from edgekit.tables import clock, notation
from edgekit.tables.units import known as is_unit

COMMENT = re.compile(r"\s*(#|%|//|;;)")
STATES = frozenset(
    {"cal", "uncal", "raw", "calibrated", "uncalibrated"}
)  # of a signal, below its name


def fields(line: str, separator: str | None, quote: str = '"') -> list[str]:
    """The cells of a line; `separator` None is any white space."""
    if separator is None:
        return line.split()
    if quote not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, quotechar=quote), [])
    except csv.Error:
        return line.split(separator)


def names_and_units(
    lines: list[str], separator: str | None, quote: str
) -> tuple[list[str], list[str]]:
    """Names and units: of the last line above the numbers, or of the last two where one holds units."""
    if not lines:
        return [], []

    def cells(line: str) -> list[str]:
        return [c.strip().strip("\"'").strip() for c in fields(line.strip("\n"), separator, quote)]

    rows = [cells(line) for line in lines]
    width = len(rows[-1])
    rows = [r[:-1] if len(r) == width + 1 and not r[-1] else r for r in rows]
    while len(rows) > 1 and len(rows[-2]) == width - 1 and not rows[-1][-1]:
        width, rows[-1] = width - 1, rows[-1][:-1]
    names = rows.pop()
    units: list[str] = []
    while names and any(len(r) == width and _names(r) for r in rows):
        if not units and _of_units(names):
            units = [c.strip("[]()") for c in names]
        elif _names(names):
            break
        names = rows.pop()
    if units:
        return names, units
    split = [_unit_apart(cell) for cell in names]
    counts = Counter(n for n, _ in split)  # acc (x), acc (y): no units
    split = [
        (name, "") if counts[n] > 1 and not is_unit(u) else (n, u)
        for (n, u), name in zip(split, names, strict=True)
    ]
    return [n for n, _ in split], [u for _, u in split]


def _unit_apart(cell: str) -> tuple[str, str]:
    """Name and unit of `acc [m/s2]`, `Zeit / ms`; a cell that is in brackets as a whole is a name."""
    found = re.fullmatch(r"(.*?)\s*[\[(]\s*(.*?)\s*[\])]\s*", cell) or re.fullmatch(
        r"(.+?)\s*/\s*([a-zµμ°%²/^-]{1,6})", cell, re.I
    )
    return (
        (found[1].strip(), found[2].strip())
        if found and found[1]
        else (cell, found[2] if found else "")
    )


def _of_units(cells: list[str]) -> bool:
    """Whether a row below another holds units: most of its cells are, and each that is not is a word."""
    full = [c for c in cells if c]
    good = sum(map(is_unit, full))
    return bool(full) and good >= max(1, 0.6 * len(full))


def _names(cells: list[str]) -> bool:
    """Whether the cells of a row tell the columns apart: no row of CAL, nor of one device's name."""
    full = [c for c in cells if c]
    return (
        len(full) > len(cells) / 2
        and len(set(full)) > 1
        and not {c.lower() for c in full} <= STATES
    )


def fitted(names, units, preamble, separator, quote, width, body):
    """One name a column: an index may have none, a time of day a stamp; a comment may hold the names."""
    if not names and preamble:
        commented = COMMENT.sub("", preamble[-1], count=1)
        some, said = names_and_units([commented], separator, quote)
        if len(some) == width and not any(map(notation.is_number, some)):
            names, units = some, said
    if len(names) == width + 1 and not names[-1]:
        names, units = names[:-1], units[:-1]
    if len(names) == width - 1:
        names, units = ["", *names], ["", *units]
    if len(names) != width:
        return [""] * width, [""] * width
    names = ["time" if clock.is_stamp(n) and not notation.is_number(n) else n for n in names]
    return names, units
