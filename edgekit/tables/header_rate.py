"""The rate of sampling that lines above a table tell: `Sampling rate: 12,8 kHz`, `Sample interval 10 ms`."""

from __future__ import annotations

import math
import re

from edgekit.tables import notation

SAMPLED = r"sampl\w*|abtast\w*|acqui\w*|scan\w*|logg\w*|data|output|frame"
NAMED = re.compile(
    rf"(?:(?P<sampled>{SAMPLED})[ _-]*)?(?P<what>rate|freq\w*|frequenz|intervall?|period\w*|\bfs\b|\bodr\b)",
    re.I,
)
OTHER = re.compile(  # frequencies and rates of something else
    r"cut|corner|filter|pass|line|mains|motor|shaft|rotat|heart|pulse|resonan|natural|carrier|supply|baud|bit"
    r"|signal|excit|drive|switch|pwm|flow|feed|grid|netz|dreh|centre|center|stim|breath|resp|bpf|nyquist",
    re.I,
)
VALUE = re.compile(
    r"(?P<number>\d(?:[\d.,'\u2019\u00a0\u202f]*\d)?\.?(?:[eE][+-]?\d+)?)[ \t\"'\u00a0\u202f]*"
    r"(?P<unit>[a-zµμ/]+(?:\s*per\s*\w+)?)?",
    re.I,
)
UNIT = re.compile(r"[\[(/ ]\s*(?P<unit>[kmg]?hz|k?s/s|k?sps|ms|msec|[uµμ]s|s|sec)\b", re.I)
PER_SECOND = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
}


def find(lines: list[str], mark: str = ".") -> float | None:
    """Hz, by the line that says most plainly that it speaks of sampling; `mark` is the table's decimal mark.

    None where no line tells, or one tells a number that could be anything: a wrong rate is worse than none.

    >>> find(["Mains frequency: 50 Hz", "Sampling rate: 1,000 Hz"]), find(["Sample interval: 10 ms"])
    (1000.0, 100.0)
    """
    plain: list[float] = []
    others: list[float] = []
    for line in "\n".join(lines).split("\n"):
        named = NAMED.search(line)
        if not named:
            continue
        sampled = bool(named["sampled"]) or named["what"].lower() in ("fs", "odr")
        if not sampled and OTHER.search(line):
            continue
        rate = _rate(_cell(line[named.end() :]), named["what"].lower(), sampled, mark)
        if rate and math.isfinite(rate):
            (plain if sampled else others).append(rate)
    return next(iter(plain or others), None)


def _cell(text: str) -> str:
    """Of `,1000,3` the cell beside the words, with its unit where that is the next one."""
    beside = re.match(r"([^\d,;\t:=]*)([,;\t])(.*)", text)
    if not beside:
        return text
    first, *more = [c.strip(" \"'") for c in beside[3].split(beside[2])]
    return f"{beside[1]} {first} {next((c for c in more[:1] if c.isalpha()), '')}"


def _rate(text: str, what: str, sampled: bool, mark: str) -> float | None:
    """Hz from what stands behind the words."""
    found = VALUE.search(text)
    if not found or found.start() > 24 or "-" in text[: found.start()]:
        return None
    between = UNIT.search(text[: found.start()])
    unit = (found["unit"] or (between["unit"] if between else "")).lower().replace(" ", "")
    value = _number(found["number"], mark)
    if not value or value <= 0:
        return None
    if unit in SECONDS:
        return 1 / (value * SECONDS[unit]) if sampled else None
    if what.startswith(("interval", "period")):
        return None
    per = re.fullmatch(
        r"([kmg]?)(?:hz|hertz|s/s|sps|samples/s(?:ec(?:ond)?)?|samplespersecond|/s|1/s)", unit
    )
    if per:
        return value * PER_SECOND[per[1]]
    return value if sampled and not unit else None


def _number(text: str, mark: str) -> float | None:
    """1,000 where decimals have a point, 12,8 anywhere."""
    if notation.NUMBER.match(text) and not (mark == "," and notation.GROUPED[","].match(text)):
        return float(text)
    for by in (mark, "," if mark == "." else "."):
        if notation.GROUPED[by].match(text):
            text = re.sub(rf"[{'.' if by == ',' else ','}{notation.APART}]", "", text)
            return float(text.replace(",", "."))
    return float(text.replace(",", ".")) if notation.COMMA.match(text) else None
