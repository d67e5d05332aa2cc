"""What an operator may ask of a rollout; the fleet's loop obeys at its next step."""

from __future__ import annotations

import time
from typing import Literal, get_args

from sqlalchemy import Connection, insert, select

from edgekit.cloud.tables import commands, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError

What = Literal["pause", "resume", "abort", "retry"]
ALLOWED = {  # in which states of a rollout
    "pause": ("running",),
    "resume": ("paused",),
    "abort": ("running", "paused"),
    "retry": ("running", "paused"),
}
RETRIED = ("reverted", "failed")


def command(connection: Connection, rollout: int, what: str, device: str = "") -> int:
    """Ask `what` of a rollout; a `device` is for retry, which without one means all that failed.

    Returns the command's id; asked twice before it was obeyed, the same. Raises LookupError where there is
    no such rollout or device in it, EdgekitError for what cannot be asked now.
    """
    state = connection.scalar(select(rollouts.c.state).where(rollouts.c.id == rollout))
    if state is None:
        raise LookupError(f"there is no rollout {rollout}")
    if what not in get_args(What):
        raise EdgekitError(f"a rollout obeys {', '.join(get_args(What))}, not {what[:40]!r}")
    if state not in ALLOWED[what]:
        raise EdgekitError(f"rollout {rollout} is {state}: it cannot {what} now")
    if device:
        _check_device(connection, rollout, what, device)
    same = (
        commands.c.rollout == rollout,
        commands.c.what == what,
        commands.c.device == device,
        commands.c.obeyed.is_(False),
    )
    there = connection.scalar(select(commands.c.id).where(*same))
    if there is not None:
        return there
    row = {"rollout": rollout, "what": what, "device": device, "time": time.time(), "obeyed": False}
    return connection.scalar(insert(commands).values(row).returning(commands.c.id))


def _check_device(connection: Connection, rollout: int, what: str, device: str) -> None:
    if what != "retry":
        raise EdgekitError(f"{what} is for the whole rollout, not for one device")
    state = connection.scalar(
        select(rollout_devices.c.state).where(
            rollout_devices.c.rollout == rollout, rollout_devices.c.device == device
        )
    )
    if state is None:
        raise LookupError(f"rollout {rollout} has no device {device[:80]!r}")
    if state not in RETRIED:
        raise EdgekitError(f"{device} is {state} in rollout {rollout}: there is nothing to retry")
