"""A run of `activity` that has been through all chapters that exercises read, on simulated people.

What the chapters would write is made by the library itself, without the hundred seconds that they take to
show it all; files that no exercise reads are empty.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import edgekit as ek
from edgekit import agent, data, learn, packages
from edgekit.monitor import confidence
from edgekit.pipeline import records
from edgekit.pipeline.run import Run

EMPTY = ("teacher.h5", "ledger.json", "firmware.zip", "tflm.zip", "update.bin")


def finished_run(directory: Path, seed: int = 0) -> Path:
    """Chapters 00 to 06 of `activity`, offline, sealed in `directory`."""
    for step in (_collect, _train, _compress, _export, _sign):
        step(directory, seed)
    return directory


def _open(directory: Path, step: str, seed: int) -> Run:
    return ek.open_run(step, "activity", run_dir=str(directory), seed=seed, offline=True)


def _seal(run: Run) -> None:
    for name in set(run.writes) & {*EMPTY}:
        run.path(name).write_bytes(b"")
    run.evaluates = None  # nothing is judged here
    run.gate({})


def _collect(directory: Path, seed: int) -> None:
    run = _open(directory, "01_collect", seed)
    case = run.usecase
    for world in ("field", "lab"):
        recorded = case.recordings(world, "quick", offline=True, seed=seed)
        run.record_origin(recorded)
        run.save(f"{world}.npz", case.windows([case.prepare(r) for r in recorded], "quick"))
    run.save("split.json", case.split(run.load("field.npz"), seed=seed))
    _seal(run)


def _train(directory: Path, seed: int) -> None:
    run = _open(directory, "03_train", seed)
    case, field, split = run.usecase, run.load("field.npz"), run.load("split.json")
    train, width = field[split.train], case.WIDTHS["student"]
    student = case.student(case.features(train.X[:1]).shape[1:], len(field.classes), width, seed)
    learn.fit(student, train, case.features, seed=seed, **case.FIT["quick"]["student"])
    with run.writing("student.h5") as path:
        learn.models.save(student, path)
    both = {
        part: _score(student, case, field[getattr(split, part)], seed) for part in ("val", "test")
    }
    scores = {f"{who}_{part}": s for who in ("teacher", "student") for part, s in both.items()}
    run.save("scores.json", records.TrainingScores(width, width, (), (), **scores))
    _seal(run)


def _score(model, case, part, seed):
    predicted = learn.models.predict_classes(model, case.features, part.X)
    return learn.score(part.y, predicted, part.classes, part.group, seed=seed)


def _compress(directory: Path, seed: int) -> None:
    run = _open(directory, "04_compress", seed)
    case, field, split = run.usecase, run.load("field.npz"), run.load("split.json")
    student, train = learn.models.load(run.file("student.h5")), field[split.train]
    model = learn.strip_metadata(ek.quantize(student, case.features(train.X)))
    run.save("model.tflite", model)
    inputs = learn.int8_inputs(model, case.features(data.subsample(field, 200).X))
    outputs, runtime = learn.predict_int8(model, inputs)
    run.save("golden.npz", records.GoldenPairs(inputs, outputs))
    scores = run.load("scores.json").student_test
    gate = confidence.ConfidenceGate(1.0, 0.9, float(learn.quantization(model)["output_scale"]))
    card = records.ModelCard("student int8", field.classes, "features", runtime, scores,
                             scores.balanced_accuracy, 0.0, gate)  # fmt: skip
    run.save("model.json", card)
    _seal(run)


def _export(directory: Path, seed: int) -> None:
    run = _open(directory, "05_export", seed)
    updates = run.design.updates
    release = packages.Release(
        run.load("model.tflite"), run.usecase.features, run.usecase.SENSITIVITY, "activity",
        run.design.board.key, **updates,
    )  # fmt: skip
    signer = packages.run_key(run.directory, updates["signature"])
    run.save("device.zip", agent.firmware(release, [signer.public]))
    _seal(run)


def _sign(directory: Path, seed: int) -> None:
    run = _open(directory, "06_ota", seed)
    firmware = run.load("device.zip").with_features(run.usecase.features)
    signer = packages.run_key(run.directory, run.design.updates["signature"])
    run.save("package.bin", packages.sign_package(firmware.release.unsigned(1), signer))
    _seal(run)


if __name__ == "__main__":  # to look at
    import sys
    import time

    began = time.monotonic()
    np.seterr(all="ignore")
    print(finished_run(Path(sys.argv[1])), f"{time.monotonic() - began:.0f} s")
