"""Bars of `activity`: the deployed int8 recipe on ten people, each of whom it has never heard.

Ten folds, one person each: training, quantization and calibration hear the right wrists of the nine others;
the answers are TFLM's. Some four minutes. The last row puts the watch on the other wrist: the model, as it
is, on windows of the left wrist of the person left out, reflected by three minus signs.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.bars import Bars
from edgekit import learn, simulators, usecases
from edgekit.core.workspace import Workspace

SEED = 0


def bars(bars: Bars, smoke: bool = False) -> None:
    """Leave-subject-out accuracy, the worst person, bytes, and the other wrist; smoke: of one person."""
    case = usecases.load("activity", Workspace.find().folder)
    right, left = (
        case.windows([case.prepare(r) for r in case.recordings(domain, "full")], "full")
        for domain in ("field", "lab")
    )
    predicted, other = np.full(len(right), -1), np.full(len(left), -1)
    people = sorted(set(right.group))
    folds = case.folds(right, len(people), SEED)
    for fold in folds[:1] if smoke else folds:
        train = right[fold.train]
        (person,) = fold.groups["test"]
        assert person not in set(train.group)
        model = recipe(case, train)
        predicted[fold.test] = predict(case, model, right.X[fold.test])
        rows = np.flatnonzero(left.group == person)
        other[rows] = predict(case, model, left.X[rows] * simulators.wrists.MIRROR)
    asked = predicted >= 0
    for person in sorted(set(right.group[asked])):
        hers = right.group == person
        print(
            f"  {person}: {(predicted == right.y)[hers].mean():.3f} of {hers.sum()} windows (measured)"
        )
    y, answers, group = right.y[asked], predicted[asked], right.group[asked]
    scores = learn.score(y, answers, case.CLASSES, group)
    for c, recall in scores.recall.items():
        print(f"  {c}: recall {recall:.3f}, precision {scores.precision[c]:.3f} (measured)")
    accuracy = float((answers == y).mean())
    who = "one person" if smoke else "ten people"
    what = f"activity: leave-subject-out accuracy, {who}, int8 by TFLM"
    bars.add(what, "≥ 0.85", f"{accuracy:.3f}", accuracy >= 0.85)
    balanced = scores.balanced_accuracy
    shown = f"{balanced:.3f} ({learn.interval(scores)})"
    bars.add("activity: the same, balanced, with its interval", "≥ 0.85", shown, balanced >= 0.85)
    mirrored = float((other == left.y)[other >= 0].mean())
    print(f"  left wrist of the person left out, reflected: {mirrored:.3f} (measured)")
    bars.add(
        "activity: bytes of the deployed file", "≤ 8,192", f"{len(model):,}", len(model) <= 8192
    )


def recipe(case, train) -> bytes:
    """The student, trained, then rounded to int8 on its training windows; its slim `.tflite`."""
    how = {"seed": SEED, "augment": case.augment, **case.FIT["full"]["student"]}
    build = partial(case.student, width=case.WIDTHS["student"], seed=SEED)
    return learn.strip_metadata(learn.compress((), train, case.features, build=build, **how).tflite)


def predict(case, model: bytes, X: np.ndarray) -> np.ndarray:
    return learn.predict(model, case.features(X))[0].argmax(axis=1)
