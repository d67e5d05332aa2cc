"""Is a drift found, how often is one found that is none, and what does the sketch cost a device?

Streams are windows of held-out people, machines, patients and places of each use case's target domain, in
their order (see `edgekit.monitor.drift_trial`). The ECG's patients are those of MIT-BIH where EDGEKIT_MITBIH
names them, else simulated; weeds are rendered. A drift counts where it costs a device accuracy: what costs
nothing need not be found. The network is a logistic regression on the student's int8 inputs.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.bars import SOURCES, Bars
from benchmarks.fleet import drift_fleet
from edgekit import usecases
from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows
from edgekit.design import load
from edgekit.monitor.drift import HALF_YEAR, RATE, critical_value, operating_curve
from edgekit.monitor.drift_trial import DETECTORS, Answers, Days, Device, Trial, trial
from edgekit.monitor.sketch import Phases, Scale
from edgekit.monitor.sketch_cost import footprint
from edgekit.signal import to_int8

NAMES = ("activity", "bearing", "ecg", "people", "weeds")
LIVES = 100  # half-years a use case
MINUTES = {"ecg": 12}  # that are taken of each recording, where there is more than anybody needs
COSTS = 0.05  # accuracy that a drift must cost to be asked for
SEVERITIES = (0.5, 1.0)
COMPONENTS = 60  # what a logistic regression is given of pictures


@dataclass
class Study:
    """A use case's devices, what each drift costs each of them, and all statistics."""

    name: str
    day: Days
    scale: Scale
    inputs: np.ndarray
    costs: dict[str, np.ndarray]
    trial: Trial
    simulated: bool


def study(name: str, lives: int, offline: bool = False, seed: int = 0) -> Study:
    """Everything about one use case."""
    case = usecases.load(name, SOURCES)
    recordings = case.recordings("field", "full", offline=offline, seed=seed)
    kept = [_begin(r, MINUTES[name]) if name in MINUTES else r for r in recordings]
    windows = case.windows([case.prepare(r) for r in kept], "full")
    fold = case.folds(windows, 2, seed)[0]
    network = _Network(case, windows[fold.train])
    devices, costs = _devices(case, windows[fold.test], network)
    scale = Scale.fit(network.inputs(windows[fold.train].X))
    day = Days.of_duty(load(case.folder / "design.toml").duty.inferences_per_hour)
    found = trial(devices, scale, lives, seed, day)
    each = {d: np.resize(c, lives) for d, c in costs.items()}
    some = devices[0].before.inputs
    return Study(name, day, scale, some, each, found, bool(windows.simulated.any()))


def _begin(recording: Recording, minutes: float) -> Recording:
    stop = round(60 * minutes * recording.rate)
    events = tuple(e for e in recording.events if e[1] < stop)
    return replace(recording, samples=recording.samples[:stop], events=events)


class _Network:
    """A classifier on int8 inputs of the student."""

    def __init__(self, case, train: Windows):
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.case = case
        features = case.features(train.X)
        low, high = float(features.min()), float(features.max())
        self.step = (high - low) / 255
        self.zero = int(np.clip(round(-128 - low / self.step), -128, 127))
        inputs = self.inputs(train.X)
        few = [PCA(COMPONENTS, random_state=0)] if inputs.shape[1] > 500 else []
        self.model = make_pipeline(
            StandardScaler(), *few, LogisticRegression(C=0.1, max_iter=1000)
        ).fit(inputs, train.y)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        return to_int8(self.case.features(X), self.step, self.zero).reshape(len(X), -1)

    def answer(self, X: np.ndarray, y: np.ndarray) -> tuple[Answers, float]:
        """Answers to windows, and the share that is right."""
        inputs = self.inputs(X)
        p = self.model.predict_proba(inputs)
        right = self.model.classes_[p.argmax(axis=1)] == y
        return Answers(inputs, p.max(axis=1)), float(right.mean())


def _devices(case, windows: Windows, network: _Network):
    """Devices of the held-out windows, and what each drift costs each of them in accuracy."""
    owners = _owners(windows, case.PLACE)
    devices: list[Device] = []
    costs: dict[str, list[float]] = {}
    for own in np.unique(owners):
        mine = windows[owners == own]
        recording = mine.group if case.PLACE else mine.recording
        before, right = network.answer(mine.X, mine.y)
        after = {}
        for drift, change in case.DRIFTS.items():
            for severity in SEVERITIES:
                label = f"{drift}, {severity:g}"
                changed = change(mine.X, severity, np.random.default_rng(len(devices)))
                after[label], now = network.answer(changed, mine.y)
                costs.setdefault(label, []).append(right - now)
        rows = [np.flatnonzero(recording == r) for r in np.unique(recording)]
        devices.append(Device(rows, before, after))
    return devices, {d: np.array(c) for d, c in costs.items()}


def _owners(windows: Windows, place: str) -> np.ndarray:
    """(n,) whose each window is: the one place's; a machine's in one state, where a group knows one only; a
    group's."""
    if place:
        return np.full(len(windows), place)
    states = [np.unique(windows.y[windows.group == g]) for g in np.unique(windows.group)]
    return windows.y.astype(str) if all(len(s) == 1 for s in states) else windows.group


def bars(bars: Bars, smoke: bool = False) -> None:
    """Add all bars of drift. smoke: one use case, simulated, and a few half-years."""
    warnings.filterwarnings("ignore", module="sklearn")
    critical = critical_value()
    print(
        f"weekly KS alarms beyond {critical:.2f}, which at most {RATE:.1e} of weeks exceed by chance: "
        f"{100 * HALF_YEAR * RATE:.1f} in 100 half-years"
    )
    alarms, half_years, seen = 0, 0, {n: [0, 0] for n in DETECTORS}
    for name in ("bearing",) if smoke else NAMES:
        found = study(name, 12 if smoke else LIVES, offline=smoke)
        clean = found.trial.clean["KS distance"]
        alarms, half_years = alarms + int((clean > critical).sum()), half_years + len(clean)
        _found(bars, found, critical, seen)
        _sketch(bars, found)
    rate = 100 * alarms / half_years
    what = f"false alarms in 100 device-half-years (of {half_years})"
    bars.add(what, "<= 1", f"{rate:.1f} ({alarms} in all)", rate <= 1)
    for detector, (hits, asked) in seen.items():
        print(
            f"      {detector:<18} finds {hits / max(1, asked):.0%} of {asked} costly drifts in 2 weeks"
        )
    drift_fleet.bars(bars, ("bearing",) if smoke else NAMES, _Network, smoke)


def _found(bars: Bars, found: Study, critical: float, seen: dict[str, list[int]]) -> None:
    data = "simulated" if found.simulated else "real"
    for drift, cost in found.costs.items():
        costly, by = cost >= COSTS, found.trial.drifted[drift]
        shown = f"{found.name}, {drift}: costs {100 * cost.mean():.0f} points"
        if costly.any():
            for detector in DETECTORS:
                limit = critical if "KS" in detector else 2.9  # ADWIN at 0.001
                hits = (by[detector][costly] > limit).any(axis=1)
                seen[detector][0] += int(hits.sum())
                seen[detector][1] += len(hits)
        if cost.mean() < COSTS:
            share = (by["KS distance"] > critical).any(axis=1).mean()
            print(f"      {shown}; found in {share:.0%}, not asked for")
            continue
        row = operating_curve(
            found.trial.clean["KS distance"], by["KS distance"][costly], [critical]
        )
        share, low, high = row.loc[0, ["found", "found_low", "found_high"]]
        figure = f"{share:.0%} ({low:.0%}–{high:.0%}), {data}"
        if drift.endswith(f" {SEVERITIES[-1]:g}"):
            bars.add(f"{shown}; found in 2 weeks", ">= 95 %", figure, share >= 0.95)
        else:
            print(f"      {shown}; found in {figure}")


def _sketch(bars: Bars, found: Study) -> None:
    phases = Phases(24, 60, 12, 10)
    inputs = np.resize(found.inputs, (phases.reference_until + 60, found.inputs.shape[1]))
    cost = footprint(found.scale, phases, inputs)
    beside = f"{cost.mean_ram} and {cost.table_flash} beside"
    bars.add(f"sketch, {found.name}: RAM", "<= 64 B", f"{cost.ram}, {beside}", cost.ram.value <= 64)
    each = f"{cost.code}, {cost.window} a window"
    bars.add(f"sketch, {found.name}: code, Cortex-M4", "<= 512 B", each, cost.code.value <= 512)
