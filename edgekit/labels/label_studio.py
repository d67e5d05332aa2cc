"""The label queue as Label Studio reads and writes it: tasks in JSON, and the configuration of its project.

A task's `data` names the sample (`edgekit_sample`) and holds the window as a time series of JSON values, or a
picture as a data URL. What comes back is a stranger's: bounded, read for samples, names and classes that the
queue knows, and for nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.labels.queue import Queue, Sample, check_annotator

BYTES_MOST = 64 << 20
TASKS_MOST = 10_000
ANNOTATIONS_MOST = 100  # of one task
FROM, TO, KEY = "class", "window", "edgekit_sample"


def configuration(classes: Sequence[str], channels: Sequence[str], picture: bool = False) -> str:
    """The labelling interface of a project, as Label Studio's settings take it. channels: a signal's names,
    in the order in which `tasks` writes them."""
    lines = ["<View>"]
    if picture:
        lines.append(f'  <Image name="{TO}" value="$picture"/>')
    else:
        head = f'name="{TO}" value="$signal" valueType="json" timeColumn="time"'
        lines.append(f"  <TimeSeries {head}>")
        lines += [
            f'    <Channel column="c{i}" legend={quoteattr(name)}/>'
            for i, name in enumerate(channels)
        ]
        lines.append("  </TimeSeries>")
    lines.append(f'  <Choices name="{FROM}" toName="{TO}" choice="single">')
    lines += [f"    <Choice value={quoteattr(name)}/>" for name in classes]
    return "\n".join([*lines, "  </Choices>", "</View>", ""])


def tasks(
    found: Iterable[Sample], queue: Queue, window: Callable[[Sample], np.ndarray], rate: float
) -> list[dict[str, Any]]:
    """A task for each sample, with the network's answer as its prediction and what was said so far.

    window: the samples of one, (time, channel) at `rate` Hz, or a picture (height, width, 1) of grey values.
    """
    made = []
    for s in found:
        data = {KEY: s.id, "device": s.device, "week": s.week, "reason": s.reason}
        data |= _shown(window(s), rate)
        guess: dict[str, Any] = {
            "model_version": "device",
            "result": _result(queue.classes[s.predicted]),
        }
        if s.confidence is not None:
            guess["score"] = s.confidence
        said = [
            {"completed_by": {"email": name}, "result": _result(label), "was_cancelled": False}
            for name, label in sorted(s.said.items())
        ]
        made.append({"data": data, "predictions": [guess], "annotations": said})
    return made


def _result(label: str) -> list[dict[str, Any]]:
    value = {"choices": [label]}
    return [{"from_name": FROM, "to_name": TO, "type": "choices", "value": value}]


def _shown(window: np.ndarray, rate: float) -> dict[str, Any]:
    if window.ndim == 3:
        grey = np.clip(np.rint(window[..., 0]), 0, 255).astype(np.uint8)
        return {"picture": "data:image/png;base64," + base64.b64encode(_png(grey)).decode()}
    time = np.round(np.arange(len(window)) / rate, 6)
    columns = {f"c{i}": np.round(column.astype(float), 6) for i, column in enumerate(window.T)}
    return {"signal": {name: v.tolist() for name, v in {"time": time, **columns}.items()}}


def _png(grey: np.ndarray) -> bytes:
    import io

    from matplotlib import image

    out = io.BytesIO()
    image.imsave(out, grey, cmap="gray", vmin=0, vmax=255, format="png")
    return out.getvalue()


@dataclass(frozen=True)
class Given:
    """What an annotator said of a sample."""

    sample: int
    annotator: str
    label: str


@dataclass(frozen=True)
class Imported:
    """What a file brought: its labels, and how many annotations were cancelled or empty."""

    given: tuple[Given, ...]
    skipped: int


def read(data: bytes, classes: Sequence[str], annotator: str = "") -> Imported:
    """The labels in a file that Label Studio exported as JSON.

    annotator: who said it where the file names nobody, or a number. Raises EdgekitError, in a line, for what
    is no such file or says what it cannot: then nothing of it counts.
    """
    if len(data) > BYTES_MOST:
        raise EdgekitError(f"an import has at most {BYTES_MOST >> 20} MiB, not {len(data) >> 20}")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        why = "too deep" if isinstance(error, RecursionError) else str(error)
        raise EdgekitError(f"no JSON: {why:.120}") from None
    if not isinstance(found, list) or len(found) > TASKS_MOST:
        raise EdgekitError(f"Label Studio exports a list of tasks, at most {TASKS_MOST:,} here")
    given: dict[tuple[int, str], Given] = {}
    skipped = 0
    for number, task in enumerate(found, start=1):
        where = f"task {number}"
        sample = _sample(_dictionary(task, where), where)
        annotations = task.get("annotations", [])
        if not isinstance(annotations, list) or len(annotations) > ANNOTATIONS_MOST:
            raise EdgekitError(f"{where}: annotations are a list of at most {ANNOTATIONS_MOST}")
        for one in annotations:
            label = _label(_dictionary(one, where), classes, where)
            if label is None:
                skipped += 1
                continue
            name = _annotator(one, annotator, where)
            if (sample, name) in given and given[sample, name].label != label:
                raise EdgekitError(f"{where}: {name} says two things of sample {sample}")
            given[sample, name] = Given(sample, name, label)
    return Imported(tuple(given.values()), skipped)


def take(queue: Queue, found: Imported) -> int:
    """Put what was read into the queue; how many labels. Raises EdgekitError for a sample that it lacks: roll
    the transaction back."""
    for one in found.given:
        queue.answer(one.sample, one.annotator, one.label)
    return len(found.given)


def _dictionary(value: Any, where: str) -> dict:
    if not isinstance(value, dict):
        raise EdgekitError(f"{where}: expected an object, found {type(value).__name__}")
    return value


def _sample(task: dict, where: str) -> int:
    sample = _dictionary(task.get("data"), where).get(KEY)
    if not isinstance(sample, int) or isinstance(sample, bool) or not 0 < sample < 1 << 31:
        raise EdgekitError(f"{where}: its data names no {KEY}; import what edgekit exported")
    return sample


def _label(annotation: dict, classes: Sequence[str], where: str) -> str | None:
    """The one choice of an annotation; None where it was cancelled or left empty."""
    result = annotation.get("result")
    if annotation.get("was_cancelled") is True or result == []:
        return None
    if not isinstance(result, list):
        raise EdgekitError(f"{where}: an annotation without a list of results")
    chosen: list[Any] = []
    for part in result[:ANNOTATIONS_MOST]:
        if _dictionary(part, where).get("from_name") == FROM:
            choices = _dictionary(part.get("value"), where).get("choices")
            chosen += choices if isinstance(choices, list) else [choices]
    if len(chosen) != 1 or not isinstance(chosen[0], str) or chosen[0] not in classes:
        raise EdgekitError(
            f"{where}: one of {', '.join(classes)} is what can be said, not {chosen!r:.60}"
        )
    return chosen[0]


def _annotator(annotation: dict, otherwise: str, where: str) -> str:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    if isinstance(who, int) and not isinstance(who, bool):
        who = otherwise or f"user-{who}"
    name = who if isinstance(who, str) and who else otherwise
    try:
        check_annotator(name)
    except EdgekitError as error:
        raise EdgekitError(f"{where}: {error}") from None
    return name
