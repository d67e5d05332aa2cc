"""Retrain and gate: a candidate of the week's labels, judged on labels that nothing was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, select, update

from edgekit.cloud.tables import device_weeks, releases, steps
from edgekit.data import Windows
from edgekit.fleet.by_hand import is_waiting
from edgekit.fleet.gate import Paired, judge
from edgekit.fleet.gateway_model import save_gateway_set
from edgekit.fleet.labelling import labelled
from edgekit.fleet.loop import Loop, add_release, fleet, next_number, released
from edgekit.fleet.notice import gateway_key, result_of
from edgekit.fleet.retrain import candidate
from edgekit.labels import Sample

STEP = 3
FRESH = 10  # new labels without which no new candidate is worth its bytes
ENOUGH = 60  # new labels with which one is tried even though nobody noticed a drift
LOOK_BACK = 4  # weeks in which a drift must have been noticed
GATE_WEEKS = 8  # whose random labels the gate asks: older ones speak of another world


def retrain(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """A candidate, if there is a reason for one and no rollout under way; why not, else."""
    full = loop.plan.policy == "full"
    windows, _ = labelled(connection, loop, random=False)
    why = _reason(connection, week, len(windows))
    if full:
        why = "every week" if len(windows) else ""
    before = gateway_key(connection)
    gateway = {"gateway": fit_gateway(loop, windows)}
    if gateway["gateway"] != before:  # it may hold windows of who was forgotten since
        loop.objects.delete(before)
    if not why:
        return {"trained": False, "labels": len(windows), **gateway}
    if not full and is_waiting(connection):
        return {"trained": False, "labels": len(windows), "waits": "for a rollout", **gateway}
    base = released(connection)
    recipe = loop.recipe
    if full:
        recipe = replace(recipe, share=float("inf"))
    old = loop.objects.get(base["object"])
    made = loop.train(candidate, loop.site, old, windows, recipe, loop.seed(week, STEP))
    program, model = loop.site.program(), loop.objects.put(made["tflite"])
    window = program.window_mj(made["tflite"], loop.old.X[:1])
    number = next_number(connection)  # late: a person may have taken one meanwhile
    package = program.package(made["tflite"], number, week, None if full else old)
    add_release(
        connection, number, model, base=base["number"], state="candidate", week=week,
        package_bytes=len(package), report={"window_mj": window, "why": why},
    )  # fmt: skip
    return {
        "trained": True, "why": why, "labels": len(windows), "candidate": number,
        "package_bytes": len(package), **gateway,
    }  # fmt: skip


def _reason(connection: Connection, week: int, count: int) -> str:
    """Why a candidate is trained, or ""; `count`: labels there are."""
    t = steps.c
    earlier = connection.execute(
        select(t.result).where(t.name == "retrain").order_by(t.week.desc())
    ).scalars()
    last = next((r["labels"] for r in earlier if r.get("trained")), 0)
    w = device_weeks.c
    noticed = (
        connection.execute(select(w.device).where(w.drifted, w.week > week - LOOK_BACK).distinct())
        .scalars()
        .all()
    )
    lately = (result_of(connection, n, "notice") for n in range(week - LOOK_BACK + 1, week + 1))
    signs = [f"drift at {len(noticed)} devices"] if noticed else []
    signs += ["errors rose"] if any(r.get("errors_rose") for r in lately) else []
    fresh = count - last
    if fresh >= FRESH and signs:
        return f"{', '.join(signs)}, {fresh} new labels"
    return f"{fresh} new labels" if fresh >= ENOUGH else ""


def fit_gateway(loop: Loop, windows: Windows) -> str:
    """The key of the set of the gateway's model: the old training windows and what was labelled since."""
    host, image = loop.site.program().host, loop.site.program().firmware.release.image
    parts = [loop.old, windows] if len(windows) else [loop.old]
    inputs = np.concatenate([host(image, p.X).inputs for p in parts])
    return save_gateway_set(loop.objects, inputs, np.concatenate([p.y for p in parts]))


def gate(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Judge the week's candidate; its report stands in its row, and it is refused or stays a candidate."""
    r = releases
    row = (
        connection.execute(select(r).where(r.c.state == "candidate", r.c.week == week))
        .mappings()
        .first()
    )
    if row is None:
        return {}
    if loop.plan.policy == "full":
        return {"candidate": row["number"], "passed": True, "reasons": ["not asked"]}
    base = connection.execute(select(r).where(r.c.number == row["base"])).mappings().one()
    windows, rows = labelled(connection, loop, random=True, since=week - GATE_WEEKS + 1)
    paired = compare(loop, windows, rows, base["object"], row["object"])
    budget = loop.site.program().design.budget.update_bytes or 0
    cohorts = sorted({d.cohort for d in fleet(connection, loop)})
    found = judge(paired, cohorts, row["package_bytes"], int(budget), loop.seed(week, STEP + 1))
    report = {**row["report"], "gate": found.to_dict()}
    state = "candidate" if found.passed else "refused"
    connection.execute(
        update(r).where(r.c.number == row["number"]).values(report=report, state=state)
    )
    return {
        "candidate": row["number"], "passed": found.passed, "reasons": list(found.reasons),
        "not_judged": [c for c, f in found.cohorts.items() if not f.judged],
    }  # fmt: skip


def compare(loop: Loop, windows: Windows, rows: list[Sample], before: str, after: str) -> Paired:
    """Both models, keys `before` and `after`, on labelled windows, by exact C."""
    program = loop.site.program()
    right = []
    for key in (before, after):
        image = program.release(loop.objects.get(key)).image
        known = len(windows) > 0
        right.append(
            program.host(image, windows.X).classes == windows.y if known else np.zeros(0, bool)
        )
    cohort = {d.name: d.cohort for d in loop.world.devices}
    return Paired(
        windows.group, np.array([cohort[d] for d in windows.group], dtype=str),
        np.array([s.weight for s in rows], float), *right,
    )  # fmt: skip
