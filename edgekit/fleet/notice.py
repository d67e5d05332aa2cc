"""Notice: a week of every device that is reached, and whether its world has changed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select, update

from edgekit.cloud.tables import device_weeks, devices, steps
from edgekit.fleet.device_tier import DeviceWeek, observe
from edgekit.fleet.loop import Loop, keep, release_row, states
from edgekit.fleet.program import START, WEEK
from edgekit.telemetry.event import Event, Kind

SKETCH_BYTES = 64  # a device's weekly sketch, at most


def notice(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """The rows of the week; all answers go into an object, for who chooses what is labelled."""
    there = states(connection)
    reached = [d for d in loop.world.devices if week not in d.offline]
    gateway = gateway_key(connection)
    found = loop.everywhere(observe, {d.name: (there[d.name], week, gateway) for d in reached})
    energy = {n: window_mj(connection, n) for n in {s.release for s in there.values()}}
    rows = []
    for device in reached:
        seen: DeviceWeek = found[device.name]
        up = len(Event(device.name, 1, week + 1, Kind.SKETCH, seen.state.release, START + week * WEEK,
                       bytes(SKETCH_BYTES)).encode(named=False))  # fmt: skip
        rows.append({
            "device": device.name, "week": week, "release": seen.state.release, "cohort": device.cohort,
            "windows": seen.windows, "judged": seen.judged, "right": seen.right, "distance": seen.distance,
            "drifted": bool(seen.drifted), "alarm_rate": seen.alarm_rate, "agreement": seen.agreement,
            "bytes_up": up, "bytes_down": 0, "emulated": seen.emulated,
            "energy_mj": seen.windows * energy[seen.state.release],
        })  # fmt: skip
        keep(connection, there[device.name], seen.state)
        connection.execute(
            update(devices).where(devices.c.name == device.name)
            .values(last_seen=float(START + week * WEEK), release=seen.state.release)
        )  # fmt: skip
    if rows:
        connection.execute(insert(device_weeks), rows)
    return {
        "answers": loop.objects.put(_answers(found)),
        "reached": len(rows),
        "drifted": sorted(r["device"] for r in rows if r["drifted"]),
    }


def window_mj(connection: Connection, number: int) -> float:
    """Energy of one window by release `number`; of an old model under a new number, what it always took."""
    report = release_row(connection, number)["report"]
    return (
        report["window_mj"]
        if "window_mj" in report
        else window_mj(connection, report["content_of"])
    )


def _answers(found: dict[str, DeviceWeek]) -> bytes:
    out = io.BytesIO()
    columns = ("predicted", "confidence", "novelty")
    np.savez_compressed(
        out, **{f"{name}/{c}": getattr(w, c) for name, w in found.items() for c in columns}
    )
    return out.getvalue()


def answers(loop: Loop, key: str) -> dict[str, dict[str, np.ndarray]]:
    """device -> predicted, confidence and novelty (n,) of its windows of the week."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(io.BytesIO(loop.objects.get(key)), allow_pickle=False) as f:
        for entry in f.files:
            name, _, column = entry.partition("/")
            found.setdefault(name, {})[column] = f[entry]
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
