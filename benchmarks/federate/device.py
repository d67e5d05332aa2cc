"""Training on the device itself: what a step costs each use case's network, and whether it helps a person.

The networks are the deployed students with weights as they begin: what they execute depends on their shape
alone. What a core learns is compared with Python's, bit for bit, or there is no figure. The people
are those of `activity`, each left out of training once; rate and epochs are those that suit the others best.
"""

from __future__ import annotations

import numpy as np

from benchmarks.bars import SOURCES, Bars
from benchmarks.usecases.activity import SEED, recipe
from edgekit import export, learn, usecases
from edgekit.design import load
from edgekit.emulate import core_for
from edgekit.emulate.parity import run_host
from edgekit.federate.device_cost import training_cost
from edgekit.federate.device_network import DeviceNetwork, feature_clients
from edgekit.federate.device_trial import Person, Personal, chosen_by_others, gain, personalize
from edgekit.federate.plan import Plan
from edgekit.federate.trial import federation
from edgekit.learn.scores import balanced_accuracy

NAMES = ("activity", "bearing", "ecg", "people", "weeds")
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33", "rv32imc")  # beside the bars' M4
RATE, EPOCHS, LABELLED = 0.03, 20, 3  # windows of each exercise: eight seconds
WAYS = ((0.01, 20), (0.03, 20), (0.03, 60))  # rate and epochs, of which others choose
FEW = (0, 1, 2)  # exercises, where a person labels no others
COUNTED = 6  # windows a core learns from
ROUNDS, EVERY = (
    Plan(rounds=5, epochs=2, rate=RATE, scaled=False, balance=0.0),
    9,
)  # one client's on a core


def bars(bars: Bars, smoke: bool = False) -> None:
    """Add all bars of training on a device. smoke: of one use case, on simulated people, one training."""
    for name in NAMES[:1] if smoke else NAMES:
        _cost(bars, name)
    _people(bars, smoke)


def _cost(bars: Bars, name: str) -> None:
    case = usecases.load(name, SOURCES)
    recordings = case.recordings("lab", "quick", offline=True, seed=SEED)
    windows = case.windows([case.prepare(r) for r in recordings], "quick")
    rows = np.random.default_rng(SEED).permutation(len(windows))[:100]
    F = case.features(windows.X[rows])
    model = case.student(F.shape[1:], len(case.CLASSES), case.WIDTHS["student"], SEED)
    tflite = learn.quantize(model, F)
    graph = export.read(tflite)
    some = learn.int8_inputs(tflite, F[:COUNTED]), windows.y[rows[:COUNTED]]
    cost = training_cost(graph, *some, RATE)
    share, what = cost.ratio.value, f"{name}: a step with its inference, Cortex-M4"
    figure = f"{share:.2f} ({cost.step} behind {cost.inference}, {cost.step.provenance})"
    bars.add(what, "<= 10 inferences", figure, share <= 10)
    figure = f"{cost.ram}, {cost.ram.provenance}; code {cost.code}, {cost.code.provenance}"
    bars.add(
        f"{name}: RAM of training, stack included", "<= 4,096 B", figure, cost.ram.value <= 4096
    )
    board = load(case.folder / "design.toml").board
    labelled = LABELLED * len(case.CLASSES)
    own = training_cost(graph, *some, RATE, core_for(board))
    energy = "energy unknown: nobody published its active power"
    if board.active_power_mw:
        found = own.round_energy(board, labelled, EPOCHS)
        energy = f"{found} ({found.provenance})"
    kept = cost.window.value * labelled
    print(
        f"      a round of {labelled} windows, {EPOCHS} epochs, {board.name}: {energy}; sends {cost.update}, "
        f"keeps {kept:,} B of windows meanwhile"
    )
    for cpu in CORES if name == NAMES[0] else ():
        other = training_cost(graph, *some, RATE, cpu)
        print(
            f"      {cpu}: the same bits; {other.ratio.value:.2f} inferences, {other.ram}, code {other.code}"
        )


def _people(bars: Bars, smoke: bool) -> None:
    """Each person of `activity` with a network that never met them, on either wrist."""
    case = usecases.load("activity", SOURCES)
    profile = "quick" if smoke else "full"
    right, left = (
        case.windows([case.prepare(r) for r in case.recordings(d, profile, offline=smoke)], profile)
        for d in ("field", "lab")
    )
    folds = case.folds(right, 2 if smoke else len(set(right.group)), SEED)
    ways = {
        f"{LABELLED} windows an exercise": {},
        "one window an exercise": {"labelled": 1},
        f"labels of {len(FEW)} exercises of {len(case.CLASSES)} only": {"only": FEW},
        "watch on the other wrist": {},
    }
    tried_ways = WAYS[:2] if smoke else WAYS
    if smoke:
        ways = {way: how for way, how in ways.items() if not how}
    found: dict[str, dict] = {way: {how: {} for how in tried_ways} for way in ways}
    mended: dict[str, Personal] = {}
    for fold in folds[:1] if smoke else folds:
        model = recipe(case, right[fold.train])
        graph = export.read(model)
        mended |= _other_wrist(case, graph, model, left, fold.groups["test"])
        for person in fold.groups["test"]:
            for way, how in ways.items():
                windows = left if "other wrist" in way else right
                hers = windows[np.flatnonzero(windows.group == person)]
                inputs = learn.int8_inputs(model, case.features(hers.X))
                met = Person(inputs, hers.y, hers.recording)
                for rate, epochs in tried_ways:
                    given = {"labelled": LABELLED, "rate": rate, "epochs": epochs, **how}
                    found[way][rate, epochs][person] = personalize(graph, met, **given)
    data = "simulated" if right.simulated.any() else "real"
    mean, low, high = (100 * v for v in gain(mended))
    before, after = (np.mean([getattr(p, k) for p in mended.values()]) for k in ("before", "after"))
    print(
        f"      watch on the other wrist, last layer federated by the others: {before:.3f} -> {after:.3f}, "
        f"{mean:+.1f} ({low:+.1f} to {high:+.1f}) points for who labelled nothing (measured, {data})"
    )
    for way, tried in found.items():
        people = chosen_by_others(tried)
        mean, low, high = (100 * v for v in gain(people))
        before, after = (
            np.mean([getattr(p, k) for p in people.values()]) for k in ("before", "after")
        )
        worse = sum(p.after < p.before for p in people.values())
        figure = f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
        print(
            f"      {way}: {before:.3f} -> {after:.3f}, {figure} points, worse for {worse} of {len(people)} "
            f"(measured, {data})"
        )
        if way.startswith(str(LABELLED)):
            what = f"activity: points gained, {way}, lower bound"
            bars.add(what, ">= 0", f"{figure}, {len(people)} people, {data}", low >= 0)


def _other_wrist(case, graph, model, left, held_out) -> dict[str, Personal]:
    """All wear the watch on the other wrist; the last layer is federated between those who trained, on their
    devices, and judged on `held_out`, who label nothing."""
    inputs = learn.int8_inputs(model, case.features(left.X))
    asked = np.isin(left.group, list(held_out))
    clients = feature_clients(graph, left[~asked], inputs[~asked])
    own = DeviceNetwork(graph, RATE, EVERY)
    found, _ = federation(own, clients, len(left.classes), ROUNDS)
    assert not found.refused
    assert own.on_core > 0
    new, told = own.graph_of(found.arrays), {}
    for person in held_out:
        hers = left.group == person
        before, after = (_accuracy(g, inputs[hers], left.y[hers]) for g in (graph, new))
        told[str(person)] = Personal(0, before, after)
    return told


def _accuracy(graph, inputs, y) -> float:
    scores = run_host(export.generate(graph, "model", slot=True), inputs).outputs
    return balanced_accuracy(y, np.asarray(scores).argmax(axis=1))
