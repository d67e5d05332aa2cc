"""What a gateway concludes of events before they go on: the larger model's opinion of a segment, statistics.

What is concluded is committed together with the mark that it was. After a kill the open events are looked
at again, and each conclusion is there once.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry.event import Event, Kind
from edgekit.telemetry.outbox import EventSource
from edgekit.telemetry.segment import MODEL_BYTES, Opinion, Segment

log = logging.getLogger("edgekit.gateway")

AT_ONCE = 64  # events


class Statistics(Protocol):
    """What is computed over many events, as weekly KS and ADWIN are."""

    def observe(self, event: Event) -> Iterable[bytes]:
        """A new event; the bodies of DRIFT events that it gives rise to. After a kill an event may be
        observed once more, but what it gave rise to is there once."""


class LargerModel:
    """A .tflite or .onnx with one input, which is given a segment's values, and one output (classes).

    `step`: from windows of samples (int16 segments) to its input, a step of `edgekit.signal`; int8 segments
    are the input itself. Raises EdgekitError for a file that is neither, or cannot be run.
    """

    def __init__(self, file: Path, step: Any = None):
        try:
            data = file.read_bytes()
        except OSError as error:
            raise EdgekitError(f"the model {file}: {error.strerror}") from None
        self.digest, self._step = hashlib.sha256(data).digest()[:MODEL_BYTES], step
        makers = {".tflite": _tflite, ".onnx": _onnx}
        if file.suffix not in makers:
            raise EdgekitError(f"the model {file}: there are .tflite and .onnx")
        try:
            self.shape, self._run = makers[file.suffix](data)
        except ImportError as error:
            raise missing("this model needs", error.name, "gateway") from None
        except EdgekitError:
            raise
        except Exception as error:  # each runtime has its own, for a file that is none
            said = (str(error) or type(error).__name__).strip().splitlines()[0]
            raise EdgekitError(f"the model {file} cannot be run: {said:.200}") from None

    def logits(self, segment: Segment) -> np.ndarray:
        """(classes,) of one segment; samples go through the step. Raises EdgekitError for one that does not
        fit."""
        x = segment.values
        try:
            if self._step is not None and segment.data.dtype == np.int16:
                x = np.asarray(self._step(x.reshape(1, len(x), -1)))
        except (ValueError, IndexError):
            x = x[:0]  # not a window that the step takes
        if x.size != int(np.prod(self.shape)):
            shape = segment.data.shape
            raise EdgekitError(f"a segment of {shape} does not fit the model's {self.shape}")
        return np.asarray(
            self._run(x.reshape(1, *self.shape).astype(np.float32)), np.float64
        ).ravel()

    def opinion(self, event: Event) -> tuple[Segment, Opinion]:
        """Of a SEGMENT event. Raises EdgekitError for one that is not what it should be."""
        from edgekit.monitor.confidence import probabilities

        segment = Segment.decode(event.body)
        found = probabilities(self.logits(segment)[None])[0]
        best = int(found.argmax())
        return segment, Opinion(*event.key, self.digest, best, float(found[best]))


def _tflite(data: bytes):
    from edgekit.learn import litert

    q = litert.quantization(data)
    scale, zero = (q["output_scale"] or 1.0), q["output_zero_point"]

    def run(x: np.ndarray) -> np.ndarray:
        return (litert.predict(data, x)[0].astype(np.float32) - zero) * scale

    return tuple(q["input_shape"][1:]), run


def _onnx(data: bytes):
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    given = session.get_inputs()
    if len(given) != 1 or given[0].type != "tensor(float)":
        raise EdgekitError("a model for a gateway has one input, of float32")
    shape = tuple(int(n) for n in given[0].shape[1:])
    return shape, lambda x: session.run(None, {given[0].name: x})[0]


class Judge:
    """Looks at the events that wait in the outbox: `run` until it is stopped, `step` is a few of them."""

    def __init__(
        self, source: EventSource, metrics: Metrics, model: LargerModel | None = None,
        statistics: Statistics | None = None,
    ):  # fmt: skip
        self.source, self.metrics = source, metrics
        self._model, self._statistics = model, statistics

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(0.1)
            except EdgekitError as error:  # of the disk
                log.error("%s", error)
                stop.wait(5.0)

    def step(self) -> int:
        """How many events were looked at."""
        outbox, own, looked = self.source.outbox, [], []
        for event in outbox.waiting(AT_ONCE):
            own += self._conclude(event)
            looked.append(event.key)
        if looked:
            outbox.put(*own, settled=looked)
        return len(looked)

    def _conclude(self, event: Event) -> list[Event]:
        made, now = [], int(time.time())
        if self._model and event.kind is Kind.SEGMENT:
            try:
                segment, opinion = self._model.opinion(event)
            except EdgekitError as error:
                self.metrics.failures.labels("segment").inc()
                log.warning("%s %d/%d: %s", *event.key, error)
            else:
                agrees = segment.predicted == opinion.predicted
                self.metrics.opinions.labels(str(agrees).lower()).inc()
                made.append(self.source.make(Kind.OPINION, opinion.encode(), time=now))
        if self._statistics:
            for body in self._statistics.observe(event):
                self.metrics.findings.inc()
                made.append(self.source.make(Kind.DRIFT, body, time=now))
        return made
