"""The cascade on people whom neither model has heard: the device decides when it is confident, else the
gateway.

The device's int8 student is TFLM's, its gate the integers that ship; a window that it doubts becomes a
SEGMENT of int16 samples, which the gateway's own code (`LargerModel.opinion`) judges with the teacher. From
which confidence on the device is trusted, people decide who neither trained a model nor are tested.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.fleet.wire import use_case
from edgekit import data, learn
from edgekit.data import Windows
from edgekit.emulate.samples import sensor_samples
from edgekit.gateway.second_opinion import LargerModel
from edgekit.monitor.confidence import ConfidenceGate, fit, floor_beside
from edgekit.telemetry import Event, Kind, Reason, Segment

FOLDS = {
    "activity": 5,
    "ecg": 3,
}  # where real data is, and windows may leave because they are doubted
INNER, SEED = 4, 0  # one of so many parts of the people who are not tested chooses the floor
MOST = 6000  # windows of a validation or a test part: every so many of each person


@dataclass(frozen=True)
class Cascade:
    """Balanced accuracy over `windows` of `groups` people: `device` alone, `gateway` alone, both; `sent`: the
    share that went up; `simulated`: whether any of them is."""

    windows: int
    groups: int
    device: float
    gateway: float
    cascade: float
    sent: float
    simulated: bool


def measure(name: str) -> Cascade:
    """Over folds of whole people."""
    case = use_case(name)
    windows = case.windows([case.prepare(r) for r in case.recordings("field", "full")], "full")
    answers, sent, y, people = [], [], [], set[str]()
    for fold in case.folds(windows, FOLDS[name], SEED):
        test = data.subsample(windows[fold.test], MOST)
        rest = windows[~np.isin(windows.group, test.group)]
        inner = case.folds(rest, INNER, SEED)[0]
        train, val = rest[inner.train], data.subsample(rest[inner.test], MOST)
        if set(test.group) & set(rest.group) or set(val.group) & set(train.group):
            raise RuntimeError(f"{name}: a person is on both sides of a split")
        found, up = _fold(case, train, val, test)
        answers, sent, y = [*answers, found], [*sent, up], [*y, test.y]
        people |= set(test.group)
    truth = np.concatenate(y)
    scores = (learn.balanced_accuracy(truth, column) for column in np.concatenate(answers).T)
    share = float(np.concatenate(sent).mean())
    return Cascade(len(truth), len(people), *scores, share, bool(windows.simulated.any()))


def _fold(case, train: Windows, val: Windows, test: Windows) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) answers of device, gateway and cascade; (n,) bool: sent."""
    student = partial(case.student, width=case.WIDTHS["student"], seed=SEED)
    how = {"seed": SEED, "augment": case.augment}
    fit_small, fit_large = case.FIT["full"]["student"], case.FIT["full"]["teacher"]
    small = learn.compress((), train, case.features, build=student, **how, **fit_small)
    net = case.teacher(case.teacher_input.shape, len(case.CLASSES), case.WIDTHS["teacher"], SEED)
    large = learn.fit(net, train, case.teacher_input, **how, **fit_large)
    q = learn.quantization(small.tflite)

    def device(X: np.ndarray) -> np.ndarray:
        inputs = learn.int8_inputs(small.tflite, case.features(X))
        return learn.predict_int8(small.tflite, inputs)[0]

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.tflite"
        some = data.subsample(train, 300).X
        file.write_bytes(learn.quantize(getattr(large, "model", large), case.teacher_input(some)))
        model = LargerModel(file, case.teacher_input)
        theirs, asked = _opinions(case, model, test.X), _opinions(case, model, val.X)
    logits = (device(val.X).astype(np.float64) - q["output_zero_point"]) * q["output_scale"]
    temperature = fit(logits, val.y)
    floor = floor_beside(logits, val.y, temperature, asked)
    outputs = device(test.X)
    sent = ~ConfidenceGate(temperature, floor, q["output_scale"])(outputs)
    own = outputs.argmax(axis=1)
    return np.stack([own, theirs, np.where(sent, theirs, own)], axis=1), sent


def _opinions(case, model: LargerModel, X: np.ndarray) -> np.ndarray:
    """(n,) classes, each by way of a segment's bytes."""
    found = []
    for n, counts in enumerate(sensor_samples(case.features, case.SENSITIVITY, X)):
        body = Segment(Reason.UNCERTAIN, 0, 0.0, counts.astype("<i2"), case.SENSITIVITY).encode()
        found.append(model.opinion(Event("watch", 1, n, Kind.SEGMENT, body=body))[1].predicted)
    return np.array(found)
