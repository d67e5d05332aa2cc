"""How a device fares: its weeks with a release beside those before, and beside other devices.

Differences only; what is made of them, `edgekit.rollout.judgement` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from sqlalchemy import Connection, select

from edgekit.cloud.tables import device_weeks

LOOK_BACK = 4  # weeks before a release that a device is compared with


@dataclass(frozen=True)
class Vitals:
    """One week of a device. `release` ran it; rates and `distance` lie in 0…1, `agreement` with the gateway's
    model is None where there is no gateway. `energy_mj` is that of its windows, without what an
    update itself cost. `selftest`: None if the release took none that week.
    """

    week: int
    release: int
    windows: int
    distance: float
    alarm_rate: float
    agreement: float | None
    energy_mj: float
    boots: int = 1
    selftest: bool | None = None


@dataclass(frozen=True)
class Health:
    """What is known of a device: its weeks in order, without those in which it was not seen."""

    cohort: str
    weeks: tuple[Vitals, ...]


def read(connection: Connection, week: int) -> dict[str, Health]:
    """By device, from the rows of `device_weeks`: those that were seen in `week`, with the weeks before."""
    t = device_weeks
    rows = connection.execute(
        select(t)
        .where(t.c.week <= week, t.c.week >= week - 2 * LOOK_BACK, t.c.windows > 0)
        .order_by(t.c.device, t.c.week)
    ).mappings()
    weeks: dict[str, list[Vitals]] = {}
    cohorts: dict[str, str] = {}
    for r in rows:
        cohorts[r["device"]] = r["cohort"]
        weeks.setdefault(r["device"], []).append(
            Vitals(
                r["week"], r["release"], r["windows"], r["distance"], r["alarm_rate"],
                r["agreement"], r["energy_mj"], r["boots"],
            )
        )  # fmt: skip
    return {
        name: Health(cohorts[name], tuple(w)) for name, w in weeks.items() if w[-1].week == week
    }


@dataclass(frozen=True)
class Measure:
    """What is compared. sense: 1 if more is worse, -1 if less is, 0 if either. floor: what matters."""

    value: Callable[[Vitals], float | None]
    sense: int
    floor: float


INPUTS, ALARMS, AGREEMENT = "drift distance", "alarm rate", "agreement with the gateway"
MEASURES = {
    INPUTS: Measure(lambda v: v.distance, 1, 0.15),
    ALARMS: Measure(lambda v: v.alarm_rate, 0, 0.15),
    AGREEMENT: Measure(lambda v: v.agreement, -1, 0.10),
    "energy a window": Measure(  # as a logarithm, so that the floor is a quarter more
        lambda v: math.log(v.energy_mj / v.windows) if v.energy_mj > 0 else None, 1, math.log(1.25)
    ),
    "boots a week": Measure(lambda v: float(v.boots), 1, 3.0),
}
Weeks = tuple[int, ...]
Controls = dict[str, dict[str, list[float]]]  # changes of others, by measure and cohort
FREEDOM = 2  # degrees of freedom without which nothing is judged
CONTROLS = 3  # devices without a change that a comparison takes; with fewer the floors count twice


@dataclass(frozen=True)
class Excess:
    """How much more a device changed than those that changed nothing. `spread` is of one such device."""

    value: float
    spread: float
    freedom: int
    controls: int

    def score(self, sense: int, devices: int = 1) -> float:
        """In standard errors of the mean of `devices` such; positive is the wrong way."""
        error = self.spread * math.sqrt(1 / devices + (1 / self.controls if self.controls else 0))
        return (sense or math.copysign(1, self.value)) * self.value / max(error, 1e-9)

    def p(self, sense: int, devices: int = 1) -> float:
        """Of Student's t, one-sided; two-sided where sense is 0."""
        from scipy.special import stdtr

        if self.freedom < FREEDOM:
            return 1.0
        return float(stdtr(self.freedom, -self.score(sense, devices))) * (1 if sense else 2)


def weeks_on(health: Health, release: int) -> list[Vitals]:
    """Its weeks with the release."""
    return [v for v in health.weeks if v.release == release]


def excesses_of(
    health: Mapping[str, Health],
    release: int,
    own: Mapping[str, Health],
    withdrawn: Collection[int],
) -> dict[str, dict[str, Excess]]:
    """By device and measure, as far as it can be compared."""
    found: dict[str, dict[str, Excess]] = {}
    beside: dict[tuple, tuple[Weeks, Weeks, Controls]] = {}  # devices began in few weeks

    @cache
    def alone(before: Weeks, after: Weeks, name: str) -> tuple[float, int]:
        return _alone(own, release, before, after, MEASURES[name])

    for device, h in own.items():
        after = tuple(v.week for v in weeks_on(h, release))
        well = [v.week for v in h.weeks if v.week < after[0] and v.release not in withdrawn]
        before = tuple(well[-LOOK_BACK:])
        key = before, after
        if key not in beside:
            compared = _accompanied(health, release, before, after)
            beside[key] = *compared, _beside(health, release, *compared)
        before, after, controls = beside[key]
        found[device] = {}
        for name, measure in MEASURES.items():
            change = _change(h, before, after, measure)
            if change is not None:
                found[device][name] = _against(change, h.cohort, controls[name]) or Excess(
                    change, *alone(before, after, name), controls=0
                )
    return found


def _accompanied(
    health: Mapping[str, Health], release: int, before: Weeks, after: Weeks
) -> tuple[Weeks, Weeks]:
    """The weeks before and after that are compared: as many as enough others ran with one release.

    Beside the last wave are those that took the release earlier, for the few weeks that they have it; and a
    canary is compared while others had the old one. All weeks, where nobody was beside it ever.
    """
    for first, last in product(range(len(before)), range(len(after), 0, -1)):
        part = before[first:], after[:last]
        if sum(_steady(h, release, *part) for h in health.values()) >= CONTROLS:
            return part
    return before, after


def _steady(health: Health, release: int, before: Weeks, after: Weeks) -> bool:
    """Whether a device was seen before and after, and ran one release all the time; not the new one, if
    nothing is before it."""
    old, new = ({v.release for v in health.weeks if v.week in w} for w in (before, after))
    return len(old | new) == 1 and bool(new) and (bool(old) if before else release not in new)


def _beside(health: Mapping[str, Health], release: int, before: Weeks, after: Weeks) -> Controls:
    """Changes, by measure and cohort, of the devices that ran one release all the time."""
    found: Controls = {name: {} for name in MEASURES}
    for h in health.values():
        if not _steady(h, release, before, after):
            continue
        for name, measure in MEASURES.items():
            if (change := _change(h, before, after, measure)) is not None:
                found[name].setdefault(h.cohort, []).append(change)
    return found


def _change(h: Health, before: Weeks, after: Weeks, measure: Measure) -> float | None:
    """Mean of some weeks minus the mean of others; of a device without weeks before, its level."""
    old = [x for v in h.weeks if v.week in before and (x := measure.value(v)) is not None]
    if not before:
        old = [0.0]
    new = [x for v in h.weeks if v.week in after and (x := measure.value(v)) is not None]
    return float(np.mean(new) - np.mean(old)) if old and new else None


def _against(change: float, cohort: str, others: Mapping[str, list[float]]) -> Excess | None:
    """Beside its own cohort where that is large enough, else beside all; the spread is within cohorts."""
    everyone = [c for changes in others.values() for c in changes]
    if len(everyone) < CONTROLS:
        return None
    large = {name: c for name, c in others.items() if len(c) >= CONTROLS}
    rest = [c for name, changes in others.items() if name not in large for c in changes]
    parts = [np.asarray(part) for part in [*large.values(), rest] if len(part)]
    freedom = len(everyone) - len(parts)
    spread = math.sqrt(sum(float(((p - p.mean()) ** 2).sum()) for p in parts) / max(freedom, 1))
    near = large.get(cohort, everyone)
    return Excess(change - float(np.mean(near)), spread, freedom, len(near))


def _alone(
    own: Mapping[str, Health], release: int, before: Weeks, after: Weeks, measure: Measure
) -> tuple[float, int]:
    """The spread of a change, and its freedom, where nothing is beside it: how the weeks without the release
    differed, on each device."""
    squares, freedom = 0.0, 0
    for h in own.values():
        weeks = [v for v in h.weeks if v.week in before and v.release != release]
        values = [x for v in weeks if (x := measure.value(v)) is not None]
        if len(values) > 1:
            squares += float(((np.asarray(values) - np.mean(values)) ** 2).sum())
            freedom += len(values) - 1
    if not freedom:
        return 0.0, 0
    return math.sqrt(squares / freedom * (1 / len(before) + 1 / len(after))), freedom
