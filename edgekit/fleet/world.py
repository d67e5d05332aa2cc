"""A simulated fleet: devices, the people or machines that they watch, what drifts, who is out of coverage.

Everything is drawn by (seed, device, week): whoever asks again is told the same. What the released model was
trained or judged on belongs to groups that no device has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from edgekit import usecases
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.data import Windows, concat
from edgekit.data.recordings import TARGET
from edgekit.fleet.origin import Origin
from edgekit.monitor.drift_trial import DAYS, Days, stream

USES = TRAIN, GATE, HELD = 0, 1, 2  # HELD: nobody but the simulation ever knows these labels
PER_WEEK = {"quick": 30, "full": 70}  # windows a device classifies in a week
SIMULATED_POPULATIONS = 40  # campaigns of the simulator that are asked for more people or machines
STRETCH = 2  # windows long is a piece of a recording that has one use
COHORT, COHORTS = 4, 10  # devices of a cohort, about; cohorts at most
FIRST_DRIFT = 0.15  # of the weeks: before that, nothing has changed yet


@dataclass(frozen=True)
class Drift:
    """What changed at a device: one of the use case's DRIFTS, from `week` on, 0 < `severity` <= 1."""

    kind: str
    week: int
    severity: float = 1.0


@dataclass(frozen=True)
class FleetDevice:
    """`watches` is whose windows it senses, `cohort` those of whom it is judged with; `offline` the weeks
    in which nobody reaches it."""

    name: str
    cohort: str
    watches: str
    number: int
    drift: Drift | None = None
    offline: frozenset[int] = frozenset()


@dataclass(frozen=True)
class WorldSpec:
    """Of what a world is made; two of the same are the same world. `folder` holds `usecases/`, if they are a
    workspace's own. `drifting` and `away`: shares of devices that drift, with which `severity`, and of
    device-weeks out of coverage. `begins`: the digest of the program that it begins with, "" of one that is
    made for it."""

    use_case: str
    profile: str = "quick"
    offline: bool = False
    seed: int = 0
    devices: int = 20
    weeks: int = 26
    drifting: float = 0.5
    severity: float = 1.0
    away: float = 0.05
    begins: str = ""
    folder: Path = field(default_factory=Path.cwd)


@dataclass(frozen=True)
class World:
    """`pool` holds the windows (n, time, channel) of each device's `watches`, which it senses in turn.
    `normal`: the class that means nothing to report, or None.

    Devices sense them again and again, so each has one use (USES, by its place in its recording) for all
    weeks: no model is trained on what the gate, or the simulation itself, judges it by.
    """

    spec: WorldSpec
    devices: tuple[FleetDevice, ...]
    pool: dict[str, Windows]
    use: dict[str, int]
    drifts: dict[str, Callable]
    normal: int | None

    @property
    def per_week(self) -> int:
        return PER_WEEK[self.spec.profile]

    def device(self, name: str) -> FleetDevice:
        """Raises EdgekitError for a name that no device has."""
        for device in self.devices:
            if device.name == name:
                return device
        raise EdgekitError(f"the fleet has no device {name[:64]!r}")

    def week(self, device: FleetDevice, week: int) -> Windows:
        """What the device senses in a week: the next windows of its cohort, as they come."""
        whole = self.pool[device.watches]
        first = (device.number * 7919 + week * self.per_week) % len(whole)
        return self.changed(device, week, whole[(first + np.arange(self.per_week)) % len(whole)])

    def changed(self, device: FleetDevice, week: int, windows: Windows) -> Windows:
        """`windows` as they are at the device in that week: its drift, once it has begun."""
        drift = device.drift
        if drift is None or week < drift.week:
            return windows
        rng = np.random.default_rng([self.spec.seed, device.number, 0x64])  # the same every week
        X = self.drifts[drift.kind](windows.X.copy(), drift.severity, rng)
        return Windows(
            np.asarray(X, np.float32), windows.y, windows.classes, windows.group, windows.domain,
            windows.origin, windows.rate, simulated=True,
        )  # fmt: skip

    def heard(self, device: FleetDevice, week: int, day: Days) -> np.ndarray:
        """(n,) rows of its pool that its drift sketch hears in a week: runs of windows, as they come."""
        rng = np.random.default_rng([self.spec.seed, device.number, week, 0x48])
        return stream([np.arange(len(self.pool[device.watches]))], rng, DAYS, day).ravel()

    def uses(self, windows: Windows) -> np.ndarray:
        """(n,) index into USES of each window."""
        return np.array([self.use[str(o)] for o in windows.origin])


def populate(spec: WorldSpec, origin: Origin | None = None) -> tuple[Windows, Windows]:
    """(windows that the first release is made of, windows of the devices): no group is in both.

    The target domain of the use case. Where it is real, the devices have what the run of `origin` never
    trained on, or half of it, set apart by the use case's own rule (groups, or time); where it is
    simulated, the devices' people, machines or places are drawn anew until there are as many as are
    watched. Windows of devices that have another use (USES) do not overlap.
    """
    case = usecases.load(spec.use_case, spec.folder)
    first = origin.made_of if origin else _windows(case, spec, spec.seed)
    if not np.all(first.simulated):
        if origin:
            return first, _whole_stretches(origin.others)
        half = case.folds(first, 2, spec.seed)[-1]  # the later half, where it goes by time
        return first[half.train], _whole_stretches(first[half.test])
    wanted = _cohorts(spec) if case.PLACE else spec.devices
    parts: list[Windows] = []
    for campaign in range(1, SIMULATED_POPULATIONS + 1):
        more = _windows(case, spec, spec.seed + 1000 * campaign, f"{campaign}-")
        parts.append(_whole_stretches(more))
        if len(subjects(concat(parts), case.PLACE)) >= wanted:
            break
    return first, concat(parts)


def _cohorts(spec: WorldSpec) -> int:
    return max(1, min(spec.devices // COHORT, COHORTS))


def _windows(case, spec: WorldSpec, seed: int, prefix: str = "") -> Windows:
    recordings = case.recordings(TARGET, spec.profile, offline=spec.offline, seed=seed)
    w = case.windows([case.prepare(r) for r in recordings], spec.profile)
    if not prefix:
        return w
    group, origin = (np.array([f"{prefix}{n}" for n in names]) for names in (w.group, w.origin))
    return Windows(w.X, w.y, w.classes, group, w.domain, origin, w.rate, simulated=w.simulated)


def _whole_stretches(windows: Windows) -> Windows:
    """Only windows that lie in one stretch of their recording; a picture always does."""
    start, length = _starts(windows), _stretch(windows)
    return windows[start // length == (start + windows.X.shape[1] - 1) // length]


def _stretches(windows: Windows, place: str) -> np.ndarray:
    """(n,) number of the stretch in which each window lies. A recording of a `place` is one stretch: what it
    shows, it shows from its beginning to its end."""
    recording = np.unique(windows.recording, return_inverse=True)[1]
    if place:
        return recording
    stretch = _starts(windows) // _stretch(windows)
    return np.unique(recording * (stretch.max() + 1) + stretch, return_inverse=True)[1]


def _starts(windows: Windows) -> np.ndarray:
    """(n,) samples from the beginning of its recording to each window."""
    return np.array([int(str(o).rpartition("@")[2]) for o in windows.origin])


def _stretch(windows: Windows) -> int:
    return STRETCH * windows.X.shape[1]


def subjects(windows: Windows, place: str = "") -> dict[str, np.ndarray]:
    """Whom or what devices watch: name -> rows (n,) of its `windows`, in the order in which they come.

    A group that knows several classes is one: a person, a patient. Where each knows one state only, as a
    bearing does, they are dealt to machines that have bearings in each state, and are in each as often.
    With `place` all groups of a campaign are one. Groups, or stretches of one, are sensed in turn, so that
    a week shows some of each. Raises EdgekitError where a class has no group left.
    """
    groups = sorted({str(g) for g in windows.group})
    rows = {g: np.flatnonzero(windows.group == g) for g in groups}
    if place:
        campaigns = sorted({_campaign(g) for g in groups})
        return {
            f"{place}-{i + 1}": _in_turn([rows[g] for g in groups if _campaign(g) == campaign])
            for i, campaign in enumerate(campaigns)
        }
    states = {g: np.unique(windows.y[rows[g]]) for g in groups}
    if any(len(s) > 1 for s in states.values()):
        stretch = _stretches(windows, place)
        return {
            g: _in_turn([own[stretch[own] == n] for n in np.unique(stretch[own])])
            for g, own in rows.items()
        }
    by_state = [[g for g in groups if states[g][0] == c] for c in range(len(windows.classes))]
    if not all(by_state):
        raise EdgekitError("a class has no recording left for the fleet's devices: record more")
    count, machines = min(map(len, by_state)), {}
    for i in range(count):
        parts = [_in_turn([rows[g] for g in own[i::count]]) for own in by_state]
        least = min(map(len, parts))
        machines[f"machine-{i + 1}"] = _in_turn([p[:least] for p in parts])
    return machines


def _campaign(group: str) -> int:
    """0 of a real recording, else the number that `_windows` put before the group's name."""
    number, dash, _ = group.partition("-")
    return int(number) if dash and number.isdecimal() else 0


def _in_turn(parts: list[np.ndarray]) -> np.ndarray:
    """One of each part, then the next of each, until all are empty."""
    turn = np.concatenate([np.arange(len(p)) for p in parts])
    return np.concatenate(parts)[np.argsort(turn, kind="stable")]


def make_world(spec: WorldSpec, windows: Windows, drift: bool = True) -> World:
    """The world of these `windows`, of the devices' groups; without `drift`, one in which nothing changes.

    Devices are dealt in turn to whom they watch, and these to cohorts of about COHORT devices: as many as
    the few labels of a week can judge. Which drift, in what way and when, is drawn: `spec.drifting` of the
    devices, from FIRST_DRIFT to half of the weeks. Raises EdgekitError for a use case that knows no drift.
    """
    case = usecases.load(spec.use_case, spec.folder)
    known = dict(case.DRIFTS)
    if drift and spec.drifting and not known:
        raise EdgekitError(f"{spec.use_case} names no drift: give its usecase.py DRIFTS")
    rows = subjects(windows, case.PLACE)
    names = list(rows)[: spec.devices]
    count = min(len(names), _cohorts(spec))
    rng = np.random.default_rng([spec.seed, 0xF1EE7])
    drifting = set(rng.permutation(spec.devices)[: round(spec.drifting * spec.devices)].tolist())
    first, last = round(FIRST_DRIFT * spec.weeks), max(spec.weeks // 2, 1)
    kinds = sorted(known)
    devices = []
    for i in range(spec.devices):
        kind = int(rng.integers(len(kinds) or 1))
        begin = int(rng.integers(first, max(last, first + 1)))
        gone = frozenset(np.flatnonzero(rng.random(spec.weeks) < spec.away).tolist()) - {0}
        own = Drift(kinds[kind], begin, spec.severity) if drift and i in drifting else None
        which = i % len(names)
        cohort = names[which] if count == len(names) else f"cohort-{which % count + 1}"
        devices.append(FleetDevice(f"device-{i + 1:03d}", cohort, names[which], i, own, gone))
    pool = {n: windows[rows[n]] for n in names}
    use = _uses(concat(list(pool.values())), case.PLACE)
    normal = None if case.NORMAL is None else list(case.CLASSES).index(case.NORMAL)
    return World(spec, tuple(devices), pool, use, known, normal)


def _uses(windows: Windows, place: str) -> dict[str, int]:
    """By origin: of four stretches one may be trained on, one is the gate's, two are held."""
    stretch = _stretches(windows, place)
    return {str(o): min(int(n) % 4, HELD) for o, n in zip(windows.origin, stretch, strict=True)}


@lru_cache(maxsize=4)
def load_world(spec: WorldSpec, path: Path, drift: bool = True) -> World:
    """`make_world` of the windows in the file `path`, once a process."""
    return make_world(spec, Windows.load(path), drift)


def drifts(use_case: str) -> list[str]:
    """What may change in the world of `use_case`, by name. Raises EdgekitError for one that there is not."""
    return sorted(usecases.load(use_case, Workspace.find().folder).DRIFTS)
