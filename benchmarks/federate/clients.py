"""How well is a client served that was never there? Every row beside centralized and local training.

Clients are the persons of `activity` (real right wrists) and the patients of `ecg` (MIT-BIH where
EDGEKIT_MITBIH names them, else simulated). The plans are the use cases' own (FEDERATE) in ROUNDS: those of
`ecg` and `bearing` were set before anything was measured, that of `activity` was chosen among ten on
simulated people, so that none of the clients here had a say. Centralized stands twice: trained as the
federation is, and by the use case's own recipe (FIT), that nothing is near a centralized model that is weak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.bars import SOURCES, Bars
from edgekit import export, learn, usecases
from edgekit.core.errors import EdgekitError
from edgekit.data import Windows
from edgekit.federate import device_trial, trial
from edgekit.federate.clients import Fold, folds, pooled
from edgekit.federate.plan import ATTACKS, Plan
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
SEEDS = 1, 2  # of training, beside 0: how far chance carries a row
OTHERS = ("FedAvg", "FedProx", "FedAvgM", "FedAdam")  # reported beside the use case's
GUARD = "MultiKrum"
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

    def show(self, row: Row) -> Row:
        """The row, its score printed with its interval."""
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
        return row

    def federated(self, name: str, plan: Plan) -> Row:
        return self.show(trial.federated(name, self.network, self.folds, plan))

    def points(self, row: Row, other: Row) -> tuple[float, str]:
        """By how many points `row` is above `other`; with 95 % over the same clients, in words."""
        mean, low, high = (100 * v for v in row.above(other, self.metric))
        return mean, f"{mean:.1f} points ({low:.1f} to {high:.1f}), {self.data}"


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
    best = s.show(_own_recipe(s))
    alone = s.show(trial.local(s.network, s.folds, plan))
    clean = s.federated(plan.strategy, plan)
    print(f"      {plan.strategy} below that recipe: {s.points(best, clean)[1]}")
    if s.name in TO_CENTRALIZED:
        _near(bars, s, "below centralized", central, clean, TO_CENTRALIZED[s.name])
        (above, figure), goal = s.points(clean, alone), TO_LOCAL[s.name]
        bars.add(f"{s.name}: above local only", f">= {goal:g}", figure, above >= goal)
    _own_last_layer(s, clean)
    if len(s.folds) > 1:  # no smoke
        for seed in SEEDS if s.name in TO_CENTRALIZED else ():
            again = replace(plan, seed=seed)
            rows = (
                f(s.network, s.folds, again)
                for f in (trial.centralized, partial(trial.federated, ""))
            )
            print(f"      seed {seed}, below centralized: {s.points(*rows)[1]}")
        tried = {name: replace(plan, strategy=name) for name in OTHERS if name != plan.strategy}
        if s.network.normalization:
            tried["own batch normalization"] = replace(plan, own_normalization=True)
        for name, how in tried.items():
            row = s.federated(name, how)
            print(f"      above {plan.strategy}: {s.points(row, clean)[1]}")
    if s.name != "activity":
        return
    lost = s.federated("30 % dropout", replace(plan, dropout=0.3))
    _near(bars, s, "30 % dropout, below centralized", central, lost, 3.0)
    _poisoned(bars, s, plan, clean)
    for noise in NOISES if len(s.folds) > 1 else ():
        s.federated(f"noise {noise:g}", replace(plan, strategy="FedAvg", noise=noise))
    for noise in WINDOW_NOISES if len(s.folds) > 1 else ():
        _private(s, noise)
    for kind, points, times in (("int8", 0.5, 3.9), ("top", 2.0, 8.0)):
        row = s.federated(f"updates: {kind}", replace(plan, updates=kind))
        _near(bars, s, f"updates {kind}, lost", clean, row, points)
        fewer = clean.update_bytes()[0] / row.update_bytes()[0]
        what = f"{s.name}: updates {kind}, times fewer bytes of arrays"
        bars.add(what, f">= {times:g}", f"{fewer:.2f}", fewer >= times)


def _own_recipe(s: Study) -> Row:
    """All windows in one place, trained as chapter 03 trains the student: Adam, variations of windows."""
    row = Row("centralized, the use case's recipe")
    splits = s.case.folds(s.windows, FOLDS[s.name], 0)
    for fold, split in zip(s.folds, splits, strict=False):
        model = s.case.student(s.case.features.shape, fold.classes, s.case.WIDTHS["student"], 0)
        how = {"seed": 0, "augment": s.case.augment, **s.case.FIT["full"]["student"]}
        learn.fit(model, s.windows[split.train], s.case.features, **how)
        counted = []
        for client in fold.held_out:
            answers = s.network.predict(model.get_weights(), client.X)
            cells = np.ravel_multi_index((client.y, answers), (fold.classes, fold.classes))
            counted.append(np.bincount(cells, minlength=fold.classes**2))
        row.confusions.append(np.reshape(counted, (1, -1, fold.classes, fold.classes)))
    return row


def _private(s: Study, noise: float) -> None:
    """DP-SGD in each client's own training: what hides a window."""
    from edgekit.federate.private_network import PrivateNetwork

    own = PrivateNetwork(s.case, len(s.windows.classes), noise)
    row = trial.federated(f"DP-SGD, noise {noise:g}", own, s.folds, s.plan)
    row.epsilon = max(own.epsilon(f.clients, s.plan) for f in s.folds)
    s.show(row)


def _own_last_layer(s: Study, row: Row) -> None:
    """What was federated in int8, and held-out clients who teach its last layer the first of their windows:
    as they come, and each class as often as the others.

    Scales are found on windows of the clients that trained.
    """
    met: dict[bool, dict[str, device_trial.Personal]] = {False: {}, True: {}}
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
            how = {"labelled": OWN, "rate": RATE, "epochs": EPOCHS}
            try:
                for alike, known in met.items():
                    known[f"{n}.{name}"] = device_trial.personalize(
                        graph, person, alike=alike, **how
                    )
            except EdgekitError as error:
                print(f"      {name} left out: {error}")
    for alike, known in met.items():
        way = "each class as often" if alike else "as they come"
        print(
            f"      later windows of {len(known)} held-out clients, int8, balanced accuracy, {s.data}; {way}:"
        )
        worse = sum(p.after < p.before for p in known.values())
        shown = device_trial.table(known).round(3).to_string().replace("\n", "\n      ")
        print(f"      {shown}\n      worse for {worse}", flush=True)
        later = {name: p for name, p in known.items() if not name.startswith("0.")}
        if later:  # that classes are taught alike was decided after a look at the first
            mean, low, high = (100 * v for v in device_trial.gain(later))
            print(f"      gain in the later folds: {mean:+.1f} ({low:+.1f} to {high:+.1f}) points")


def _poisoned(bars: Bars, s: Study, plan: Plan, clean: Row) -> None:
    """One of a fold's clients lies, in each way there is. GUARD is judged, other defences are reported."""
    bad, of = replace(plan, poisoned=1), len(s.folds[0].clients)
    for attack in ATTACKS:
        own = replace(bad, attack=attack)
        for name, how in (("undefended", own), (GUARD, replace(own, strategy=GUARD))):
            row = s.federated(f"one {attack}, {name}", how)
            if row.fooled:
                print(f"      {np.mean(row.fooled):.0%} of signed windows answered as it wants")
            if name == GUARD:
                _near(bars, s, f"one of {of} {attack}, {GUARD}, below clean", clean, row, 3.0)
    for name in ("FedTrimmedAvg", "FedMedian", "Bulyan"):
        row = s.federated(f"one {bad.attack}, {name}", replace(bad, strategy=name))
        print(f"      below clean: {s.points(clean, row)[1]}")


def _near(bars: Bars, s: Study, what: str, above: Row, row: Row, goal: float) -> None:
    points, figure = s.points(above, row)
    bars.add(f"{s.name}: {what}", f"<= {goal:g}", figure, points <= goal)
