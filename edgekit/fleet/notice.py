"""Notice: a week of every device that is reached, and whether its world has changed.

What a gateway decides by is what came up: each device's sketch, and whether random windows that were labelled
had been answered rightly.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select, update

from edgekit import rollout
from edgekit.cloud.tables import device_weeks, devices, rollout_devices, steps
from edgekit.fleet.device_tier import DeviceWeek, observe
from edgekit.fleet.loop import Loop, fleet, keep, release_row, states
from edgekit.fleet.program import START, WEEK
from edgekit.labels.choose import RANDOM
from edgekit.labels.queue import Sample
from edgekit.monitor.drift import Adwin, Detection, WeeklyKS
from edgekit.monitor.sketch import ONE, Phases, Sketch
from edgekit.telemetry.event import Event, Kind

GAVE_UP = "three boots without a verdict: it has the release before"


def notice(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """The rows of the week; all answers go into objects, for who chooses what is labelled."""
    there = states(connection)
    reached = [d for d in fleet(connection, loop) if week not in d.offline]
    gateway = gateway_key(connection)
    found = loop.everywhere(observe, {d.name: (there[d.name], week, gateway) for d in reached})
    energy = {n: window_mj(connection, n) for n in {w.state.release for w in found.values()}}
    phases = loop.site.sketch_plan().phases
    rows, drifted = [], []
    for device in reached:
        seen: DeviceWeek = found[device.name]
        release, now = seen.state.release, START + week * WEEK
        event = Event(device.name, 1, week + 1, Kind.SKETCH, release, now, seen.sketch)
        sent = event.encode(named=False)
        distance, verdict = judge_sketch(sent, device.name, phases)
        drifted += [device.name] if verdict.drifted else []
        rows.append({
            "device": device.name, "week": week, "release": release, "cohort": device.cohort,
            "windows": seen.windows, "judged": seen.judged, "right": seen.right, "distance": distance,
            "drifted": verdict.drifted, "alarm_rate": seen.alarm_rate, "agreement": seen.agreement,
            "bytes_up": len(sent), "bytes_down": 0, "emulated": seen.emulated,
            "energy_mj": seen.windows * energy[release],
        })  # fmt: skip
        keep(connection, seen.state)
        if release < there[device.name].release:
            _gave_up(connection, device.name, week)
        connection.execute(
            update(devices).where(devices.c.name == device.name)
            .values(last_seen=float(now), release=release)
        )  # fmt: skip
    if rows:
        connection.execute(insert(device_weeks), rows)
    return {
        "answers": {n: loop.objects.put(_answers(w), n) for n, w in found.items()},
        "reached": len(rows),
        "drifted": sorted(drifted),
        "errors_rose": errors_rose(loop.queue(connection).all(), loop.old.classes, week),
    }


def _gave_up(connection: Connection, device: str, week: int) -> None:
    """It lost the release that it had on trial: three restarts without a verdict end in the one before."""
    t = rollout_devices.c
    trial = select(t.rollout).where(t.device == device, t.state == "trial")
    number = connection.execute(trial).scalar_one()
    rollout.report(connection, number, device, week, "reverted", GAVE_UP)


def judge_sketch(sent: bytes, device: str, phases: Phases) -> tuple[float, Detection]:
    """A device's week by its event: the distance to its first weeks, 0 to 1, and whether that is drift.

    Raises EdgekitError for bytes that are no event, or hold no sketch of these `phases`.
    """
    sketch = Sketch.decode(Event.decode(sent, device).body, phases)
    return sketch.ks() / ONE, WeeklyKS().judge(sketch)


def errors_rose(found: Iterable[Sample], classes: Sequence[str], week: int) -> bool:
    """Whether ADWIN says, by the labels of the week before `week`, that the fleet errs more often than it
    did: a drift that no sketch sees shows there, late, for random labels are few. Of a week with one to three
    the windows of who errs may count more than they should: then none of the others was drawn."""
    random = [s for s in found if s.reason == RANDOM and s.week < week]
    labels, heaviest = [s for s in random if s.label is not None], dict[int, float]()
    for s in random:
        heaviest[s.week] = max(heaviest.get(s.week, 0.0), s.weight)
    adwin, rose = Adwin(), False
    for s in sorted(labels, key=lambda s: (s.week, s.id)):
        # who errs is asked more often; of such windows as many go as make all windows equally likely again
        if np.random.default_rng(s.id).random() * heaviest[s.week] > s.weight:
            continue
        before = adwin.mean
        verdict = adwin.update([float(classes[s.predicted] != s.label)])
        rose |= verdict.drifted and adwin.mean > before and s.week == week - 1
    return rose


def window_mj(connection: Connection, number: int) -> float:
    """Energy of one window by release `number`; of an old model under a new number, what it always took."""
    report = release_row(connection, number)["report"]
    return (
        report["window_mj"]
        if "window_mj" in report
        else window_mj(connection, report["content_of"])
    )


def _answers(seen: DeviceWeek) -> bytes:
    out = io.BytesIO()
    columns = ("predicted", "confidence", "novelty")
    np.savez_compressed(out, **{c: getattr(seen, c) for c in columns})
    return out.getvalue()


def answers(loop: Loop, keys: Mapping[str, str]) -> dict[str, dict[str, np.ndarray]]:
    """device -> predicted, confidence and novelty (n,) of its windows of the week, whose `keys` are these."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, key in keys.items():
        with np.load(io.BytesIO(loop.objects.get(key)), allow_pickle=False) as f:
            found[name] = dict(f)
    return found


def result_of(connection: Connection, week: int, step: str) -> dict[str, Any]:
    """What a finished step left behind; {} if it is not finished."""
    t = steps.c
    return connection.scalar(select(t.result).where(t.week == week, t.name == step)) or {}


def gateway_key(connection: Connection) -> str:
    """Of the newest set that the gateway's model is fitted to."""
    found = connection.execute(
        select(steps.c.result)
        .where(steps.c.name.in_(("provision", "retrain")))
        .order_by(steps.c.week.desc())
    )
    return next((r.result["gateway"] for r in found if r.result.get("gateway")), "")
