"""Numbers as people write them: decimal comma, thousands set apart, a typographer's minus."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
EMPTY = ("", "nan", "-nan", "na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "inf", "-inf", "+inf",
         "infinity", "<na>", "nat")  # fmt: skip
MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\ufe63\uff0d", "-"))
APART = "'\u2019\u00a0\u202f\u2009 "  # between groups of three digits, in any country
GROUPED = {  # decimal mark -> numbers whose thousands are set apart
    "." : re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:([,{APART}])\d{{3}})(?:\1\d{{3}})*(?:\.\d+)?$"),
    "," : re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:([.{APART}])\d{{3}})(?:\1\d{{3}})*(?:,\d+)?$"),
}  # fmt: skip
COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$")


def is_number(text: str) -> bool:
    """Whether it is a number to anybody."""
    text = text.strip()
    if NUMBER.match(text):
        return True
    if not any(map(str.isdigit, text)):
        return False
    text = text.translate(MINUS)
    return bool(
        NUMBER.match(text)
        or COMMA.match(text)
        or GROUPED["."].match(text)
        or GROUPED[","].match(text)
    )


def decimal(cells: Iterable[str]) -> str:
    """The decimal mark of a column, "." or ","; "" where its cells do not tell.

    "1.234,5" and "1.234.567" tell, "0,5" and "12,75" too. Where each comma is followed by three digits,
    numbers below a thousand without a comma say that commas set thousands apart.
    """
    cells = list(cells)
    if not any("," in cell for cell in cells) and any(
        "." in cell and NUMBER.match(cell) and not GROUPED[","].match(cell) for cell in cells
    ):
        return "."
    marks: dict[str, list[str]] = {".": [], ",": []}
    bare = 0
    for cell in cells:
        cell = cell.strip().translate(MINUS)
        if not is_number(cell):
            continue
        dot, comma = cell.rfind("."), cell.rfind(",")
        if dot >= 0 and comma >= 0:
            return "." if dot > comma else ","
        if dot < 0 and comma < 0:
            bare += 0 < len(cell.lstrip("+-")) <= 3
        for mark in marks:
            if mark in cell:
                marks[mark].append(cell)
    for mark, other in ((",", "."), (".", ",")):
        if any(c.count(mark) > 1 for c in marks[mark]):
            return other
    if marks["."] and marks[","]:
        return "." if len(marks["."]) >= len(marks[","]) else ","
    if commas := marks[","]:
        grouped = all(GROUPED["."].match(c) for c in commas)
        return "." if grouped and bare else ","
    if dots := marks["."]:
        # "1.013" beside "987": a point that sets thousands apart, or three digits that are left away
        return "" if bare and all(GROUPED[","].match(c) for c in dots) else "."
    return ""


def numbers(texts: pd.Series, mark: str) -> tuple[np.ndarray, int]:
    """Cells (n,) of text as float64, NaN where there is no number, and how many of them were not empty."""
    import pandas as pd

    texts = texts.astype(object).where(texts.notna(), "").astype(str).str.strip()
    plain = texts.str.replace(",", ".", regex=False) if mark == "," else texts
    if mark == ",":
        plain = plain.where(~texts.str.contains(".", regex=False), "?")
    values = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, copy=True)
    missing = np.flatnonzero(np.isnan(values))
    wrong = 0
    known: dict[str, float] = {}
    for i, cell in zip(missing, texts.iloc[missing], strict=True):
        if cell not in known:
            known[cell] = _one(cell, mark)
        values[i] = known[cell]
        wrong += np.isnan(known[cell]) and cell.lower() not in EMPTY
    return values, int(wrong)


def _one(cell: str, mark: str) -> float:
    cell = cell.translate(MINUS)
    if GROUPED[mark].match(cell):
        cell = re.sub(rf"[{'.' if mark == ',' else ','}{APART}]", "", cell)
    if mark == ",":
        if "." in cell:
            return np.nan
        cell = cell.replace(",", ".")
    return float(cell) if NUMBER.match(cell) else np.nan
