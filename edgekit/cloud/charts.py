"""Charts as SVG, drawn on the server: no script, colours from the style sheet, and a text for who cannot see.

Every chart names itself (`<title>`) and says its last values in words (`<desc>`); a table with all numbers
stands below it on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10

from markupsafe import Markup, escape

from edgekit.core.escape import line
from edgekit.core.figures import number

WIDTH, HEIGHT = 560, 240  # of the drawing; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 46, 84, 12, 28
SERIES_MOST = 6  # colours that can be told apart
GAP = 13  # between two words beside the last values

Series = Mapping[str, Sequence[float | None]]


def lines(
    title: str,
    x: Sequence[int],
    series: Series,
    unit: str = "",
    x_name: str = "week",
    zero: bool = True,
) -> Markup:
    """A line for each of `series` (name -> a value or None for each of `x`) under a `title`, in `unit`;
    `zero`: the axis has it."""
    series = dict(list(series.items())[:SERIES_MOST])
    values = [v for row in series.values() for v in row if v is not None and isfinite(v)]
    if not values:
        return _empty(title)
    ticks = _ticks(0.0 if zero else min(values), max(values))
    across, up = _scales(x, ticks)
    parts = [_axes(x, ticks, across, up, unit, x_name)]
    ends: list[tuple[float, int, str]] = []
    for n, (name, row) in enumerate(series.items()):
        points = [(across(a), up(v)) for a, v in zip(x, row, strict=True) if v is not None]
        if not points:
            continue
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline class="line s{n}" points="{path}"/>')
        parts.append(
            f'<circle class="dot s{n}" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3"/>'
        )
        ends.append((points[-1][1], n, name))
    parts.append(_names(ends, across(x[-1])))
    said = "; ".join(
        f"{name}: {number(last)} {unit}".strip()
        for name, row in series.items()
        if (last := next((v for v in reversed(row) if v is not None), None)) is not None
    )
    return _svg(title, f"In {x_name} {x[-1]}: {said}.", "".join(parts))


def columns(
    title: str, x: Sequence[int], series: Series, unit: str = "", x_name: str = "week"
) -> Markup:
    """A column for each of `x`, of the parts in `series` on top of each other, under a `title`, in `unit`."""
    series = dict(list(series.items())[:SERIES_MOST])
    totals = [sum(row[i] or 0 for row in series.values()) for i in range(len(x))]
    if not any(totals):
        return _empty(title)
    ticks = _ticks(0.0, max(totals))
    across, up = _scales(x, ticks, half=True)
    wide = max(2.0, (WIDTH - LEFT - RIGHT) / len(x) * 0.7)
    parts, ends, base = [_axes(x, ticks, across, up, unit, x_name)], [], [0.0] * len(x)
    for n, (name, row) in enumerate(series.items()):
        for i, a in enumerate(x):
            value = row[i] or 0
            if value:
                top = base[i] + value
                parts.append(
                    f'<rect class="part s{n}" x="{across(a) - wide / 2:.1f}" y="{up(top):.1f}" '
                    f'width="{wide:.1f}" height="{up(base[i]) - up(top):.1f}"/>'
                )
                base[i] = top
        if row[-1]:
            ends.append((up(base[-1] - row[-1] / 2), n, name))
    parts.append(_names(ends, across(x[-1]) + wide / 2))
    last = "; ".join(
        f"{name}: {number(row[-1] or 0)} {unit}".strip() for name, row in series.items()
    )
    return _svg(title, f"In {x_name} {x[-1]}: {last}.", "".join(parts))


def _svg(title: str, description: str, inner: str) -> Markup:
    title, description = escape(line(title)), escape(line(description))
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{title}</title>'
        f"<desc>{description}</desc>{inner}</svg>"
    )


def _empty(title: str) -> Markup:
    middle = f'<text class="none" x="{WIDTH / 2}" y="{HEIGHT / 2}">nothing yet</text>'
    return _svg(title, "There is nothing to show yet.", middle)


def _scales(x: Sequence[int], ticks: Sequence[float], half: bool = False):
    """How far across a value of `x` is, and how far down one of the other axis; `half`: room for a column."""
    low, high = (x[0] - 0.5, x[-1] + 0.5) if half else (x[0], x[-1])
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    span = ticks[-1] - ticks[0]

    def across(a: float) -> float:
        return LEFT + (wide * (a - low) / (high - low) if high > low else wide)

    def up(value: float) -> float:
        return TOP + tall * (1 - (value - ticks[0]) / span)

    return across, up


def _axes(x, ticks, across, up, unit: str, x_name: str) -> str:
    parts = []
    for t in ticks:
        y = up(t)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text class="tick y" x="{LEFT - 6}" y="{y + 4:.1f}">{_short(t)}</text>')
    every = max(1, ceil(len(x) / 9))
    for a in x[::every]:
        parts.append(f'<text class="tick x" x="{across(a):.1f}" y="{HEIGHT - 10}">{a}</text>')
    where = f'x="{WIDTH - RIGHT + 8}" y="{HEIGHT - 10}"'
    parts.append(f'<text class="tick" {where}>{escape(x_name)}</text>')
    if unit:
        parts.append(
            f'<text class="tick" x="{WIDTH - RIGHT + 8}" y="{TOP + 4}">{escape(unit)}</text>'
        )
    return "".join(parts)


def _names(ends: list[tuple[float, int, str]], at: float) -> str:
    """The name of each series beside its last value, moved apart where they would lie on each other."""
    parts, lowest = [], float(TOP + GAP)
    room = HEIGHT - BOTTOM
    ordered = sorted(ends)
    for i, (y, n, name) in enumerate(ordered):
        left = len(ordered) - 1 - i
        y = min(max(y, lowest), room - GAP * left)
        lowest = y + GAP
        shown = line(name) if len(name) < 13 else f"{line(name)[:11]}…"
        parts.append(
            f'<text class="name s{n}" x="{at + 8:.1f}" y="{y + 4:.1f}">{escape(shown)}</text>'
        )
    return "".join(parts)


def _ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from below `low` to above `high`."""
    span = high - low or abs(high) or 1.0
    raw = span / about
    size = 10.0 ** floor(log10(raw))
    step = next(s * size for s in (1, 2, 2.5, 5, 10) if s * size >= raw * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"
