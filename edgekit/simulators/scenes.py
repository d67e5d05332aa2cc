"""Rendered scenes with walking people: the "lab" of the people use case, and its field when offline.

A scene is one place, one camera and one light. People walk through it, and so do dogs and shadows;
poles, signs, cars, boxes and bushes stand in it. Nothing is taken from any picture: everything is
drawn with capsules and ellipses. `data/scene-simulator.toml` is the card, with its flaws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.data.recordings import SOURCE, TARGET, Recording
from edgekit.data.video import Box
from edgekit.simulators.canvas import Canvas, noise, photograph, rendered

SIZE = (384, 288)  # width, height
STRIDE = 0.42  # of a person's height: half a step


@dataclass(frozen=True)
class Camera:
    """How a place is seen: `horizon` is the row of the horizon, above the picture if negative; a person
    whose feet are in the bottom row is `tall` pixels high. Then exposure, gamma, lens blur in pixels,
    grain at mid grey."""

    horizon: float
    tall: float
    exposure: float
    gamma: float
    blur: float
    grain: float

    def height(self, foot: float, rows: int = SIZE[1]) -> float:
        """Pixels of a person whose feet are in row `foot` (flat ground, pinhole camera)."""
        return self.tall * (foot - self.horizon) / (rows - self.horizon)


def any_camera(rng: np.random.Generator) -> Camera:
    """A camera between a doorway and a mast, in daylight or at dusk, sharp or not."""
    horizon = rng.uniform(-120, 90)
    return Camera(
        horizon=horizon,
        tall=rng.uniform(60, 95),
        exposure=rng.uniform(0.75, 1.4),
        gamma=rng.uniform(0.6, 1.2),
        blur=rng.uniform(0.3, 1.1),
        grain=rng.uniform(0.005, 0.035),
    )


TARGET_CAMERA = Camera(horizon=-60, tall=82, exposure=1.15, gamma=0.95, blur=0.45, grain=0.015)


def source(profile: str, seed: int = 0) -> list[Recording]:
    """Many places, each with a camera of its own: a Recording a place, frames a second apart."""
    count, length = (30, 4) if profile == "quick" else (120, 5)
    return [
        place(f"scene-{seed}-{i:03d}", length, np.random.default_rng([seed, 1, i]), SOURCE)
        for i in range(count)
    ]


def target(profile: str, seed: int = 0) -> list[Recording]:
    """One place, one camera, sixteen stretches of time: what stands in for the video when offline."""
    length = 4 if profile == "quick" else 5
    return [
        place(
            f"camera-{i:02d}",
            length,
            np.random.default_rng([seed, 2, i]),
            TARGET,
            TARGET_CAMERA,
            np.random.default_rng([seed, 2]),
        )
        for i in range(16)
    ]


def place(name, length: int, rng, domain: str, camera=None, built=None) -> Recording:
    """A Recording of `length` frames, one a second: (time, 288, 384) uint8, `meta["boxes"]` per frame.

    `built` is the generator that decides what the place looks like (default: `rng`).
    """
    camera = camera or any_camera(rng)
    built = built or rng
    ground, things, wardrobe = (
        _ground(built, camera),
        _things(built, camera),
        built.uniform(0.15, 0.5),
    )
    walkers = [_walker(rng, camera, wardrobe) for _ in range(int(rng.integers(1, 9)))]
    dogs = [_walker(rng, camera, wardrobe) for _ in range(int(rng.integers(0, 3)))]
    sun = rng.uniform(-1, 1), rng.uniform(0, 0.45)  # direction and darkness of shadows
    pictures, boxes = [], []
    for second in range(length):
        picture, found = _frame(ground, things, walkers, dogs, second, sun, camera)
        pictures.append(
            photograph(
                picture, rng,
                exposure=camera.exposure * rng.uniform(0.96, 1.04), gamma=camera.gamma,
                blur=camera.blur, grain=camera.grain,
            )
        )  # fmt: skip
        boxes.append(found)
    return rendered(name, domain, pictures, boxes, source="scene-simulator")


# -------------------------------------------------------------------------------------- the place


def _ground(rng, camera: Camera) -> np.ndarray:
    """Paving and lawn with their textures, lines, and walls where the ground ends."""
    width, height = SIZE
    canvas = Canvas(height, width, rng.uniform(0.35, 0.7))
    canvas.pixels += rng.uniform(0.01, 0.05) * noise((height, width), rng, 48, 6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):  # lawns, roads, shadows of houses: half planes
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-60, 60)
        side = np.cos(angle) * (x - width / 2) + np.sin(angle) * (y - height / 2) - offset
        texture = rng.uniform(0.02, 0.09) * noise(
            (height, width), rng, int(rng.choice([4, 8, 24])), 4
        )
        canvas.region(side, rng.uniform(0.2, 0.7), texture)
    for _ in range(int(rng.integers(0, 5))):  # kerbs and painted lines
        a, b = rng.uniform(0, width, 2), rng.uniform(height * 0.25, height * 1.1, 2)
        canvas.capsule((a[0], b[0]), (a[1], b[1]), rng.uniform(0.5, 1.6), rng.uniform(0.15, 0.95))
    wall = int(max(camera.horizon, 0) + rng.uniform(0, 50))
    if wall > 8:
        level, brick = rng.uniform(0.2, 0.75), rng.uniform(3, 7)
        canvas.box(-1, -1, width + 1, wall, level)
        canvas.pixels[:wall] += 0.04 * np.sign(np.sin(y[:wall] * np.pi * 2 / brick))
        for left in np.arange(rng.uniform(0, 30), width, rng.uniform(25, 60)):
            canvas.box(
                left, wall * 0.2, left + rng.uniform(9, 22), wall * 0.7, rng.uniform(0.05, 0.9)
            )
    return np.clip(canvas.pixels, 0.02, 1)


def _things(rng, camera: Camera) -> list[tuple]:
    """(row of its foot, how it is drawn) of whatever stands about and is no person."""
    things = []
    for _ in range(int(rng.integers(2, 9))):
        kind = rng.choice(["pole", "sign", "car", "crate", "bush", "bollard", "tripod", "stroke"])
        foot = rng.uniform(max(40, camera.horizon + 30), SIZE[1] * 1.05)
        things.append((foot, str(kind), rng.uniform(0, SIZE[0]), rng.uniform(0.05, 0.95, 4)))
    return things


def _draw_thing(canvas: Canvas, foot, kind, x, look, camera: Camera) -> None:
    h = camera.height(foot)
    tone, other = look[0], look[1]
    if kind == "pole":
        canvas.capsule((x, foot), (x, foot - h * (1.2 + 2 * look[2])), 0.03 * h + 0.5, tone)
    elif kind == "sign":
        canvas.capsule((x, foot), (x, foot - 1.3 * h), 0.02 * h + 0.4, tone)
        canvas.box(
            x - 0.2 * h, foot - 1.4 * h, x + 0.2 * h, foot - (0.9 - 0.3 * look[2]) * h, other
        )
    elif kind == "car":
        w = h * (2.0 + look[2])
        canvas.box(x - w / 2, foot - 0.5 * h, x + w / 2, foot - 0.12 * h, tone)
        canvas.box(x - 0.3 * w, foot - 0.85 * h, x + 0.28 * w, foot - 0.45 * h, 0.8 * tone)
        for wheel in (-0.32, 0.32):
            canvas.ellipse((x + wheel * w, foot - 0.14 * h), (0.16 * h, 0.16 * h), 0.08)
    elif kind == "crate":
        canvas.box(x - 0.3 * h, foot - (0.3 + 0.7 * look[2]) * h, x + 0.3 * h, foot, tone)
    elif kind == "bush":
        for k in range(9):
            spot = (x + h * 0.4 * np.cos(k * 2.4), foot - h * (0.3 + 0.25 * np.sin(k * 1.7)))
            canvas.ellipse(spot, (0.25 * h, 0.2 * h), tone * (0.5 + 0.05 * k))
    elif kind == "bollard":
        canvas.capsule((x, foot), (x, foot - 0.5 * h), 0.09 * h, tone, 0.07 * h)
    elif kind == "tripod":
        for leg in (-0.25, 0.02, 0.25):
            canvas.capsule((x + leg * h, foot), (x, foot - 0.95 * h), 0.025 * h + 0.3, 0.1)
        canvas.ellipse((x, foot - h), (0.06 * h, 0.06 * h), 0.1)
    else:  # a coat on a fence, a bag, a shadow without its owner
        lean = (look[2] - 0.5) * h
        canvas.capsule((x, foot), (x + lean, foot - (0.2 + 0.5 * look[3]) * h), 0.12 * h, tone)


# -------------------------------------------------------------------------------------- who walks


def _walker(rng, camera: Camera, wardrobe: float) -> dict:
    """Where somebody begins, where to, and what he looks like; distances in pixels at his feet."""
    foot = rng.uniform(max(60, camera.horizon + 40), SIZE[1] - 2)
    angle = rng.uniform(0, 2 * np.pi)
    stands = rng.random() < 0.2
    speed = 0.0 if stands else rng.uniform(0.5, 0.9)  # heights a second
    dark = rng.random() < 0.6
    return {
        "at": (rng.uniform(0.03, 0.97) * SIZE[0], foot),
        "step": (speed * np.cos(angle), 0.25 * speed * np.sin(angle)),
        "phase": rng.uniform(0, 2 * np.pi),
        "build": rng.uniform(0.85, 1.12),
        "stout": rng.uniform(0.8, 1.25),
        "coat": rng.uniform(0.02, wardrobe) if dark else rng.uniform(0.1, 0.95),
        "trousers": rng.uniform(0.03, 0.5),
        "skin": rng.uniform(0.3, 0.8),
        "hair": rng.uniform(0.02, 0.7),
        "long": rng.random() < 0.3,  # a coat that covers the knees
        "side": np.cos(angle),
        "bag": rng.random() < 0.25,
    }


def _where(walker: dict, second: int, camera: Camera):
    x, foot = walker["at"]
    for _ in range(second):
        h = camera.height(foot)
        x, foot = x + walker["step"][0] * h, foot + walker["step"][1] * h
    return x, foot, camera.height(foot) * walker["build"]


def _frame(ground, things, walkers, dogs, second, sun, camera):
    """One frame and the Boxes of the people in it; what stands further away is drawn first."""
    canvas = Canvas(*ground.shape)
    canvas.pixels[:] = ground
    drawn = [(foot, "thing", (kind, x, look)) for foot, kind, x, look in things]
    found = []
    for kind, them in (("person", walkers), ("dog", dogs)):
        for walker in them:
            x, foot, h = _where(walker, second, camera)
            if h < 10 or foot < 12 or foot > SIZE[1] + 0.9 * h:
                continue
            drawn.append((foot, kind, (x, h, walker)))
            if kind == "person":
                found += _boxed(x, foot, h)
    for foot, kind, what in sorted(drawn, key=lambda item: item[0]):
        if kind == "thing":
            _draw_thing(canvas, foot, *what, camera)
            continue
        x, h, walker = what
        slant = sun[0] * h
        canvas.capsule(
            (x, foot), (x + slant, foot - 0.25 * h), 0.1 * h, 0.05, 0.08 * h, opacity=sun[1]
        )
        _draw_person(canvas, x, foot, h, walker, second) if kind == "person" else _draw_dog(
            canvas, x, foot, h, walker, second
        )
    return np.clip(canvas.pixels, 0, 1), tuple(found)


def _boxed(x, foot, h) -> list[Box]:
    """The Box of a person, cut at the frame's edges; none if too little is left to see."""
    w = 0.36 * h
    left, right = max(0.0, x - w / 2), min(float(SIZE[0]), x + w / 2)
    top, bottom = max(0.0, foot - h), min(float(SIZE[1]), foot + 0.02 * h)
    if right - left < 0.15 * w or bottom - top < 0.15 * h:
        return []
    return [Box(left, top, right - left, bottom - top, "person", "confirmed")]


def _draw_person(canvas: Canvas, x, foot, h, look, second) -> None:
    """Legs with knees, a torso, arms, a head: heights as shares of `h`."""
    walking = any(look["step"])
    swing = np.sin(look["phase"] + 2.1 * second) if walking else 0.15
    side, fat = look["side"], look["stout"]
    hip, knee, shoulder, neck = (foot - share * h for share in (0.5, 0.27, 0.8, 0.84))
    for leg in (-1, 1):
        reach = leg * swing * STRIDE * h * 0.5 * max(abs(side), 0.25)
        stand = leg * 0.06 * h * (1 - 0.6 * abs(side))
        ankle = x + reach + stand
        bent = x + 0.5 * reach + stand + 0.03 * h * side
        canvas.capsule((x + stand, hip), (bent, knee), 0.07 * h * fat, look["trousers"], 0.05 * h)
        canvas.capsule(
            (bent, knee), (ankle, foot - 0.03 * h), 0.05 * h, look["trousers"], 0.035 * h
        )
        canvas.capsule(
            (ankle, foot - 0.02 * h), (ankle + 0.06 * h * side, foot - 0.01 * h), 0.03 * h,
            0.6 * look["trousers"],
        )  # fmt: skip
    wide = 0.12 * h * fat * (1 - 0.25 * abs(side))
    low = foot - (0.3 if look["long"] else 0.46) * h
    canvas.capsule((x, low), (x, shoulder), wide * 0.95, look["coat"], wide)
    for arm in (-1, 1):
        out = arm * wide * (1 - 0.5 * abs(side))
        hand = x + out - arm * swing * 0.14 * h * side
        canvas.capsule(
            (x + out, shoulder + 0.02 * h), (hand, hip - 0.02 * h), 0.045 * h,
            0.85 * look["coat"], 0.03 * h,
        )  # fmt: skip
        canvas.ellipse((hand, hip), (0.025 * h, 0.025 * h), look["skin"])
    if look["bag"]:
        canvas.box(x + wide, hip - 0.1 * h, x + wide + 0.12 * h, hip + 0.05 * h, 1 - look["coat"])
    canvas.capsule((x, neck), (x, neck - 0.03 * h), 0.035 * h, look["skin"])
    canvas.ellipse((x + 0.01 * h * side, foot - 0.92 * h), (0.055 * h, 0.075 * h), look["skin"])
    canvas.ellipse((x - 0.015 * h * side, foot - 0.95 * h), (0.058 * h, 0.055 * h), look["hair"])


def _draw_dog(canvas: Canvas, x, foot, h, look, second) -> None:
    h, side = 0.45 * h, 1 if look["side"] > 0 else -1
    swing = np.sin(look["phase"] + 3 * second) * 0.15 * h
    tone = look["coat"]
    for leg, sign in ((-0.5, 1), (0.5, -1), (-0.4, -1), (0.4, 1)):
        canvas.capsule(
            (x + leg * h, foot - 0.5 * h), (x + leg * h + sign * swing, foot), 0.07 * h, tone
        )
    canvas.capsule((x - 0.55 * h, foot - 0.6 * h), (x + 0.55 * h, foot - 0.62 * h), 0.2 * h, tone)
    canvas.ellipse((x + side * 0.78 * h, foot - 0.85 * h), (0.2 * h, 0.15 * h), tone)
    tail = (x - side * 0.95 * h, foot - 0.95 * h)
    canvas.capsule((x - side * 0.6 * h, foot - 0.65 * h), tail, 0.05 * h, tone)
