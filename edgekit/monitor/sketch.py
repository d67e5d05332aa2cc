"""What a device keeps of its own windows to notice when they change: 64 bytes, integers, the same bits in C.

    centre = Centre(Scale.fit(training_inputs))        shipped with the model; learns the device's means
    sketch = Sketch(Phases())
    sketch.hear(inputs, centre)                        int8 inputs of the network, (n, d)
    sketch.end_week()                                  this week against the first ones, 0…65536

The distance is the mean squared z-score of the network's int8 inputs against the *device's own* means, learnt
from its first windows; how far an input usually goes is learnt with the training set and shipped (a device
has no room for both). So another machine, room or wrist than the training set's is no drift, a change is.
At most 64 inputs are looked at, evenly spread: 2 bytes of RAM and 2 of flash for each, beside the sketch.

`firmware/monitor/sketch.h` is the twin in C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgekit import firmware
from edgekit.core import naming
from edgekit.core.errors import EdgekitError

EDGES, BINS = 7, 8
FULL = 65_535  # what a count holds
FURTHEST = FULL - EDGES  # distance: an edge may still move up from there
FAR = 2047  # an input's largest share of a distance
LOOKED = 64  # inputs that are looked at, at most
LAYOUT = struct.Struct("<7HH16HI8BHH")  # struct drift_sketch
BYTES = LAYOUT.size
ONE = 1 << 16  # the largest distance of two distributions
UP, DOWN = np.arange(1, BINS), np.arange(EDGES, 0, -1)  # steps of an edge that is learnt


@dataclass(frozen=True)
class Scale:
    """How far each looked-at input goes: `inverse` 32768 over its standard deviation and √looked; `inputs`:
    how many there are in all."""

    inputs: int
    inverse: tuple[int, ...]

    @classmethod
    def fit(cls, inputs: np.ndarray, looked: int = LOOKED) -> Scale:
        """Of int8 `inputs` (n, d) of the training set. Raises EdgekitError for fewer than two windows."""
        inputs = np.asarray(inputs).reshape(len(inputs), -1)
        if len(inputs) < 2 or inputs.dtype != np.int8:
            raise EdgekitError(
                f"how far inputs go is learnt from int8 inputs of two windows or more, not from "
                f"{inputs.dtype} of {len(inputs)}"
            )
        looked = min(looked, inputs.shape[1])
        spread = inputs[:, _places(inputs.shape[1], looked)].std(axis=0, dtype=np.float64) + 1
        return cls(
            inputs.shape[1], tuple(int(v) for v in np.rint(32_768 / spread / np.sqrt(looked)))
        )

    @cached_property
    def places(self) -> np.ndarray:
        """(looked,) which inputs."""
        return _places(self.inputs, len(self.inverse))

    def look(self, inputs: np.ndarray) -> np.ndarray:
        """The looked-at ones of int8 `inputs` (n, …) in 1/256 of a step, (n, looked) int64.
        Raises EdgekitError for others."""
        inputs = np.asarray(inputs)
        inputs = inputs.reshape(len(inputs), -1)
        if inputs.dtype != np.int8 or inputs.shape[1] != self.inputs:
            raise EdgekitError(
                f"the sketch looks at {self.inputs} int8 inputs, not at {inputs.shape[1]} {inputs.dtype}"
            )
        return inputs[:, self.places].astype(np.int64) * 256


def _places(inputs: int, looked: int) -> np.ndarray:
    return np.arange(looked) * inputs // looked


@dataclass(frozen=True)
class Phases:
    """How many windows each thing is learnt from: means, edges, then `batches` of `batch` windows (a day's,
    at most 255) of reference. Raises EdgekitError for more than 65,535 windows in all, or none."""

    centre: int = 192
    edges: int = 480
    batch: int = 96
    batches: int = 28

    def __post_init__(self):
        if min(self.centre, self.edges) < 1 or not 1 <= self.batch <= 255 or self.batches < 2:
            raise EdgekitError(
                "a sketch learns from windows: at least one each for means and edges, and two batches of "
                f"1 to 255 (got {self.centre}, {self.edges}, {self.batches} of {self.batch})"
            )
        if self.reference_until > FULL:
            raise EdgekitError(
                f"a sketch learns from at most {FULL:,} windows, not {self.reference_until:,}: let it hear "
                "every so-many-th"
            )

    @property
    def edges_until(self) -> int:
        return self.centre + self.edges

    @property
    def reference_until(self) -> int:
        return self.edges_until + self.batch * self.batches


class Centre:
    """The device's own means, (looked,) int64 in 1/256 of a step, and the distances to them."""

    def __init__(self, scale: Scale):
        self.scale, self.mean = scale, np.zeros(len(scale.inverse), np.int64)

    def learn(self, inputs: np.ndarray, seen: int) -> None:
        """Take windows (n, d) int8 into the means; `seen`: how many were before."""
        for n, x in enumerate(self.scale.look(inputs), start=seen + 1):
            away = x - self.mean
            self.mean += np.sign(away) * (np.abs(away) // n)  # as C divides: towards zero

    def distance(self, inputs: np.ndarray) -> np.ndarray:
        """Mean squared z-score in 1/256 of int8 `inputs` (n, d): (n,) int64, 0…65528."""
        away = np.abs(self.scale.look(inputs) - self.mean)
        z = np.minimum(away * np.array(self.scale.inverse, np.int64) >> 16, FAR)
        return np.minimum((z * z).sum(axis=1) >> 6, FURTHEST)


class Sketch:
    """The device's 64 bytes: `edge` (7,), `first` and `week` (8,) windows of the reference and of this
    week in each bin, `square` and `day` (8,) of the reference's batches, `seen` windows while it learns."""

    def __init__(self, phases: Phases = Phases()):
        self.phases, self.seen, self.square = phases, 0, 0
        self.edge, self.first, self.week, self.day = (
            np.zeros(n, np.int64) for n in (EDGES, BINS, BINS, BINS)
        )

    @property
    def now(self) -> int:
        """Windows of this week, up to 65,535; none while the sketch learns."""
        return int(self.week.sum())

    @property
    def learnt(self) -> bool:
        """Whether the reference is whole."""
        return self.seen >= self.phases.reference_until

    def hear(self, inputs: np.ndarray, centre: Centre) -> None:
        """Windows (n, d) int8, in their order."""
        own = max(0, min(len(inputs), self.phases.centre - self.seen))
        if own:
            centre.learn(inputs[:own], self.seen)
            self.seen += own
        if len(inputs) > own:
            self.add(centre.distance(inputs[own:]))

    def add(self, distances: np.ndarray) -> None:
        """Distances (n,) 0…65528 of windows behind those that gave the means, in their order."""
        distances = np.asarray(distances, np.int64)
        while len(distances):
            distances = distances[self._take(distances) :]

    def _take(self, distances: np.ndarray) -> int:
        """Take the first of `distances`, up to where something ends; how many."""
        phases = self.phases
        if self.seen < phases.edges_until:
            n = min(len(distances), phases.edges_until - self.seen)
            for d in distances[:n]:
                at = self.edge if self.seen > phases.centre else np.full(EDGES, d)
                self.edge = np.where(d > at, at + UP, np.maximum(at - DOWN, 0))
                self.seen += 1
            return n
        if not self.learnt:
            n = min(len(distances), phases.batch - int(self.day.sum()))
            counts = self._binned(distances[:n])
            self.first += counts
            self.day += counts
            self.seen += n
            if self.day.sum() == phases.batch:
                self.square += int((self.day.cumsum()[:EDGES] ** 2).sum())
                self.day[:] = 0
            return n
        room = FULL - self.now
        self.week += self._binned(distances[:room])
        return len(distances)

    def _binned(self, distances: np.ndarray) -> np.ndarray:
        # edges that lie close may stand in the wrong order: the first that is not below decides
        edge = np.maximum.accumulate(self.edge)
        return np.bincount(np.searchsorted(edge, distances, "left"), minlength=BINS)

    def ks(self) -> int:
        """Kolmogorov-Smirnov distance of this week to the reference in 1/65536; 0 with nothing to compare."""
        if not self.now:
            return 0
        total = self.phases.reference_until - self.phases.edges_until
        x, y = (self.first.cumsum() << 16) // total, (self.week.cumsum() << 16) // self.now
        return int(np.abs(x - y).max())

    def end_week(self) -> int:
        """`ks()` of this week, which is then forgotten."""
        found = self.ks()
        self.week[:] = 0
        return found

    def encode(self) -> bytes:
        """Its 64 bytes, as they lie in the device's memory: the body of an event of a week."""
        counts = *self.first, *self.week, self.square, *self.day, self.now, int(self.day.sum())
        return LAYOUT.pack(*self.edge, self.seen, *counts)

    @classmethod
    def decode(cls, data: bytes, phases: Phases = Phases()) -> Sketch:
        """The sketch in `data`. Raises EdgekitError for what no device of these `phases` sends."""
        if len(data) != BYTES:
            raise EdgekitError(f"a sketch has {BYTES} bytes, not {len(data):,}")
        sketch, words = cls(phases), np.array(LAYOUT.unpack(data), np.int64)
        sketch.edge, sketch.first, sketch.week = words[:7], words[8:16], words[16:24]
        sketch.seen, sketch.square, sketch.day = int(words[7]), int(words[24]), words[25:33]
        counted = max(0, sketch.seen - phases.edges_until)
        most = counted // phases.batch * EDGES * phases.batch**2
        if (
            sketch.seen > phases.reference_until
            or sketch.first.sum() != counted
            or sketch.day.sum() != counted % phases.batch
            or (sketch.day > sketch.first).any()
            or sketch.square > most
            or (sketch.now, sketch.day.sum()) != (words[33], words[34])
            or (sketch.now and not sketch.learnt)
        ):
            raise EdgekitError("a sketch whose counts do not fit together; it came from elsewhere")
        return sketch


def c_files(name: str, scale: Scale, phases: Phases) -> dict[str, str]:
    """The sketch in C with its plan, as `build(extra_files=…)` takes them: `{name}_drift.h` and headers.

    Raises EdgekitError for a name that is no C identifier.
    """
    naming.check_c_name(name)
    rows = [", ".join(map(str, part)) for part in _rows(scale.inverse)]
    plan = PLAN.format(
        name=name,
        up=name.upper(),
        inputs=scale.inputs,
        looked=len(scale.inverse),
        inverse=",\n    ".join(rows),
        centre=phases.centre,
        edges=phases.edges_until,
        reference=phases.reference_until,
        batch=phases.batch,
    )
    return {f"{name}_drift.h": plan, "sketch.h": firmware.text("monitor", "sketch.h")}


def _rows(words: tuple[int, ...], n: int = 16) -> list[tuple[int, ...]]:
    return [words[i : i + n] for i in range(0, len(words), n)]


PLAN = """\
/* The drift sketch of {name}: which inputs it looks at, how far they go, how long it learns. */
#ifndef {up}_DRIFT_H
#define {up}_DRIFT_H

#include "sketch.h"

#define {up}_DRIFT_LOOKED {looked}
static const uint16_t {name}_drift_inverse[{looked}] = {{
    {inverse}}};
static const struct drift_plan {name}_drift = {{
    .inputs = {inputs}, .looked = {looked}, .inverse = {name}_drift_inverse, .centre_until = {centre},
    .edges_until = {edges}, .reference_until = {reference}, .batch = {batch}}};

#endif
"""
