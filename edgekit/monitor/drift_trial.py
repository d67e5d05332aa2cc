"""Half-years of devices, made of real windows in their order, through every detector: how good are they?

A day is some runs of consecutive windows, each from a recording of the device's own, drawn with replacement:
windows of a run resemble each other as they did in the world, and a week's mix of recordings is not the next
one's. It is a block bootstrap (H. R. Künsch, Annals of Statistics 17, 1989): nothing in it changes over
months, which real devices do, so its false alarms are a lower bound for theirs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.monitor.drift import HALF_YEAR, Adwin, inflation, statistic
from edgekit.monitor.sketch import Centre, Phases, Scale, Sketch

DAYS, WITHIN = 7, 2
DELTAS = (0.2, 0.01, 1e-3, 1e-5)  # of ADWIN
SHY = 4096  # what no confidence at all is as a distance
DETECTORS = ("KS distance", "KS confidence", "ADWIN distance", "ADWIN confidence")


@dataclass(frozen=True)
class Days:
    """A device's day: `runs` of `length` consecutive windows."""

    runs: int = 24
    length: int = 6

    @classmethod
    def of_duty(cls, inferences_per_hour: float, length: int = 6) -> Days:
        """As many windows as a device decides on, at most 240 a day: of more, every so-many-th."""
        return cls(max(1, int(min(240, 24 * inferences_per_hour)) // length), length)

    @property
    def windows(self) -> int:
        return self.runs * self.length

    def phases(self) -> Phases:
        """Means from two days, edges from the rest of the week, reference from the four weeks behind it."""
        return Phases(2 * self.windows, 5 * self.windows, self.windows, 28)


@dataclass(frozen=True)
class Answers:
    """What a network was given of windows, `inputs` (n, d) int8, and how sure it was, `confidence` (n,)."""

    inputs: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Device:
    """The windows of one device: rows of each of its `recordings`, in their order, of what it answered when
    it was as it was (`before`) and of the same windows after each drift (`after`)."""

    recordings: Sequence[np.ndarray]
    before: Answers
    after: Mapping[str, Answers]


@dataclass
class Trial:
    """Statistics by detector: `clean` (devices, weeks) behind the reference; `drifted` by drift,
    (devices, weeks) from its first day on. ADWIN's is -log10 of the strictest of DELTAS that alarms."""

    clean: dict[str, np.ndarray] = field(default_factory=dict)
    drifted: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


def stream(
    recordings: Sequence[np.ndarray], rng: np.random.Generator, days: int, day: Days
) -> np.ndarray:
    """Rows of so many days of `recordings`, arrays (n,) of rows: (days, windows a day). A run begins
    anywhere in its recording, and begins the recording anew where it ends. Raises EdgekitError without a
    recording."""
    if not recordings or not all(map(len, recordings)):
        raise EdgekitError("a device's days are made of its recordings: it needs one, with windows")
    rows = []
    for which in rng.integers(len(recordings), size=days * day.runs):
        own = recordings[which]
        last = max(1, len(own) - day.length + 1)
        rows.append(own[(rng.integers(last) + np.arange(day.length)) % len(own)])
    return np.concatenate(rows).reshape(days, -1)


def trial(
    devices: Sequence[Device],
    scale: Scale,
    lives: int,
    seed: int = 0,
    day: Days = Days(),
    weeks: int = HALF_YEAR,
    within: int = WITHIN,
) -> Trial:
    """`lives` half-years, the devices taking turns; in each, every drift sets in once, at a random week
    behind the reference, and is watched for `within` weeks.

    scale: from training inputs. within: weeks in which a drift is to be found. Raises EdgekitError for
    `weeks` that end before the reference does.
    """
    phases = day.phases()
    first = phases.reference_until // (DAYS * day.windows)
    if weeks <= first + within:
        raise EdgekitError(f"the reference takes {first} weeks; {weeks} are too few to judge any")
    clean: list[list[dict]] = []
    drifted: dict[str, list[list[dict]]] = {drift: [] for drift in devices[0].after}
    for life in range(lives):
        device, rng = devices[life % len(devices)], np.random.default_rng([seed, life])
        rows = stream(device.recordings, rng, weeks * DAYS, day).reshape(weeks, DAYS, -1)
        start = int(rng.integers(first, weeks - within))
        watch = _Watch(device.before, scale, phases, np.concatenate(rows[:first]))
        before = watch.values(device.before)
        clean.append([])
        for week in range(first, weeks):
            if week == start:
                for drift, answers in device.after.items():
                    other, after = copy.deepcopy(watch), watch.values(answers)
                    drifted[drift].append(
                        [other.week(after, rows[w]) for w in range(start, start + within)]
                    )
            clean[-1].append(watch.week(before, rows[week]))
    return Trial(_by_detector(clean), {drift: _by_detector(v) for drift, v in drifted.items()})


def _by_detector(lives: list[list[dict]]) -> dict[str, np.ndarray]:
    return {n: np.array([[week[n] for week in life] for life in lives]) for n in DETECTORS}


class _Watch:
    """All detectors over one device, past their reference: `rows` (days, windows) of it."""

    def __init__(self, answers: Answers, scale: Scale, phases: Phases, rows: np.ndarray):
        self.centre = Centre(scale)
        self.centre.learn(answers.inputs[rows.ravel()[: phases.centre]], 0)
        known = self.values(answers)
        self.sketches = {kind: Sketch(phases) for kind in known}
        self.adwins = {kind: [Adwin(delta) for delta in DELTAS] for kind in known}
        order = rows.ravel()[phases.centre :]  # the windows that gave the means are nearer to them
        for kind, values in known.items():
            self.sketches[kind].seen = phases.centre
            self.sketches[kind].add(values[order])
            self._adwin(kind, values[order])

    def values(self, answers: Answers) -> dict[str, np.ndarray]:
        """What detectors are fed, (n,) each: the distance of each window, and the doubt in its answer."""
        doubt = np.rint(SHY * (1 - answers.confidence)).astype(np.int64)
        return {"distance": self.centre.distance(answers.inputs), "confidence": doubt}

    def week(self, values: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, float]:
        """The statistic of each detector on one week's rows (days, windows)."""
        found = {}
        for kind, sketch in self.sketches.items():
            sketch.add(values[kind][rows.ravel()])
            found[f"KS {kind}"] = statistic(sketch)
            sketch.end_week()
            found[f"ADWIN {kind}"] = self._adwin(kind, values[kind][rows.ravel()])
        return found

    def _adwin(self, kind: str, values: np.ndarray) -> float:
        scaled = np.sqrt(values) / 16 if kind == "distance" else values / SHY
        block = int(np.ceil(inflation(self.sketches[kind])))  # windows that are worth one
        means = scaled[: len(scaled) // block * block].reshape(-1, block).mean(axis=1)
        alarms = [a.delta for a in self.adwins[kind] if a.update(means).drifted]
        return float(-np.log10(min(alarms))) if alarms else 0.0
