"""The colours of all pictures, and how a line of the seventh colour differs from the first again."""

from __future__ import annotations

from itertools import cycle, islice, product
from typing import Any

from edgekit.core.palette import BLUE, COLOURS, GREEN, GREY, INK, PALE, RED

STYLES = ("-", "--", ":", "-.")


def lines(count: int) -> list[dict[str, Any]]:
    """Colour and style of `count` lines of one picture, no two alike up to the 28th."""
    pairs = product(STYLES, COLOURS)
    return [{"color": colour, "ls": style} for style, colour in islice(cycle(pairs), count)]


__all__ = ["BLUE", "COLOURS", "GREEN", "GREY", "INK", "PALE", "RED", "STYLES", "lines"]
