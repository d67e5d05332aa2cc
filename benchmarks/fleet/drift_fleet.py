"""Is a drift found in a simulated fleet, by the sketch as its devices have it and the gateway judges it?

Worlds of `edgekit.fleet.world`, each device's week heard as in the loop (`World.heard`, `SketchPlan`). Where
nothing drifts every alarm is false; where something does, it counts if it costs the device accuracy and began
behind its reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.bars import SOURCES, Bars
from edgekit import usecases
from edgekit.design import load
from edgekit.fleet.device_sketch import SketchPlan
from edgekit.fleet.world import FleetDevice, World, WorldSpec, make_world, populate
from edgekit.monitor.drift import HALF_YEAR, WeeklyKS
from edgekit.monitor.drift_trial import DAYS, WITHIN, Days
from edgekit.monitor.sketch import Scale

DEVICES, SEEDS = 20, 3
COSTS = 0.05  # accuracy that a drift must cost to be asked for
MOST = 3000  # windows that the network is fitted to


@dataclass
class Tally:
    """False `alarms` in `half_years`; of each drift its kind, its device's loss, whether it was found."""

    alarms: int = 0
    half_years: float = 0.0
    drifts: list[tuple[str, float, bool]] = field(default_factory=list)

    def asked(self) -> list[bool]:
        """Found or not: drifts of a kind that costs on the average, of devices that it does cost."""
        kinds: dict[str, list[float]] = {}
        for kind, cost, _ in self.drifts:
            kinds.setdefault(kind, []).append(cost)
        costly = {kind for kind, costs in kinds.items() if np.mean(costs) >= COSTS}
        return [found for kind, cost, found in self.drifts if kind in costly and cost >= COSTS]


def bars(bars: Bars, names: tuple[str, ...], network, smoke: bool = False) -> None:
    """Add both bars over use cases `names`; `network`: fits a classifier, network(case, windows)."""
    alarms, half_years, found = 0, 0.0, list[bool]()
    for name in names:
        own = Tally()
        for seed in range(1 if smoke else SEEDS):
            _world(own, name, smoke, seed, network)
        asked, others = own.asked(), [hit for _, cost, hit in own.drifts if cost >= COSTS]
        print(
            f"      fleet of {name}: {own.alarms} false alarms in {own.half_years:.0f} half-years, "
            f"{sum(asked)} of {len(asked)} costly drifts found in {WITHIN} weeks; "
            f"{sum(others)} of {len(others)} with those of kinds that seldom cost"
        )
        alarms, half_years = alarms + own.alarms, half_years + own.half_years
        found += asked
    rate = 100 * alarms / half_years
    what = f"fleets: false alarms in 100 device-half-years (of {half_years:.0f})"
    bars.add(what, "<= 1", f"{rate:.1f} ({alarms} in all)", rate <= 1)
    share = sum(found) / max(1, len(found))
    what = f"fleets: costly drifts found in {WITHIN} weeks (of {len(found)})"
    bars.add(what, ">= 95 %", f"{share:.0%}", share >= 0.95)


def _world(tally: Tally, name: str, offline: bool, seed: int, network) -> None:
    spec = WorldSpec(name, "quick", offline, seed, DEVICES, HALF_YEAR, folder=SOURCES)
    first, pool = populate(spec)
    case = usecases.load(name, spec.folder)
    some = np.random.default_rng(seed).permutation(len(first))[:MOST]
    classifier = network(case, first[some])
    scale = Scale.fit(classifier.inputs(first.X[some]))
    duty = load(case.folder / "design.toml").duty.inferences_per_hour
    plan = SketchPlan(scale, Days.of_duty(duty), "cortex-m4")
    for drift in (False, True):
        world = make_world(spec, pool, drift)
        for device in world.devices:
            if device.drift or not drift:
                _device(tally, world, device, plan, classifier)


def _device(tally: Tally, world: World, device: FleetDevice, plan: SketchPlan, classifier) -> None:
    whole = world.pool[device.watches]
    begins = device.drift.week if device.drift else HALF_YEAR
    before, right = classifier.answer(whole.X, whole.y)
    after, now = classifier.answer(world.changed(device, begins, whole).X, whole.y)
    sketch, centre = plan.restore(b"")
    alarms = []
    for week in range(min(HALF_YEAR, begins + WITHIN)):
        answers = before if week < begins else after
        sketch.hear(answers.inputs[world.heard(device, week, plan.day)], centre)
        alarms.append(WeeklyKS().judge(sketch).drifted)
        sketch.end_week()
    tally.alarms += sum(alarms[:begins])
    tally.half_years += begins / HALF_YEAR
    if device.drift and begins * DAYS * plan.day.windows >= plan.phases.reference_until:
        tally.drifts.append((device.drift.kind, right - now, any(alarms[begins:])))
