"""Bars of `ecg`: the deployed int8 recipe on every beat of patients that it has never heard.

Six folds by patient over DS1 of the MIT-BIH database (`EDGEKIT_MITBIH`, or what `edgekit data get mitbih`
fetched), int8 answers by TFLM; then with the beats found by the kit's own detector; and, where patients of
DS2 are in the folder, trained on DS1 and tested on them. Some 15 minutes.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.bars import Bars
from edgekit import data, datasets, emulate, export, learn, signal, usecases
from edgekit.core.workspace import Workspace

FOLDS, SEED = 6, 0
TOLERANCE = 19  # samples, 150 ms at 125 Hz (EC57)


def bars(bars: Bars) -> None:
    """Every bar of the use case; without the database, only that it is missing."""
    case = usecases.load("ecg", Workspace.find().folder)
    folder = datasets.mitbih.folder()
    if folder is None:
        bars.add(
            "ecg: MIT-BIH is on this machine", "yes", f"no ({datasets.mitbih.VARIABLE})", False
        )
        return
    everybody = datasets.mitbih.load(folder)
    print(datasets.mitbih.table(everybody).to_string())
    patients = {r.name: case.prepare(r) for r in everybody}
    ours = {n: r for n, r in patients.items() if n in datasets.mitbih.DS1}
    detector(bars, ours.values())
    beats = case.windows(list(ours.values()), "full")
    thinned = beats[case.training_rows(beats)]
    print(f"training windows: {_counts(case, np.bincount(thinned.y), counted=True)}")
    answers, models = {}, []
    for fold in case.folds(beats, FOLDS, SEED):
        models.append(recipe(case, beats[fold.train]))
        for name in fold.groups["test"]:
            answers[name] = predict(case, models[-1], patients[name])
        print(f"fold {len(models)} of {FOLDS}: tested {', '.join(fold.groups['test'])}", flush=True)
    evaluate(bars, case, answers, f"{FOLDS} folds of DS1", ("≥ 0.72", 0.72), ("≥ 0.88", 0.88))
    flash(bars, case, models[0])
    theirs = [n for n in patients if n in datasets.mitbih.DS2]
    if theirs:
        model = recipe(case, thinned)
        answers = {name: predict(case, model, patients[name]) for name in theirs}
        evaluate(bars, case, answers, "DS1 to DS2", ("≥ 0.72", 0.72), ("≥ 0.88", 0.88))


def recipe(case, train) -> bytes:
    """The deployed student: trained, then trained on through the rounding; its int8 `.tflite`."""
    how = {"seed": SEED, "augment": case.augment, **case.FIT["full"]["student"]}
    build = partial(case.student, width=case.WIDTHS["student"], seed=SEED)
    return learn.strip_metadata(
        learn.compress(("qat",), train, case.features, build=build, **how).tflite
    )


def predict(case, model: bytes, recording) -> dict:
    """One patient: classes of the annotated beats, and of those that the detector finds itself."""
    windows = case.windows([recording], "full")
    (peaks,) = signal.r_peaks(recording.samples.T)
    peaks = peaks[(peaks >= case.BEFORE) & (peaks + case.AFTER <= len(recording.samples))]
    X = data.beats.windows_at(recording, peaks, case.BEFORE, case.AFTER)
    annotated, found = (
        learn.predict(model, case.features(x))[0].argmax(axis=1) for x in (windows.X, X)
    )
    truth = [(r, label) for r, _, label in recording.events]
    truth = [
        (r, label) for r, label in truth if case.BEFORE <= r <= len(recording.samples) - case.AFTER
    ]
    at = np.array([r for r, _ in truth])
    pairs = data.beats.match(at, peaks, TOLERANCE)
    return {
        "y": windows.y,
        "predicted": annotated,
        "truth": np.array([label for _, label in truth]),
        "found": np.where(pairs < 0, -1, found[pairs]),
        "invented": found[np.setdiff1d(np.arange(len(peaks)), pairs)],
    }


def evaluate(bars: Bars, case, answers: dict, what: str, f1_goal, v_goal) -> None:
    """Pooled over the patients: by annotated beats (the bars), then end to end."""
    y, predicted = (np.concatenate([a[k] for a in answers.values()]) for k in ("y", "predicted"))
    group = np.repeat(list(answers), [len(a["y"]) for a in answers.values()])
    scores = learn.score(y, predicted, case.CLASSES, group)
    print(f"{what}, {len(y):,} beats of {len(answers)} patients; rows: truth, columns: predicted")
    for c, row in zip(case.CLASSES, scores.confusion, strict=True):
        print(f"  {c}  {row}  recall {scores.recall[c]:.3f}  precision {scores.precision[c]:.3f}")
    f1, v = scores.macro_f1, scores.recall["V"]
    bars.add(
        f"ecg, {what}: macro F1 of N, S, V, int8 by TFLM", f1_goal[0], f"{f1:.3f}", f1 >= f1_goal[1]
    )
    bars.add(f"ecg, {what}: sensitivity to V", v_goal[0], f"{v:.3f}", v >= v_goal[1])
    end_to_end(case, answers, what)


def end_to_end(case, answers: dict, what: str) -> None:
    """The same where the device finds the beats itself; what it misses or invents counts."""
    truth, found = (np.concatenate([a[k] for a in answers.values()]) for k in ("truth", "found"))
    invented = np.bincount(np.concatenate([a["invented"] for a in answers.values()]), minlength=3)
    f1 = []
    for c, name in enumerate(case.CLASSES):
        hit = int(((truth == name) & (found == c)).sum())
        called = int(((found == c) & np.isin(truth, case.CLASSES)).sum() + invented[c])
        f1.append(2 * hit / max(1, called + int((truth == name).sum())))
        print(
            f"  {name} found by the detector and classed: sensitivity {hit / (truth == name).sum():.3f}"
        )
    for name in ("F", "Q"):
        print(
            f"  {name}: {(truth == name).sum()} beats, called {_counts(case, found[truth == name])}"
        )
    print(f"  invented beats, called {_counts(case, invented, counted=True)}")
    print(f"  {what}, end to end: macro F1 {np.mean(f1):.3f} (measured, int8 by TFLM)")


def _counts(case, classes, counted: bool = False) -> dict:
    counts = classes if counted else np.bincount(classes[classes >= 0], minlength=len(case.CLASSES))
    return dict(zip(case.CLASSES, counts.tolist(), strict=True))


def detector(bars: Bars, recordings) -> None:
    """R peaks of every patient, 150 ms, flutter left out, after the two seconds of learning."""
    rows = [
        data.beats.detection_counts(r, signal.r_peaks(r.samples.T)[0], TOLERANCE)
        for r in recordings
    ]
    hits, missed, invented = np.sum(rows, axis=0)
    sensitivity, ppv = hits / (hits + missed), hits / (hits + invented)
    bars.add(
        "ecg: sensitivity of the R-peak detector, DS1",
        "≥ 0.99",
        f"{sensitivity:.4f}",
        sensitivity >= 0.99,
    )
    bars.add("ecg: positive predictivity of the detector", "≥ 0.99", f"{ppv:.4f}", ppv >= 0.99)


def flash(bars: Bars, case, model: bytes) -> None:
    """The whole application: detector, features, network."""
    source = export.generate(export.read(model), name="ecg")
    app = emulate.build(source, features=case.features, sensitivity=case.SENSITIVITY)
    size = int(app.flash.value)
    bars.add("ecg: flash of the application, bytes", "≤ 65,536", f"{size:,}", size <= 65_536)
    profile = emulate.profile(app, np.zeros((1, case.WINDOW, 1), np.float32))
    print(f"  {profile.instructions} for a silent window; RAM {app.ram}, stack {profile.stack}")
