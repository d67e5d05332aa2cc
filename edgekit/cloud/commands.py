"""What an operator may ask of a rollout; the fleet's loop obeys at its next step (`rollout.commands`)."""

from __future__ import annotations

import time

from sqlalchemy import Connection, insert, select

from edgekit.cloud.tables import commands, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError, did_you_mean

ALLOWED = {  # in which states of a rollout; what was asked before may not have been obeyed yet
    "pause": ("running", "paused"),
    "resume": ("running", "paused"),
    "abort": ("running", "paused", "done"),
    "retry": ("running", "paused", "aborted"),
}
IDLE = {"pause": "paused", "resume": "running"}  # the state in which it changes nothing
COMMANDS = tuple(ALLOWED)


class NotThere(EdgekitError):
    """There is no such rollout, or no such device in it."""


def ask(connection: Connection, rollout: int, what: str, device: str = "") -> int:
    """Ask `what`, one of COMMANDS, of a `rollout` (its id); a `device` is for retry, which without one means
    all that failed, or that are still to be taken back.

    Returns the command's id, a number without unit; asked twice in a row before it was obeyed, the same.
    Raises NotThere, and EdgekitError for what cannot be asked now.
    """
    state = connection.scalar(select(rollouts.c.state).where(rollouts.c.id == rollout))
    if state is None:
        raise NotThere(f"there is no rollout {rollout}: `edgekit fleet status` lists them")
    if what not in COMMANDS:
        raise EdgekitError(
            f"{what[:40]!r} cannot be asked of a rollout.{did_you_mean(what, COMMANDS)}"
        )
    if state not in ALLOWED[what]:
        raise EdgekitError(f"rollout {rollout} is {state}: it cannot {what} now")
    if device:
        _check_device(connection, rollout, what, device, retried(state))
    c = commands.c
    waiting = select(c.id, c.what, c.device).where(c.rollout == rollout, c.obeyed.is_(False))
    last = connection.execute(waiting.order_by(c.id.desc()).limit(1)).first()
    if last is not None and (last.what, last.device) == (what, device):
        return int(last.id)
    row = {"rollout": rollout, "what": what, "device": device, "time": time.time(), "obeyed": False}
    return int(connection.execute(insert(commands).values(row).returning(c.id)).scalar_one())


def retried(rollout_state: str) -> str:
    """The state of devices that a retry is for in a rollout of `rollout_state`: those that failed, or that
    are still to be taken back."""
    return "confirmed" if rollout_state == "aborted" else "failed"


def _check_device(
    connection: Connection, rollout: int, what: str, device: str, wanted: str
) -> None:
    if what != "retry":
        raise EdgekitError(f"{what} is for the whole rollout; only retry takes a device")
    t = rollout_devices.c
    rows = connection.execute(select(t.device, t.state).where(t.rollout == rollout))
    states = {r.device: r.state for r in rows}
    if device not in states:
        raise NotThere(
            f"rollout {rollout} has no device {device[:64]!r}.{did_you_mean(device, list(states))}"
        )
    if states[device] != wanted:
        raise EdgekitError(
            f"{device} is {states[device]} in rollout {rollout}: there is nothing to retry"
        )
