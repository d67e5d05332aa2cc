"""What a line or a value of a live message says: numbers as people write them, moments, hexadecimal bytes."""

from __future__ import annotations

import datetime
import re

from edgekit.tables import clock, column_roles, notation, serial_lines

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
PAIR = re.compile(rf"([^\W\d][\w.]*)\s*[:=]\s*({NUMBER})(?![\w.])")
HEX = re.compile(r"(?:0x)?[0-9a-f]{2,}", re.I)
BYTES = "is hexadecimal: print decimal numbers, `1.5,2.5`, or JSON with names"
WORDS = "is no line of numbers"
HOUSEKEEPING = {
    "bat",
    "batt",
    "battery",
    "vbat",
    "vbatt",
    "rssi",
    "snr",
    "lqi",
    "heap",
    "uptime",
    "soc",
}
HOUSEKEEPING_SUFFIX = {
    "level",
    "percent",
    "pct",
    "voltage",
    "v",
    "mv",
    "free",
    "db",
    "dbm",
    "s",
    "ms",
}


def split_arrival_time(line: str) -> tuple[float | None, str]:
    """Seconds of the day that a serial monitor put before a line, `12:00:01.123 -> 1,2`, and the line."""
    found = serial_lines.ARROW.match(line)
    return (moment(found[1]), line[found.end() :]) if found else (None, line)


def plain_minus(line: str) -> str:
    """The line with the hyphen that `float` reads for each typographic minus."""
    return line.translate(notation.MINUS)


def cells(line: str) -> list[str]:
    """The cells of a line; commas are decimal where semicolons, tabs or blanks stand between numbers."""
    line = line.strip()
    if "," in line and re.search(r"[;\t ]", line):
        apart = [
            c.strip() for c in re.split(r"[;\t]+" if re.search(r"[;\t]", line) else r" +", line)
        ]
        full = [c for c in apart if c]
        commas = [c for c in full if re.fullmatch(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", c)]
        if commas and all(
            c in commas or notation.NUMBER.match(c) or clock.is_stamp(c) for c in full
        ):
            return [c.replace(",", ".") if c in commas else c for c in full]
    first, *rest = re.split(r"\s*[,;\t]\s*", line, maxsplit=1)
    if rest and clock.is_stamp(first):  # a date and a time of day hold a blank
        return [first, *cells(rest[0])]
    return [c for c in re.split(r"[,;\t ]+", line) if c]


def pairs(line: str) -> dict[str, float]:
    """name -> number of a line that holds nothing else; {} for any other."""
    for text in (line, re.sub(r"(?<=\d),(?=\d)", ".", line)):
        found = {name: float(number) for name, number in PAIR.findall(text)}
        if found and not PAIR.sub("", text).strip(" ,;\t"):
            return found
    return {}


def is_hex(some: list[str]) -> bool:
    """Whether `some` texts are all hexadecimal, with a letter or 0x that no decimal number has."""
    text = "".join(some)
    return bool(some) and all(map(HEX.fullmatch, some)) and bool(re.search(r"[a-f]|0x", text, re.I))


def number(value: object) -> float | None:
    """`value` as a finite number, also one that stands in a text; `nan` stands for a missing one."""
    if isinstance(value, str):
        text = value.strip().translate(notation.MINUS)
        text = text.replace(",", ".") if notation.COMMA.match(text) else text
        value = float(text) if notation.NUMBER.match(text) else value
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) >= 1e30:
        return None
    return float(value)


def moment(text: str) -> float | None:
    """Seconds of `text`, a date with a time, since 1970, or of a time of day, since midnight; else None."""
    text = text.strip()
    if not clock.is_stamp(text):
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        zone = found.tzinfo or datetime.UTC
        return found.replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        pass
    if clocked := re.fullmatch(r"(\d{1,2}):(\d\d):(\d\d(?:[.,]\d+)?)", text):
        hours, minutes, seconds = (float(part.replace(",", ".")) for part in clocked.groups())
        return 3600 * hours + 60 * minutes + seconds
    import pandas as pd

    form = clock.form([text])
    ns = clock.best(form.read(pd.Series([text]))) if form else [clock.MISSING]
    return float(ns[0]) / 1e9 if ns[0] != clock.MISSING else None


def is_line(text: str) -> bool:
    """Whether a text in a message is a line of its own, `1,2` say: no number, and no JSON."""
    return not notation.NUMBER.match(text.strip()) and text.strip()[:1] not in ("", "{", "[")


def is_housekeeping(name: str) -> bool:
    """Whether a value tells how the sender is and not what it measures: `bat`, `rssi`."""
    words = set(column_roles.plain_words(name))
    return bool(words & HOUSEKEEPING) and words <= HOUSEKEEPING | HOUSEKEEPING_SUFFIX


def node_red(value: dict) -> dict:
    """The values in `value`, a message of Node-RED: {"topic": "a", "payload": {"x": 1}, "_msgid": "8f"},
    beside its topic and its time."""
    inner = value["payload"]
    if isinstance(inner, str):
        import json

        try:
            inner = json.loads(inner)
        except (ValueError, RecursionError):
            inner = number(inner)
    inner = inner if isinstance(inner, dict) else {"payload": inner}
    about = {k: v for k, v in value.items() if k == "topic" or column_roles.is_time(str(k))}
    return {**about, **inner}
