"""Names beside points, none over another; captions and legends beside the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox, Transform

from edgekit.core.escape import picture
from edgekit.view.palette import INK

SMALL = 8  # points; the least that is read from a projected screen
GAP, STEP = 4, 9  # points: a name from the edge of its dot, one ring of places from the next
RINGS = 60
LEADER = {"arrowstyle": "-", "color": INK, "lw": 0.5}
DIRECTIONS = ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1))
ROWS = 4  # of names above axes


def name_points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    areas: Sequence[float] | np.ndarray | None = None,
) -> list[Annotation]:
    """Write `names` beside the points (x, y) of `axes`, so that no text lies over a text or a point. `areas`
    of the points are as `Axes.scatter` takes them.

    Points in the very same place share a text. Each stands as near as there is room; one that had to move
    away has a line to its point. Call it when limits, scales and legend are final. Returns the texts.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # or a layout would still move the points
    unit = figure.dpi / 72
    at = axes.transData.transform(np.column_stack([np.asarray(x, float), np.asarray(y, float)]))
    frame = axes.get_window_extent()
    radii = np.sqrt(np.full(len(at), 36.0) if areas is None else np.asarray(areas)) / 2 * unit
    dots = [Bbox([p - r, p + r]) for p, r in zip(at, radii, strict=True)]
    taken: list[Bbox] = []
    texts = []
    for point, words in _together(at, names).items():
        text = axes.annotate(
            ", ".join(words), tuple(axes.transData.inverted().transform(point)), (0, 0), va="bottom",
            fontsize=SMALL, textcoords="offset points", arrowprops=dict(LEADER),
        )  # fmt: skip
        box = _size(text)
        largest = max(r for p, r in zip(at, radii, strict=True) if np.abs(p - point).max() <= 0.1)
        places = list(_places(np.array(point), box, largest, unit))
        free = [p for p in places if not any(p.overlaps(other) for other in (*taken, *dots))]
        inside = [p for p in free if frame.contains(*p.min) and frame.contains(*p.max)]
        place = next(iter([*inside, *free]), places[-1])
        text.set_position(tuple((place.min - np.array(point)) / unit))
        far = np.hypot(*(np.clip(point, place.min, place.max) - np.array(point)))
        if text.arrow_patch is not None:
            text.arrow_patch.set_visible(bool(far > largest + 2 * GAP * unit))
        taken.append(place)
        texts.append(text)
    return texts


def _size(text: Annotation) -> np.ndarray:
    """Width and height in pixels of the text alone, without its line."""
    box = Text.get_window_extent(text)
    return np.array([box.width, box.height])


def _together(at: np.ndarray, names: Sequence[str]) -> dict[tuple[float, float], list[str]]:
    found: dict[tuple[float, float], list[str]] = {}
    for (a, b), name in zip(at, names, strict=True):
        found.setdefault((round(float(a), 1), round(float(b), 1)), []).append(name)
    return found


def _places(point: np.ndarray, size: np.ndarray, radius: float, unit: float) -> Iterator[Bbox]:
    """Where a text of `size` could stand, the nearest first."""
    for ring in range(RINGS):
        away = radius + (GAP + ring * STEP) * unit
        for direction in np.array(DIRECTIONS, float):
            corner = point + away * direction + size * (direction - 1) / 2
            yield Bbox.from_bounds(*corner, *size)


def name_lines(axes: Axes, x: Sequence[float], names: Sequence[str]) -> list[Annotation]:
    """Write `names` above `axes` over the places `x`, in so many rows that none lies over another.

    Beyond four rows, how many have no room is said above them. A title moves up. Call it when limits and
    legend are final. Returns the texts.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # or a layout would still move the places
    unit = figure.dpi / 72
    ends: list[float] = []  # of each row, pixels
    texts = []
    left_out = 0
    for place, name in sorted(zip(x, names, strict=True)):
        text = _above(axes, place, axes.get_xaxis_transform(), name, 0, "center")
        box = text.get_window_extent()  # an annotation's own: it has been put in its place
        row = next((k for k, end in enumerate(ends) if box.x0 > end), len(ends))
        if row == ROWS:
            text.remove()
            left_out += 1
            continue
        ends[row : row + 1] = [box.x1 + GAP * unit / 2]
        text.set_position((0, _height(row)))
        texts.append(text)
    if left_out:
        texts.append(_above(axes, 1, axes.transAxes, f"and {left_out} more", ROWS, "right"))
    if axes.get_title():
        axes.set_title(axes.get_title(), pad=_height(len(ends) + bool(left_out)) + GAP)
    return texts


def _above(axes: Axes, x: float, coords: Transform, name: str, row: int, side: str) -> Annotation:
    return axes.annotate(
        picture(name), (x, 1), (0, _height(row)), xycoords=coords, textcoords="offset points",
        va="bottom", ha=side, fontsize=SMALL, annotation_clip=False,
    )  # fmt: skip


def _height(row: int) -> float:
    """Of a row of names above the axes, in points."""
    return 2 + row * 1.4 * SMALL


def channel_name(case: Any, channel: int) -> str:
    """What a channel of a use case's features is, with its unit where the use case says so."""
    named = case.FEATURE_CHANNELS
    return picture(named[channel]) if named else f"channel {channel + 1}"


def caption(axes: Axes, text: str) -> None:
    """Where the numbers are from, right below the axes' own label."""
    label = axes.xaxis.label
    axes.annotate(
        text, (1, 0), (0, -8), xycoords=(axes.transAxes, label), textcoords="offset points",
        ha="right", va="top", fontsize=SMALL, color=INK,
    )  # fmt: skip


def legend_beside(axes: Axes) -> None:
    """The legend right of the axes, where no data are."""
    axes.legend(fontsize=SMALL, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
