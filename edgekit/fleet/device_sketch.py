"""A device's drift sketch over the weeks of a fleet: what it hears, what is kept, what goes up.

A device hears a window as often as its duty says (`Days.of_duty`), which is far more than the few that a
simulation classifies: with 30 windows a week no test tells a drift from a week. Its means stand after two
days, its edges after the first week, its reference after the third; before that a week is not judged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.monitor.drift_trial import Days
from edgekit.monitor.sketch import BYTES, Centre, Phases, Scale, Sketch
from edgekit.monitor.sketch_cost import CoreSketch

LEARN_DAYS = 2, 5, 14  # means, edges, reference
UNIT = 16  # of a distance: its root is an RMS z-score in so many parts


@dataclass(frozen=True)
class SketchPlan:
    """What all devices of a fleet share: how far inputs go, what a `day` has, and on which core it runs."""

    scale: Scale
    day: Days
    cpu: str

    @property
    def phases(self) -> Phases:
        """Learnt from LEARN_DAYS."""
        centre, edges, reference = LEARN_DAYS
        n = self.day.windows
        return Phases(centre * n, edges * n, n, reference)

    def restore(self, state: bytes) -> tuple[Sketch, Centre]:
        """The sketch in its own 64 bytes and the means behind them, int16; b"" of a new device.

        Raises EdgekitError for what no device of this plan keeps.
        """
        centre = Centre(self.scale)
        if not state:
            return Sketch(self.phases), centre
        if len(state) != BYTES + 2 * len(centre.mean):
            raise EdgekitError(
                f"{len(state):,} bytes are no sketch and means of this fleet's devices"
            )
        centre.mean = np.frombuffer(state[BYTES:], "<i2").astype(np.int64)
        return Sketch.decode(state[:BYTES], self.phases), centre


@dataclass(frozen=True)
class SketchWeek:
    """`body`, the 64 bytes that go up; `state`, what the device keeps; its `centre`, None while unknown."""

    body: bytes
    state: bytes
    centre: Centre | None

    def novelty(self, inputs: np.ndarray) -> np.ndarray:
        """(n,) RMS z-scores of int8 `inputs` (n, d) to the device's means; zeros while they are unknown."""
        if self.centre is None:
            return np.zeros(len(inputs))
        return np.sqrt(self.centre.distance(inputs)) / UNIT


def hear_week(plan: SketchPlan, state: bytes, inputs: np.ndarray, sample: int) -> SketchWeek:
    """A week's int8 `inputs` (n, d), in their order; the first `sample` of them on the emulated core, too.

    Raises EdgekitError where the core's sketch is not Python's, to the bit.
    """
    sketch, centre = plan.restore(state)
    core = _core(plan)
    core.load(sketch, centre)
    core.hear(inputs[:sample])
    sketch.hear(inputs[:sample], centre)
    _same(core, sketch, centre)
    sketch.hear(inputs[sample:], centre)
    body = sketch.encode()
    core.load(sketch, centre)
    if core.end_week() != sketch.end_week():
        raise EdgekitError("the week that the sketch ends on the core is not the one it ends here")
    _same(core, sketch, centre)
    known = centre if sketch.seen >= plan.phases.centre else None
    return SketchWeek(body, sketch.encode() + centre.mean.astype("<i2").tobytes(), known)


def _same(core: CoreSketch, sketch: Sketch, centre: Centre) -> None:
    if core.encode() != sketch.encode() or (core.means() != centre.mean).any():
        raise EdgekitError(f"the sketch on the core ({core.where}) is not what it is here")


@lru_cache(maxsize=2)
def _core(plan: SketchPlan) -> CoreSketch:
    return CoreSketch(plan.scale, plan.phases, plan.cpu)


def save_scale(path: Path, inputs: np.ndarray) -> None:
    """How far int8 `inputs` (n, d) of the first release's training set go, into a file."""
    from edgekit.core.atomic import atomic_write_bytes

    scale = Scale.fit(inputs)
    text = json.dumps({"inputs": scale.inputs, "inverse": scale.inverse})
    atomic_write_bytes(path, text.encode())


@lru_cache(maxsize=4)
def load_scale(path: Path) -> Scale:
    """What `save_scale` wrote, once a process. Raises EdgekitError where it is missing or damaged."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return Scale(int(found["inputs"]), tuple(map(int, found["inverse"])))
    except (OSError, ValueError, KeyError, TypeError):
        raise EdgekitError(f"{path} is missing or damaged: simulate again") from None
