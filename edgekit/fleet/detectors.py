"""What would each detector find in this fleet, and what would it cost in false alarms?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.fleet.device_tier import Site, probabilities
from edgekit.fleet.world import World
from edgekit.monitor.drift import HALF_YEAR, operating_curve
from edgekit.monitor.drift_trial import DETECTORS, Answers, Days, Device, trial

if TYPE_CHECKING:
    import pandas as pd

DAY = Days(runs=8, length=6)  # few windows a day: it is half-years that are many


def operating_curves(
    site: Site, lives: int = 20, weeks: int = HALF_YEAR, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """By detector, what `monitor.drift.operating_curve` says: a row a threshold, columns threshold,
    false_alarms (in 100 half-years) and found (share, in two weeks), each with its interval.

    `lives` half-years of `weeks` are made of the windows that the devices of `site` watch; each drift of its
    world sets in once in each, at its full severity. The answers are those of the first release, by its
    own C. Raises EdgekitError for a world that knows no drift.
    """
    program, world = site.program(), site.load()
    image = program.firmware.release.image

    def answers(X: np.ndarray) -> Answers:
        found = program.host(image, X)
        return Answers(found.inputs, probabilities(program, found.outputs).max(axis=1))

    devices = [_device(world, name, n, answers) for n, name in enumerate(world.pool)]
    found = trial(devices, site.sketch_plan().scale, lives, seed, DAY, weeks)
    curves = {}
    for name in DETECTORS:
        clean = found.clean[name]
        drifted = np.concatenate([by[name] for by in found.drifted.values()])
        every = np.concatenate([clean.ravel(), drifted.ravel()])
        thresholds = np.unique(np.quantile(every, np.linspace(0, 1, 40))).tolist()
        curves[name] = operating_curve(clean, drifted, thresholds)
    return curves


def _device(world: World, name: str, number: int, answers) -> Device:
    watched = world.pool[name]
    rows = [np.flatnonzero(watched.recording == r) for r in np.unique(watched.recording)]
    after = {}
    for kind, drift in world.drifts.items():
        rng = np.random.default_rng([world.spec.seed, number])
        after[kind] = answers(np.asarray(drift(watched.X.copy(), 1.0, rng), np.float32))
    return Device(rows, answers(watched.X), after)
