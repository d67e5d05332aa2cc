"""The cascade on people whom neither model has heard: the device decides when it is confident, else the
gateway.

The device's int8 student is TFLM's, its gate the integers that ship; a window that it doubts becomes a
SEGMENT of int16 samples, which the gateway's own code (`LargerModel.opinion`) judges with the teacher.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.fleet.wire import use_case
from edgekit import learn
from edgekit.gateway.second_opinion import LargerModel
from edgekit.monitor.confidence import ConfidenceGate, choose_floor, fit
from edgekit.telemetry import Event, Kind, Reason, Segment

NAME, SEED, FOLDS = "activity", 0, 3


@dataclass(frozen=True)
class Cascade:
    """Shares of `windows` that are right: `device` alone, `gateway` alone, both; `sent`: that went up."""

    windows: int
    people: int
    device: float
    gateway: float
    cascade: float
    sent: float


def measure(smoke: bool = False) -> Cascade:
    """Over FOLDS folds of whole people; smoke: one."""
    case = use_case(NAME)
    windows = case.windows([case.prepare(r) for r in case.recordings("field", "full")], "full")
    rows = []
    for fold in case.folds(windows, FOLDS, SEED)[: 1 if smoke else None]:
        train, val, test = (windows[part] for part in (fold.train, fold.val, fold.test))
        assert not set(test.group) & (set(train.group) | set(val.group))
        rows.append(_fold(case, train, val, test, "quick" if smoke else "full"))
    right = np.concatenate([r for r, _ in rows])
    sent = np.concatenate([s for _, s in rows])
    device, gateway, cascade = right.mean(axis=0)
    people = len(set(windows.group)) if not smoke else len(set(test.group))
    return Cascade(len(right), people, device, gateway, cascade, float(sent.mean()))


def _fold(case, train, val, test, profile: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) bool: device, gateway and cascade right; (n,) bool: sent."""
    student = partial(case.student, width=case.WIDTHS["student"], seed=SEED)
    how = {"seed": SEED, "augment": case.augment}
    small = learn.compress(
        (), train, case.features, build=student, **how, **case.FIT[profile]["student"]
    )
    net = case.teacher(case.teacher_input.shape, len(case.CLASSES), case.WIDTHS["teacher"], SEED)
    large = learn.fit(net, train, case.teacher_input, **how, **case.FIT[profile]["teacher"])
    q = learn.quantization(small.tflite)

    def device(X):
        outputs = learn.predict_int8(
            small.tflite, learn.int8_inputs(small.tflite, case.features(X))
        )[0]
        return outputs, (outputs.astype(np.float64) - q["output_zero_point"]) * q["output_scale"]

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.tflite"
        file.write_bytes(
            learn.quantize(getattr(large, "model", large), case.teacher_input(train.X[:300]))
        )
        model = LargerModel(file, case.teacher_input)
        wanted = (_opinions(case, model, val.X) == val.y).mean()
        _, logits = device(val.X)
        temperature = fit(logits, val.y)
        gate = ConfidenceGate(
            temperature,
            choose_floor(logits, val.y, temperature, min(wanted + 0.01, 1.0)),
            q["output_scale"],
        )
        outputs, _ = device(test.X)
        own, sent = outputs.argmax(axis=1), ~gate(outputs)
        theirs = _opinions(case, model, test.X)
    both = np.where(sent, theirs, own)
    return np.stack([own, theirs, both], axis=1) == test.y[:, None], sent


def _opinions(case, model: LargerModel, X: np.ndarray) -> np.ndarray:
    """(n,) classes, each by way of a segment's bytes."""
    found = []
    for n, window in enumerate(X):
        counts = np.clip(np.round(window / case.SENSITIVITY), -32768, 32767).astype("<i2")
        body = Segment(Reason.UNCERTAIN, 0, 0.0, counts, case.SENSITIVITY).encode()
        found.append(model.opinion(Event("watch", 1, n, Kind.SEGMENT, body=body))[1].predicted)
    return np.array(found)
