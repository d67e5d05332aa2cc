"""How well is a client served that was never there? Every row beside centralized and local training.

Clients are the persons of `activity` (real right wrists) and the patients of `ecg` (MIT-BIH where
EDGEKIT_MITBIH names them, else simulated). The plans are the use cases' own (FEDERATE) in ROUNDS: those of
`ecg` and `bearing` were set before anything was measured, that of `activity` was chosen among ten on
simulated people, so that none of the clients here had a say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bars import SOURCES, Bars
from edgekit import export, learn, usecases
from edgekit.core.errors import EdgekitError
from edgekit.data import Windows
from edgekit.federate import device_trial, trial
from edgekit.federate.clients import Fold, folds, pooled
from edgekit.federate.plan import Plan
from edgekit.federate.trial import Metric, Row

if TYPE_CHECKING:
    from edgekit.federate.network import Network

PROFILE = "quick"
ROUNDS = 30
NOISES = (0.1, 0.3, 1.0)  # multiples of the clip: what privacy of clients costs, reported
WINDOW_NOISES = (0.5, 1.0, 2.0)  # the same of single windows
OWN, RATE, EPOCHS = (
    0.2,
    0.03,
    20,
)  # share of a recording that a client labels, and how it learns from it
FOLDS = {"activity": 5, "ecg": 3, "bearing": 3}
METRICS: dict[str, Metric] = {"ecg": trial.macro_f1}
TO_CENTRALIZED = {"activity": 1.5, "ecg": 4.0}  # points below it, at most
TO_LOCAL = {"activity": 14.0, "ecg": 20.0}  # points above it, at least


@dataclass
class Study:
    """One use case's folds and network, and its rows as they come."""

    case: usecases.UseCase
    windows: Windows
    folds: list[Fold]
    network: Network
    plan: Plan
    metric: Metric
    data: str

    @property
    def name(self) -> str:
        return self.case.name

    def show(self, row: Row) -> float:
        """The row's score in points, printed with its interval."""
        score, (low, high) = row.score(self.metric), row.interval(self.metric)
        sent = (
            "  {:.0f} B an update, {:.0f} B its message".format(*row.update_bytes())
            if row.sent
            else ""
        )
        sent += f"  epsilon {row.epsilon:,.1f}" if row.epsilon else ""
        print(f"      {row.name:<34} {score:.3f} ({low:.3f} to {high:.3f}){sent}", flush=True)
        for line in row.refused[:2]:
            print(f"      left out: {line}")
        return 100 * score

    def federated(self, name: str, plan: Plan) -> tuple[float, Row]:
        row = trial.federated(name, self.network, self.folds, plan)
        return self.show(row), row


def study(name: str, smoke: bool) -> Study:
    """The folds of a use case's own groups in its target domain; a smoke has the first."""
    from edgekit.federate.network import Network

    case = usecases.load(name, SOURCES)
    recordings = case.recordings("field", PROFILE, seed=0)
    windows = case.windows([case.prepare(r) for r in recordings], PROFILE)
    made = folds(case, windows, FOLDS[name], 0)[: 1 if smoke else None]
    data = "simulated" if windows.simulated.any() else "real"
    few = min(len(f.clients) for f in made)
    print(
        f"      {name}: {data}, {len(windows)} windows, {few} or more clients in {len(made)} fold(s)"
    )
    metric = METRICS.get(name, trial.balanced_accuracy)
    plan = Plan.of(case.FEDERATE, rounds=ROUNDS)
    network = Network(case, len(windows.classes))
    return Study(case, windows, made, network, plan, metric, data)


def bars(bars: Bars, smoke: bool = False) -> None:
    """Add all bars of clients; a smoke has activity's first fold."""
    for name in ("activity",) if smoke else ("activity", "ecg", "bearing"):
        _one(bars, study(name, smoke))


def _one(bars: Bars, s: Study) -> None:
    plan = s.plan
    central = s.show(trial.centralized(s.network, s.folds, plan))
    alone = s.show(trial.local(s.network, s.folds, plan))
    clean, whole = s.federated(plan.strategy, plan)
    if s.name in TO_CENTRALIZED:
        _near(bars, s, "below centralized", central - clean, TO_CENTRALIZED[s.name])
        above, goal = clean - alone, TO_LOCAL[s.name]
        figure = f"{above:.1f} points, {s.data}"
        bars.add(f"{s.name}: above local only", f">= {goal:g}", figure, above >= goal)
    _own_last_layer(s, whole)
    if s.name == "ecg":
        s.federated("own batch normalization", replace(plan, own_normalization=True))
    if s.name != "activity":
        return
    lost, _ = s.federated("30 % dropout", replace(plan, dropout=0.3))
    _near(bars, s, "30 % dropout, below centralized", central - lost, 3.0)
    _poisoned(bars, s, plan, clean)
    for noise in NOISES if len(s.folds) > 1 else ():
        s.federated(f"noise {noise:g}", replace(plan, strategy="FedAvg", noise=noise))
    for noise in WINDOW_NOISES if len(s.folds) > 1 else ():
        _private(s, noise)
    for kind, points, times in (("int8", 0.5, 3.9), ("top", 2.0, 8.0)):
        score, row = s.federated(f"updates: {kind}", replace(plan, updates=kind))
        _near(bars, s, f"updates {kind}, lost", clean - score, points)
        fewer = whole.update_bytes()[0] / row.update_bytes()[0]
        what = f"{s.name}: updates {kind}, times fewer bytes of arrays"
        bars.add(what, f">= {times:g}", f"{fewer:.2f}", fewer >= times)


def _private(s: Study, noise: float) -> None:
    """DP-SGD in each client's own training: what hides a window."""
    from edgekit.federate.private_network import PrivateNetwork

    own = PrivateNetwork(s.case, len(s.windows.classes), noise)
    row = trial.federated(f"DP-SGD, noise {noise:g}", own, s.folds, s.plan)
    row.epsilon = max(own.epsilon(f.clients, s.plan) for f in s.folds)
    s.show(row)


def _own_last_layer(s: Study, row: Row) -> None:
    """What was federated in int8, and held-out clients who teach its last layer the first of their windows.

    Scales are found on windows of the clients that trained.
    """
    met: dict[str, device_trial.Personal] = {}
    splits = s.case.folds(s.windows, FOLDS[s.name], 0)
    for n, (found, fold, split) in enumerate(zip(row.found, s.folds, splits, strict=False)):
        s.network.load(found.arrays)
        scaled = found.statistics.scaled
        model = learn.quantize(s.network.model, scaled(pooled(fold.clients).X))
        test = s.windows[split.test]
        F = np.asarray(s.case.features(test.X), np.float32)
        graph = export.read(model)
        people = device_trial.people_of(test, learn.int8_inputs(model, scaled(F)))
        for name, person in people.items():
            try:
                met[f"{n}.{name}"] = device_trial.personalize(graph, person, OWN, RATE, EPOCHS)
            except EdgekitError as error:
                print(f"      {name} left out: {error}")
    print(f"      later windows of {len(met)} held-out clients, int8, balanced accuracy, {s.data}:")
    print(
        "     ", device_trial.table(met).round(3).to_string().replace("\n", "\n      "), flush=True
    )


def _poisoned(bars: Bars, s: Study, plan: Plan, clean: float) -> None:
    bad = replace(plan, poisoned=1)
    s.federated("one poisoned, undefended", bad)
    scores = {
        name: s.federated(f"one poisoned, {name}", replace(bad, strategy=name))[0]
        for name in ("FedTrimmedAvg", "FedMedian", "MultiKrum", "Bulyan")
    }
    best = max(scores, key=lambda n: scores[n])
    _near(bars, s, f"one poisoned client, {best}, below clean", clean - scores[best], 3.0)


def _near(bars: Bars, s: Study, what: str, points: float, goal: float) -> None:
    bars.add(f"{s.name}: {what}", f"<= {goal:g}", f"{points:.1f} points, {s.data}", points <= goal)
