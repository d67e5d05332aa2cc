"""Simulated exercises: a watch on a rigid arm that swings about a joint, seen by its own sensors.

Each exercise is a posture, an axis, and an angle that comes and goes; the arm turns about the shoulder
or the elbow, and the watch feels gravity less its own acceleration, and `R^T omega`, as any strapped-down
inertial unit (D. H. Titterton, J. L. Weston, "Strapdown Inertial Navigation Technology", 2004, chapter
3); the sign is that of the real watch, which at rest shows where down is. A person
has a style: tempo, range, rhythm, and how the strap sits. The right wrist is the mirror image of the
left one: of acceleration the reflected axis changes its sign, of angular rate the two others do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.recordings import Recording
from edgekit.datasets.watch import CHANNELS, CLASSES, RATE, UNITS, WRISTS

MIRROR = np.array([-1, 1, 1, 1, -1, -1], np.float32)  # of the six channels, left to right and back
SUBJECTS = {"quick": (8, 25.0), "full": (10, 40.0)}  # people, seconds of each exercise
GRAVITY = 9.81  # m/s² per g
# The world: x to the person's right, y ahead, z up. The watch of a hanging left arm: x towards the
# hand, y back, z out of its face to the left.
HANGING = np.array([[0, 0, -1], [0, -1, 0], [-1, 0, 0]], float)


@dataclass(frozen=True)
class Exercise:
    """`start`, the posture of an arm that hung: degrees about z (palm), then y (aside), then x (ahead).

    From there it turns by `turn` (degrees about x, y, z of the world) and back, once a rep; `circle` is a
    second turn a quarter of a rep later. The watch is `reach` metres from the joint and is lifted by
    `lift` metres a rep. `seconds` is how long a rep takes most people.
    """

    start: tuple[float, float, float]
    turn: tuple[float, float, float]
    reach: float
    seconds: float
    circle: tuple[float, float, float] = (0, 0, 0)
    lift: float = 0.0


EXERCISES = {
    "pendulum": Exercise((0, 15, 0), (20, 0, 0), 0.6, 1.6, circle=(0, 20, 0)),
    "abduction": Exercise((20, 10, 5), (10, 110, 0), 0.6, 1.9),
    "elevation": Exercise((-45, 5, 10), (115, 5, 0), 0.6, 1.9),
    "internal": Exercise((0, -5, 85), (0, 0, -75), 0.28, 1.8),
    "external": Exercise((5, 15, 90), (10, 0, 70), 0.28, 1.8),
    "trapezius": Exercise((0, 0, 0), (-30, 0, 5), 0.6, 1.7),
    "row": Exercise((30, 5, 20), (25, 20, 10), 0.25, 1.7, lift=0.25),
}


def simulate(
    label: str, seconds: float = 25.0, *, seed: int, subject: int = 1, side: str = "left"
) -> Recording:
    """One exercise of one simulated person: (seconds · 50, 6), g and rad/s, as `watch.load` gives it.

    The same `seed` and `subject` is the same person; each side and exercise has its own little accidents.
    Raises EdgekitError for an unknown exercise, side, or fewer than 64 samples.
    """
    from scipy.spatial.transform import Rotation

    sides = {name: (number, domain) for number, (name, domain) in WRISTS.items()}
    for what, known in ((label, EXERCISES), (side, sides)):
        if what not in known:
            raise EdgekitError(f"the simulator knows no {what!r}.{did_you_mean(what, known)}")
    n = round(seconds * RATE)
    if n < 64:
        raise EdgekitError(f"{seconds:g} s are fewer than 64 samples at {RATE:g} Hz")
    exercise, (number, domain) = EXERCISES[label], sides[side]
    person = np.random.default_rng([seed, subject])
    tempo, size, rhythm = person.uniform([0.75, 0.75, 0.0], [1.3, 1.2, 0.35])
    strap = Rotation.from_euler("xyz", person.normal(0, [14, 5, 5]), degrees=True)
    rng = np.random.default_rng([seed, subject, number, list(EXERCISES).index(label)])

    phase = _phase(n, exercise.seconds * tempo * rng.uniform(0.9, 1.1), rng)
    swing, quarter = (_swing(phase + late, rhythm) for late in (0.0, 0.25))
    size = size * rng.uniform(0.9, 1.1) * _drift(n, 0.08, rng)
    start = np.array(exercise.start) + rng.normal(0, 4, 3)
    arm = Rotation.from_euler("zyx", start, degrees=True) * Rotation.from_matrix(HANGING)
    for angle, axis in ((quarter, exercise.circle), (swing, exercise.turn)):
        turned = np.radians((size * angle)[:, None] * np.array(axis))
        arm = Rotation.from_rotvec(turned) * arm
    watch = arm * strap

    place = exercise.reach * arm.apply([1.0, 0.0, 0.0])
    place[:, 2] += exercise.lift * size * swing
    force = -np.gradient(np.gradient(place, axis=0), axis=0) * RATE**2 / GRAVITY - [0, 0, 1]
    turning = (watch[:-1].inv() * watch[1:]).as_rotvec() * RATE
    samples = np.empty((n, 6))
    samples[:, :3] = watch.inv().apply(force) + 0.02 * rng.standard_normal((n, 3))
    samples[:, 3:] = np.concatenate([turning, turning[-1:]]) + 0.05 * rng.standard_normal((n, 3))
    samples[:, 3:] += 0.02 * rng.standard_normal(3)  # the gyroscope's bias
    return Recording(
        name=f"sim{subject:02d}-{side}-{label}",
        samples=samples * (MIRROR if side == "right" else 1),
        rate=RATE,
        label=label,
        group=f"subject-{subject:02d}",
        domain=domain,
        channels=CHANNELS,
        unit="g, rad/s",
        licence="Apache-2.0 (simulated)",
        source="motion-simulator",
        simulated=True,
        meta={"side": side, "units": list(UNITS)},
    )


def campaign(domain: str, profile: str = "quick", seed: int = 0) -> list[Recording]:
    """All exercises of all simulated people on the wrist that is this domain's."""
    if profile not in SUBJECTS:
        raise EdgekitError(f"no profile {profile!r}.{did_you_mean(profile, SUBJECTS)}")
    side = next((name for name, of in WRISTS.values() if of == domain), None)
    if side is None:
        raise EdgekitError(f"no domain {domain!r}: there are 'lab' and 'field'")
    people, seconds = SUBJECTS[profile]
    return [
        simulate(label, seconds, seed=seed, subject=person, side=side)
        for person in range(1, people + 1)
        for label in CLASSES.values()
    ]


def _phase(n: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Repetitions done so far, (n,): no two take equally long."""
    pace = np.repeat(np.exp(0.08 * rng.standard_normal(n // 25 + 1)), 25)[:n]
    return rng.uniform(0, 1) + np.cumsum(pace) / (seconds * RATE)


def _swing(phase: np.ndarray, rhythm: float) -> np.ndarray:
    """0 at rest, 1 at the far end; with `rhythm` out quickly, back slowly, and a rest."""
    turn = 2 * np.pi * phase
    return 0.5 - 0.5 * np.cos(turn + rhythm * np.sin(turn) + rhythm * (1 - np.cos(turn)) / 2)


def _drift(n: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """A slow random factor about 1, (n,)."""
    knots = np.exp(spread * rng.standard_normal(n // 200 + 2))
    return np.interp(np.arange(n), np.linspace(0, n, len(knots)), knots)
