"""Units as people write them behind a name, in brackets or in a row of their own: `m/(s^2)*`, `mVolts`."""

from __future__ import annotations

import re

from edgekit.tables.column_roles import WORDS

PREFIXED, WHOLE = (frozenset(WORDS[name].split()) for name in ("prefixed", "whole"))
CLOCK = re.compile(
    r"[ymdhs\d:./\-\s,+tz]*(hh?:mm|mm:ss|yyyy|dd[./-]mm)[ymdhsf\d:./\-\s,+tz]*", re.I
)
PREFIX = re.compile(r"(milli|micro|nano|kilo|mega|giga|centi|deci|hecto|[mµμunkgcdhp])(?=.)")


def known(text: str) -> bool:
    """Whether a text is a unit, products, quotients and powers of units too, or the pattern of a time.

    >>> [known(t) for t in ("m/s²", "m/(s^2)*", "mVolts", "deg/s", "yyyy-mm-dd hh:mm:ss", "left", "foo")]
    [True, True, True, True, True, False, False]
    """
    text = text.strip().strip("[]()").strip()
    if not text or CLOCK.fullmatch(text):
        return True
    lower = text.lower().rstrip("*").strip().rstrip(".")
    if lower in WHOLE or lower.replace(" ", "_") in WHOLE:
        return True
    factors = [f for f in re.split(r"[/*·⋅.\s()^]+|(?<=[a-z])-(?=\d)", _without_powers(lower)) if f]
    return bool(factors) and all(f == "1" or _one(f) for f in factors)


def _without_powers(text: str) -> str:
    return re.sub(
        r"[²³¹⁻]|\^?[-+]?\d+(?=$|[^\d\w])", "", text.replace("^(", "^").replace("per", "/")
    )


def _one(text: str) -> bool:
    if text in WHOLE or text in PREFIXED:
        return True
    found = PREFIX.match(text)
    return found is not None and text[found.end() :] in PREFIXED
