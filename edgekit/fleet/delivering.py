"""Roll out, watch, take back: what the rollout decides of a week's health, and how devices carry it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, update

from edgekit import rollout
from edgekit.cloud.tables import device_states, device_weeks, devices, releases
from edgekit.fleet.by_hand import begin, begin_waiting
from edgekit.fleet.device_tier import DeviceState, Handled, finish, install, provision
from edgekit.fleet.labelling import labelled
from edgekit.fleet.learning import compare, fit_gateway
from edgekit.fleet.loop import Loop, add_release, fleet, keep, release_row, released, states
from edgekit.fleet.notice import result_of
from edgekit.rollout import health
from edgekit.rollout.promotion import PairedLabels

LABEL_WEEKS = 8  # whose random labels speak for or against a release that is rolled out


def deliver_first(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Out of the factory: every device with release 1, installed and self-tested on the emulated core."""
    program = loop.site.program()
    tflite = program.firmware.release.tflite
    model, package = loop.objects.put(tflite), program.package(tflite, 1, week)
    report = {"window_mj": program.window_mj(tflite, loop.old.X[:1])}
    add_release(
        connection, 1, model, base=0, state="released", week=0, package_bytes=len(package),
        report=report,
    )  # fmt: skip
    key = loop.objects.put(package)
    there = fleet(connection, loop)
    names = [d.name for d in there]
    made: dict[str, DeviceState] = loop.everywhere(provision, {n: (n, key, model) for n in names})
    connection.execute(
        insert(devices), [{"name": d.name, "cohort": d.cohort, "release": 1} for d in there]
    )
    connection.execute(insert(device_states), [asdict(made[n]) for n in names])
    empty = loop.old[slice(0, 0)]
    return {"devices": len(names), "gateway": fit_gateway(loop, empty)}


def roll_out(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Begin what passed the gate, step what is under way; the orders are carried out by the next step."""
    gated = result_of(connection, week, "gate")
    if gated.get("passed") and loop.plan.policy == "full":
        connection.execute(
            update(releases).where(releases.c.number == gated["candidate"]).values(state="released")
        )
        order = [0, "install", gated["candidate"]]
        return {"orders": {d.name: [order] for d in fleet(connection, loop)}}
    if gated.get("passed"):
        begin(connection, loop, gated["candidate"], week)
    by_hand = begin_waiting(connection, loop, week)
    seen = health.read(connection, week)
    # by device: who is forgotten before they are carried out takes them along
    orders: dict[str, list] = {}
    for number in rollout.open_rollouts(connection):
        found = rollout.step(
            connection, number, week, seen, paired_labels(connection, loop, number, week)
        )
        for o in found:
            orders.setdefault(o.device, []).append([number, o.action, o.release])
    return {"orders": orders, **({"by_hand": by_hand} if by_hand else {})}


def paired_labels(
    connection: Connection, loop: Loop, number: int, week: int
) -> dict[str, PairedLabels]:
    """By device that has the release of rollout `number`, or lost it alone: its random labels, with that
    release and with the one before it."""
    run = rollout.load(connection, number)
    took = {*run.took(), *run.doubted()}
    if not took:
        return {}
    new = release_row(connection, run.release)
    old = release_row(connection, new["base"])
    windows, rows = labelled(connection, loop, random=True, since=week - LABEL_WEEKS + 1)
    mine = [i for i, r in enumerate(rows) if r.device in took]
    paired = compare(loop, windows[mine], [rows[i] for i in mine], old["object"], new["object"])
    found: dict[str, PairedLabels] = {}
    for device, before, after in zip(paired.device, paired.before, paired.after, strict=True):
        one = PairedLabels(
            int(before and after), int(after and not before), int(before and not after),
            int(not before and not after),
        )  # fmt: skip
        found[str(device)] = found.get(str(device), PairedLabels()) + one
    return found


def deliver(connection: Connection, loop: Loop, week: int) -> dict[str, Any]:
    """Carry out the week's orders at the devices that are reached, and say what became of each."""
    found = result_of(connection, week, "roll out").get("orders", {})
    orders = [(name, *order) for name, given in found.items() for order in given]
    there, away = states(connection), {d.name for d in loop.world.devices if week in d.offline}
    tasks: dict[str, tuple] = {}
    packages: dict[tuple[str, int], str] = {}
    for name, _, action, number in orders:
        if name in away:
            continue
        state, row = there[name], release_row(connection, number)
        if action in ("install", "revert"):
            whole = loop.plan.policy == "full"
            key = _package(loop, packages, state, row, week, whole)
            keep_it = action == "revert" or whole
            tasks[name] = ("install", state, key, row["object"], number, week, keep_it)
        else:
            tasks[name] = ("finish", state, action == "confirm")
    done: dict[str, Handled] = loop.everywhere(carry_out, tasks)
    outcomes: dict[str, int] = {}
    for name, number, action, _ in orders:
        if name in away:
            outcome, reason = "waiting", "out of coverage"
        else:
            handled = done[name]
            outcome, reason = handled.outcome, handled.reason
            keep(connection, handled.state)
            connection.execute(
                update(devices).where(devices.c.name == name).values(release=handled.state.release)
            )
            _count_down(connection, name, week, handled.bytes_down)
        if action == "revert" and outcome == "confirmed":
            outcome = "reverted"
        if number:
            rollout.report(connection, number, name, week, outcome, reason)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return {"outcomes": outcomes, "released": released(connection)["number"]}


def carry_out(site, what: str, *arguments) -> Handled:
    """One order at one device."""
    return (install if what == "install" else finish)(site, *arguments)


def _package(loop: Loop, made: dict, state: DeviceState, row: dict, week: int, whole: bool) -> str:
    """The key of a package for who runs `state.model`: who missed some releases gets their own delta."""
    base = "" if whole else state.model
    if (base, row["number"]) not in made:
        data = loop.site.program().package(
            loop.objects.get(row["object"]),
            row["number"],
            week,
            loop.objects.get(base) if base else None,
        )
        made[base, row["number"]] = loop.objects.put(data)
    return made[base, row["number"]]


def _count_down(connection: Connection, device: str, week: int, size: int) -> None:
    w = device_weeks
    mine = (w.c.device == device) & (w.c.week == week)
    connection.execute(update(w).where(mine).values(bytes_down=w.c.bytes_down + size))
