"""What a person asks of a rollout: pause, resume, abort, retry; obeyed at its next step, once."""

from __future__ import annotations

import time

from sqlalchemy import Connection, func, insert, select, update

from edgekit.cloud.tables import commands, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.fleet.rollout_state import Run
from edgekit.fleet.takeback import abort

COMMANDS = ("pause", "resume", "abort", "retry")


def ask(connection: Connection, rollout: int, what: str, device: str = "") -> int:
    """The command's id. device: of a retry, else of all that failed.

    Raises EdgekitError for what cannot be asked.
    """
    if what not in COMMANDS:
        raise EdgekitError(
            f"{what[:40]!r} cannot be asked of a rollout.{did_you_mean(what, COMMANDS)}"
        )
    if connection.scalar(select(rollouts.c.id).where(rollouts.c.id == rollout)) is None:
        raise EdgekitError(f"there is no rollout {rollout}: `edgekit fleet status` lists them")
    if device and what != "retry":
        raise EdgekitError(f"{what} is for the whole rollout; only retry takes a device")
    t = rollout_devices.c
    known = connection.scalars(select(t.device).where(t.rollout == rollout)).all()
    if device and device not in known:
        raise EdgekitError(
            f"rollout {rollout} has no device {device[:64]!r}.{did_you_mean(device, known)}"
        )
    row = {"rollout": rollout, "what": what, "device": device, "time": time.time()}
    made = connection.execute(insert(commands).values(**row).returning(commands.c.id))
    return int(made.scalar_one())


def obey(connection: Connection, run: Run, week: int) -> None:
    """What was asked, the oldest first; each once, with what came of it in `result`."""
    asked = connection.execute(
        select(commands)
        .where(commands.c.rollout == run.id, ~commands.c.obeyed)
        .order_by(commands.c.id)
    )
    newest = connection.scalar(select(func.max(rollouts.c.id)))
    for command in asked.mappings().all():
        if newest != run.id and (command["what"], run.state) != ("retry", "aborted"):
            result = f"refused: rollout {newest} came after this one"
        else:
            result = _do(run, command["what"], command["device"], week)
        connection.execute(
            update(commands)
            .where(commands.c.id == command["id"])
            .values(obeyed=True, result=result[:400])
        )


def _do(run: Run, what: str, device: str, week: int) -> str:
    if what == "retry":
        return _retry(run, device, week)
    if what == "abort":
        if run.state == "aborted":
            return "nothing to do: it is aborted"
        abort(run, "asked for")
        return "aborted"
    wanted, result = ("running", "paused") if what == "pause" else ("paused", "running")
    if run.state != wanted:
        return f"nothing to do: it is {run.state}"
    run.row.update(state=result, wave_since=week, reason="asked for" if what == "pause" else "")
    return result


def _retry(run: Run, device: str, week: int) -> str:
    """Devices that failed begin anew; those that are to be taken back do not wait for their next try."""
    state = "confirmed" if run.state == "aborted" else "failed"
    rows = [r for r in run.devices if r["state"] == state and device in ("", r["device"])]
    for r in rows:
        r.update(tries=0, missed=0, next_week=week, since=week, reason="asked for")
        if state == "failed":
            r["state"] = "waiting"
    if not rows:
        return (
            f"nothing to do: none is {state}" if not device else f"nothing to do: it is not {state}"
        )
    return f"{len(rows)} to be tried again"
