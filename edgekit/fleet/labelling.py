"""Label: some windows of the week travel, and somebody says what they are.

Half of them are random: on them alone the gate judges. The others are those of which most is to be learnt,
from devices whose world has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select, update

from edgekit.cloud.tables import device_weeks, labels, rollout_devices, rollouts, samples
from edgekit.data import Windows
from edgekit.emulate.samples import sample_dtype, sensor_samples
from edgekit.fleet.loop import Loop
from edgekit.fleet.notice import answers, result_of
from edgekit.fleet.program import START, WEEK
from edgekit.fleet.world import GATE, TRAIN

STEP = 2
ORACLE = "oracle"
MOST = 4  # windows of one device in one week, besides the random ones


@dataclass(frozen=True)
class Chosen:
    """A window that is asked for; `weight`: of how many windows it is one, drawn at random."""

    device: str
    row: int
    reason: str
    weight: float = 1.0


def label(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Choose windows under the budget, have them sent, and have the oracle label them."""
    noticed = result_of(connection, week, "notice")
    found = answers(loop, noticed["answers"])
    total = sum(len(a["predicted"]) for a in found.values())
    budget = int(loop.plan.labels * total * (week + 1)) - int(loop.plan.labels * total * week)
    rng = np.random.default_rng(loop.seed(week, STEP))
    t = rollout_devices.c
    trying = (
        select(t.device)
        .join(rollouts, rollouts.c.id == t.rollout)
        .where(t.state.in_(("trial", "confirmed")), rollouts.c.state.in_(("running", "paused")))
    )
    on_trial = set(connection.scalars(trying))
    seen = {n: loop.world.week(loop.world.device(n), week) for n in sorted(found)}
    use = {n: loop.world.uses(w) for n, w in seen.items()}
    chosen = [
        *draw_random(
            {n: np.flatnonzero(u == GATE) for n, u in use.items()}, budget // 2, on_trial, rng
        ),
        *most_telling(found, use, noticed["drifted"], budget - budget // 2),
    ]
    program, sent = loop.site.program(), dict.fromkeys(found, 0)
    for one in chosen:
        window = seen[one.device].X[one.row]
        firmware = program.firmware
        data = sensor_samples(firmware.step, firmware.sensitivity, window).tobytes()
        answer = found[one.device]
        row = {
            "device": one.device, "week": week, "reason": one.reason, "weight": one.weight,
            "predicted": int(answer["predicted"][one.row]),
            "confidence": float(answer["confidence"][one.row]),
            "distance": float(answer["novelty"][one.row]), "object": loop.objects.put(data),
            "bytes": len(data), "created": float(START + week * WEEK),
        }  # fmt: skip
        made = connection.execute(insert(samples).values(**row).returning(samples.c.id))
        said = oracle(
            int(seen[one.device].y[one.row]), len(loop.old.classes), loop.plan.label_error, rng
        )
        connection.execute(
            insert(labels).values(
                sample=made.scalar_one(), annotator=ORACLE, label=loop.old.classes[said],
                time=float(START + week * WEEK),
            )
        )  # fmt: skip
        sent[one.device] += len(data)
    w = device_weeks
    for name, size in sent.items():
        if size:
            mine = (w.c.device == name) & (w.c.week == week)
            connection.execute(update(w).where(mine).values(bytes_up=w.c.bytes_up + size))
    return {
        "labels": len(chosen),
        "random": sum(c.reason == "random" for c in chosen),
        "windows": total,
    }


def oracle(truth: int, classes: int, error: float, rng: np.random.Generator) -> int:
    """What a person says: the truth, but in a share `error` of cases any other class."""
    wrong = rng.random() < error
    other = (truth + int(rng.integers(1, classes))) % classes
    return other if wrong else truth


def draw_random(
    rows: dict[str, np.ndarray], count: int, on_trial: Iterable[str], rng: np.random.Generator
) -> list[Chosen]:
    """`count` windows of `rows` (by device): most from devices that have a release whose rollout is under
    way, if there are any, the rest from the others; each with the number of windows that it stands for."""
    trying = sorted(set(on_trial) & set(rows))
    strata = [(trying, 2 * count // 3 if trying else 0), (sorted(set(rows) - set(trying)), 0)]
    strata[1] = strata[1][0], count - strata[0][1]
    chosen = []
    for names, wanted in strata:
        all_of_them = [(n, int(r)) for n in names for r in rows[n]]
        take = rng.permutation(len(all_of_them))[:wanted]
        weight = len(all_of_them) / max(1, len(take))
        drawn = (all_of_them[i] for i in sorted(take))
        chosen += [Chosen(name, row, "random", weight) for name, row in drawn]
    return chosen


def most_telling(
    found: dict[str, dict[str, np.ndarray]],
    use: dict[str, np.ndarray],
    drifted: Iterable[str],
    count: int,
) -> list[Chosen]:
    """The least sure and the strangest windows in turn: half of them of devices that noticed a drift, if
    there are any, the rest of all, for not every drift is noticed."""
    noticed = [n for n in sorted(drifted) if n in found]
    chosen: dict[tuple[str, int], Chosen] = {}
    for names, wanted in ((noticed, count // 2), (sorted(found), count)):
        for one in _ranked(found, use, names):
            if len(chosen) < wanted:
                chosen.setdefault((one.device, one.row), one)
    return list(chosen.values())


def _ranked(
    found: dict[str, dict[str, np.ndarray]], use: dict[str, np.ndarray], names: list[str]
) -> list[Chosen]:
    """Each device's first, then each device's second …; the strangest first among equals."""
    ranked = []
    for name in names:
        rows = np.flatnonzero(use[name] == TRAIN)
        for reason, score in (
            ("uncertain", -found[name]["confidence"]),
            ("novel", found[name]["novelty"]),
        ):
            order = rows[np.argsort(-score[rows], kind="stable")][:MOST]
            ranked += [
                (r, -float(score[row]), name, int(row), reason) for r, row in enumerate(order)
            ]
    return [Chosen(name, row, reason) for _, _, name, row, reason in sorted(ranked)]


def labelled(
    connection: Connection, loop: Loop, random: bool, since: int = 0
) -> tuple[Windows, list[dict]]:
    """(windows as they came, their rows), of the weeks from `since`: for the gate (`random`) or training."""
    s = samples.c
    wanted = s.reason == "random" if random else s.reason != "random"
    query = select(samples, labels.c.label).join(labels, labels.c.sample == s.id)
    rows = [
        dict(r)
        for r in connection.execute(query.where(wanted, s.week >= since).order_by(s.id)).mappings()
    ]
    old, firmware = loop.old, loop.site.program().firmware
    kind = np.dtype(sample_dtype(firmware.step, firmware.sensitivity))
    shape = loop.old.X.shape[1:]
    scale = np.float32(firmware.sensitivity if kind == np.int16 else 1)
    X = np.zeros((len(rows), *shape), np.float32)
    for i, row in enumerate(rows):
        X[i] = np.frombuffer(loop.objects.get(row["object"]), kind).reshape(shape) * scale
    y = np.array([old.classes.index(r["label"]) for r in rows], np.int64)
    name = np.array([r["device"] for r in rows], dtype=str)
    origin = np.array([f"{r['device']}-{r['week']}@{r['id']}" for r in rows], dtype=str)
    field = np.full(len(rows), old.domain[0])
    return Windows(X, y, old.classes, name, field, origin, old.rate, simulated=True), rows
