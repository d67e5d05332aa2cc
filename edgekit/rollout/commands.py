"""What was asked of a rollout (`cloud.commands`): obeyed at its next step, once."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from edgekit.cloud.commands import retried
from edgekit.cloud.tables import commands, rollouts
from edgekit.rollout.state import Run
from edgekit.rollout.takeback import abort


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
    state = retried(run.state)
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
