"""Lines as a serial monitor shows them, made rows of a table: `12:00:01.123 -> 1,2` and `x:1 y:2`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

ARROW = re.compile(r"\s*\[?(\d{1,2}:\d\d:\d\d(?:[.,]\d+)?)\]?\s*(?:->|→)\s*")
PAIR = re.compile(
    r"([A-Za-zµ°_][^:=,;\t]*?)\s*[:=]\s*([-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)(?![\d:])",
    re.I,
)
REST = re.compile(r"[\s,;]*")


def rewriter(lines: list[str]) -> tuple[Callable[[bytes], bytes], str] | None:
    """What makes rows of the blocks of such a file, and the header that they lack; None: it is another."""
    some = [line for line in lines if line.strip()]
    arrows = sum(bool(ARROW.match(line)) for line in some) > 0.8 * len(some)
    bodies = [ARROW.sub("", line, count=1) if arrows else line for line in some]
    pairs = [_pairs(body) for body in bodies]
    plotted = sum(bool(p) for p in pairs) > 0.8 * len(some)
    if not some or not (arrows or plotted):
        return None
    if plotted:
        names = list(Counter(tuple(p) for p in pairs if p).most_common(1)[0][0])
        by, head = "\t", "\t".join([*["time"] * arrows, *names])
    else:
        counts = {by: sum(by in body for body in bodies) for by in ("\t", ";", ",")}
        by, head = max(counts, key=counts.__getitem__), ""
        if not counts[by]:
            by = " " if sum(" " in body.strip() for body in bodies) > len(bodies) / 2 else ","

    def row(line: str) -> str:
        found = ARROW.match(line) if arrows else None
        stamp = [found[1].replace(",", ".")] if found else []
        body = line[found.end() :] if found else line
        if not plotted:
            return by.join([*stamp, body])
        pairs = _pairs(body)
        return by.join([*stamp, *(pairs[n] for n in names)]) if set(pairs) == set(names) else line

    def rewrite(block: bytes) -> bytes:
        rows = (row(line) if line.strip() else line for line in block.decode().split("\n"))
        return "\n".join(rows).encode()

    return rewrite, head


def _pairs(line: str) -> dict[str, str]:
    """name -> number of a line that holds nothing else; {} for any other line."""
    found = {m[1].strip(): m[2] for m in PAIR.finditer(line)}
    return found if found and REST.fullmatch(PAIR.sub("", line)) else {}
