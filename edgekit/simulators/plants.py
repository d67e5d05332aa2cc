"""Rendered soil with seedlings: crops and weeds, seen from above.

Crops are rosettes, four to seven broad leaves round a heart (a beet, a cabbage); weeds are grass-like,
three to nine narrow blades from one root. Lab and field differ in light, soil and camera height.
`data/plant-simulator.toml` is the card, with its flaws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.data.recordings import SOURCE, TARGET, Recording
from edgekit.data.video import Box
from edgekit.simulators.canvas import Canvas, noise, photograph, rendered

SIZE = (384, 288)  # width, height
ROW = 104  # pixels between crops of a row, at a camera height of 1


@dataclass(frozen=True)
class Field:
    """A plot of land and the camera above it: ranges (low, high) that each picture draws from.

    `scale` is nearness, 1 the lab's; `soil` brightness, `rough` its texture, `stones` how many;
    `leaf` brightness of leaves, `shade` how dark shadows are; `exposure`, `blur` and `grain` the camera's.
    """

    scale: tuple[float, float]
    soil: tuple[float, float]
    rough: tuple[float, float]
    stones: tuple[int, int]
    leaf: tuple[float, float]
    shade: tuple[float, float]
    exposure: tuple[float, float]
    blur: tuple[float, float]
    grain: tuple[float, float]


WORLDS = {
    SOURCE: Field(  # a greenhouse: dark compost, diffuse light, a camera on a rail
        (0.9, 1.15), (0.15, 0.3), (0.02, 0.05), (0, 8), (0.5, 0.8), (0.0, 0.25), (0.9, 1.2),
        (0.3, 0.6), (0.005, 0.015),
    ),
    TARGET: Field(  # dry loam in the sun, from a tractor's boom that sways
        (0.7, 1.1), (0.2, 0.42), (0.03, 0.07), (10, 60), (0.5, 0.8), (0.3, 0.7), (0.8, 1.2),
        (0.4, 1.1), (0.01, 0.03),
    ),
}  # fmt: skip


def recordings(domain: str, profile: str, seed: int = 0) -> list[Recording]:
    """Beds of one world: a Recording a bed, (time, 288, 384) uint8, a picture a second along the row.

    `meta["boxes"]` holds for each picture the Boxes of its plants, "crop" or "weed"; `group` is the bed.
    """
    count, length = (16, 3) if profile == "quick" else (48, 4)
    return [bed(f"{domain}-bed-{seed}-{i:02d}", length, domain, [seed, i]) for i in range(count)]


def bed(name: str, length: int, domain: str, seed) -> Recording:
    """One bed: the same soil and light, `length` stretches of it."""
    world, rng = WORLDS[domain], np.random.default_rng([*seed, list(WORLDS).index(domain)])
    look = {
        key: rng.uniform(*getattr(world, key))
        for key in ("scale", "soil", "rough", "leaf", "shade", "exposure", "blur", "grain")
    }
    look["sun"] = rng.uniform(0, 2 * np.pi)
    pictures, boxes = [], []
    for _ in range(length):
        picture, found = _stretch(rng, world, look)
        pictures.append(
            photograph(
                picture, rng, exposure=look["exposure"] * rng.uniform(0.95, 1.05),
                blur=look["blur"], grain=look["grain"],
            )
        )  # fmt: skip
        boxes.append(found)
    return rendered(name, domain, pictures, boxes, source="plant-simulator")


def _stretch(rng, world: Field, look):
    """One picture before the camera, and its Boxes."""
    width, height = SIZE
    canvas = Canvas(height, width, look["soil"])
    canvas.pixels += look["rough"] * noise((height, width), rng, 12, 4)
    for _ in range(int(rng.integers(world.stones[0], world.stones[1] + 1))):
        radius = rng.uniform(1, 6) * look["scale"]
        spot = rng.uniform(0, width), rng.uniform(0, height)
        canvas.ellipse(
            spot, (radius, radius * rng.uniform(0.5, 1)), look["soil"] * rng.uniform(0.7, 1.9),
            rng.uniform(0, np.pi),
        )  # fmt: skip
    plants = _sown(rng, look["scale"])
    plants += [
        (rng.uniform(0, width), rng.uniform(0, height), "weed", rng.uniform(18, 36))
        for _ in range(int(rng.integers(4, 11)))
    ]
    found = []
    for x, y, kind, radius in plants:
        r = radius * look["scale"]
        draw = _rosette if kind == "crop" else _blades
        reach = draw(canvas, x, y, r, rng, look)
        left, right = max(0.0, x - reach), min(float(width), x + reach)
        top, bottom = max(0.0, y - reach), min(float(height), y + reach)
        if right - left > 0.4 * reach and bottom - top > 0.4 * reach:
            found.append(Box(left, top, right - left, bottom - top, kind, "confirmed"))
    return np.clip(canvas.pixels, 0, 1), tuple(found)


def _sown(rng, scale: float) -> list[tuple]:
    """Crops in one or two rows, some missing."""
    width, height = SIZE
    step = ROW * scale
    across = rng.uniform(0.5, 0.9, int(rng.integers(1, 3))).cumsum() * height / 2
    start = rng.uniform(0, step)
    return [
        (x + rng.normal(0, 5), y + rng.normal(0, 4), "crop", rng.uniform(20, 38))
        for y in across
        for x in np.arange(start, width, step)
        if rng.random() < 0.85
    ]


def _rosette(canvas: Canvas, x, y, r, rng, look) -> float:
    """Broad leaves on stalks round a heart. Returns how far the leaves reach."""
    count, turn = int(rng.integers(4, 8)), rng.uniform(0, 2 * np.pi)
    leaves = [
        (turn + 2 * np.pi * k / count + rng.normal(0, 0.12), r * rng.uniform(0.75, 1.05))
        for k in range(count)
    ]
    _shadow(canvas, x, y, 0.8 * r, look)
    for angle, long in leaves:
        c, s = np.cos(angle), np.sin(angle)
        tone = np.clip(look["leaf"] * rng.uniform(0.85, 1.15), 0, 1)
        canvas.capsule((x, y), (x + 0.5 * long * c, y + 0.5 * long * s), 0.05 * r, 0.9 * tone)
        spot = x + 0.66 * long * c, y + 0.66 * long * s
        canvas.ellipse(spot, (0.36 * long, 0.24 * r * rng.uniform(0.8, 1.15)), tone, angle)
        tip = x + 0.95 * long * c, y + 0.95 * long * s
        canvas.capsule((x + 0.3 * long * c, y + 0.3 * long * s), tip, 0.02 * r + 0.2, 1.15 * tone)
    canvas.ellipse((x, y), (0.13 * r, 0.13 * r), look["leaf"] * 1.1)
    return 1.02 * r


def _blades(canvas: Canvas, x, y, r, rng, look) -> float:
    """Narrow blades that bend, from one root. Returns how far they reach."""
    _shadow(canvas, x, y, 0.35 * r, look)
    for _ in range(int(rng.integers(3, 10))):
        angle, long = rng.uniform(0, 2 * np.pi), r * rng.uniform(0.6, 1.0)
        bend = rng.normal(0, 0.5)
        tone = np.clip(look["leaf"] * rng.uniform(0.8, 1.15), 0, 1)
        at, thick = (x, y), 0.055 * r + 0.3
        for _ in range(3):
            to = at[0] + long / 3 * np.cos(angle), at[1] + long / 3 * np.sin(angle)
            canvas.capsule(at, to, thick, tone, 0.72 * thick)
            at, thick, angle = to, 0.72 * thick, angle + bend / 2
    return r


def _shadow(canvas: Canvas, x, y, r, look) -> None:
    away = 0.35 * r
    spot = x + away * np.cos(look["sun"]), y + away * np.sin(look["sun"])
    canvas.ellipse(spot, (r, r), 0.03, opacity=look["shade"])
