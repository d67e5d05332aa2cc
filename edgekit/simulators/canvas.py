"""A grey canvas with soft edges, and a camera that looks at it: what the rendered scenes are made of."""

from __future__ import annotations

import numpy as np

from edgekit.data.recordings import Recording


class Canvas:
    """(height, width) float32 brightness, 0 black … 1 white; shapes may lie partly outside."""

    def __init__(self, height: int, width: int, level: float = 0.5):
        self.pixels = np.full((height, width), level, np.float32)

    def capsule(self, a, b, radius, level: float, end=None, opacity: float = 1.0) -> None:
        """A line from `a` to `b` (x, y) with round ends, `radius` thick at `a`, `end` at `b`."""
        end = radius if end is None else end
        (ax, ay), (bx, by) = a, b
        most = max(radius, end)
        y, x, rows, columns = self._grid(
            min(ax, bx) - most, min(ay, by) - most, max(ax, bx) + most, max(ay, by) + most
        )
        if not x.size or not y.size:
            return
        dx, dy = bx - ax, by - ay
        along = ((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6)
        along = np.clip(along, 0, 1)
        away = np.hypot(x - ax - along * dx, y - ay - along * dy) - (
            radius + along * (end - radius)
        )
        self._blend(rows, columns, np.clip(0.5 - away, 0, 1) * opacity, level)

    def ellipse(self, center, radii, level: float, turn: float = 0.0, opacity: float = 1.0) -> None:
        """`radii` along and across the direction `turn` (radians)."""
        (cx, cy), (ra, rb) = center, radii
        most = max(ra, rb)
        y, x, rows, columns = self._grid(cx - most, cy - most, cx + most, cy + most)
        if not x.size or not y.size:
            return
        c, s = np.cos(turn), np.sin(turn)
        u, v = (x - cx) * c + (y - cy) * s, (y - cy) * c - (x - cx) * s
        r = np.hypot(u / max(ra, 0.3), v / max(rb, 0.3))
        self._blend(rows, columns, np.clip(0.5 - (r - 1) * min(ra, rb), 0, 1) * opacity, level)

    def box(self, left, top, right, bottom, level: float, opacity: float = 1.0) -> None:
        """An upright rectangle."""
        y, x, rows, columns = self._grid(left, top, right, bottom)
        if not x.size or not y.size:
            return
        cover = np.clip(np.minimum(x - left, right - x) + 0.5, 0, 1)
        cover = cover * np.clip(np.minimum(y - top, bottom - y) + 0.5, 0, 1)
        self._blend(rows, columns, cover * opacity, level)

    def region(self, mask, level, texture=0.0) -> None:
        """Everything where `mask` (height, width) is above 0, softly; `texture` is added."""
        mask = np.clip(mask, 0, 1)
        self.pixels += mask * (level + texture - self.pixels)

    def _grid(self, left, top, right, bottom):
        height, width = self.pixels.shape
        rows = slice(max(0, int(top) - 1), max(0, min(height, int(bottom) + 3)))
        columns = slice(max(0, int(left) - 1), max(0, min(width, int(right) + 3)))
        y = np.arange(rows.start, max(rows.start, rows.stop), dtype=np.float32)[:, None]
        x = np.arange(columns.start, max(columns.start, columns.stop), dtype=np.float32)[None]
        return y, x, rows, columns

    def _blend(self, rows, columns, cover, level) -> None:
        patch = self.pixels[rows, columns]
        patch += cover * (level - patch)


def noise(shape: tuple[int, int], rng: np.random.Generator, coarse: int = 32, octaves: int = 4):
    """Smooth random texture (height, width) of mean 0 and spread 1: octaves of bilinear noise."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for k in range(octaves):
        cell = max(1, coarse >> k)
        knots = rng.normal(size=(height // cell + 2, width // cell + 2)).astype(np.float32)
        y, x = np.arange(height, dtype=np.float32) / cell, np.arange(width, dtype=np.float32) / cell
        i, j = y.astype(int), x.astype(int)
        v, u = (y - i)[:, None], (x - j)[None]
        top = knots[i][:, j] * (1 - u) + knots[i][:, j + 1] * u
        bottom = knots[i + 1][:, j] * (1 - u) + knots[i + 1][:, j + 1] * u
        total += (top * (1 - v) + bottom * v) * 0.6**k
    return total / max(float(total.std()), 1e-6)


def photograph(
    brightness: np.ndarray,
    rng: np.random.Generator,
    *,
    exposure: float = 1.0,
    gamma: float = 1.0,
    blur: float = 0.5,
    grain: float = 0.02,
) -> np.ndarray:
    """What a camera makes of (height, width) brightness: uint8 grey values.

    `blur` is the standard deviation of the lens in pixels; `grain` the noise at mid grey, which grows
    with the square root of the light; `exposure` and `gamma` come before the noise.
    """
    picture = brightness * exposure
    if blur > 0.05:
        reach = max(1, int(np.ceil(2.5 * blur)))
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / blur) ** 2).astype(np.float32)
        weights /= weights.sum()
        for axis in (0, 1):
            pad = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
            wide = np.pad(picture, pad, mode="edge")
            n = picture.shape[axis]
            picture = sum(
                w * np.take(wide, range(k, k + n), axis=axis) for k, w in enumerate(weights)
            )
    picture = np.clip(picture, 0, 1) ** gamma
    spread = grain * np.sqrt(0.25 + 1.5 * picture)
    picture = picture + spread * rng.normal(size=picture.shape).astype(np.float32)
    return np.clip(np.rint(255 * picture), 0, 255).astype(np.uint8)


def rendered(name: str, domain: str, pictures, boxes, source: str) -> Recording:
    """One place, a picture a second: a Recording of its own group, `boxes` of each picture in its meta.

    `pictures`: (height, width) uint8 each; `source`: the card of the simulator.
    """
    return Recording(
        name=name,
        samples=np.stack(pictures),
        rate=1.0,
        label=None,
        group=name,
        domain=domain,
        channels=("grey",),
        unit="grey value",
        licence="Apache-2.0",
        source=source,
        simulated=True,
        meta={"boxes": boxes},
    )
