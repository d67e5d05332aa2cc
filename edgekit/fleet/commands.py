"""What a person asks of a rollout: pause, resume, abort, retry. Written down, and obeyed at its next step, once."""

from __future__ import annotations

import time

from sqlalchemy import Connection, insert, select, update

from edgekit.cloud.tables import commands, rollout_devices, rollouts
from edgekit.core.errors import EdgekitError, did_you_mean

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


def pending(connection: Connection, rollout: int) -> list[dict]:
    """Commands that were not obeyed yet, the oldest first."""
    rows = connection.execute(
        select(commands)
        .where(commands.c.rollout == rollout, ~commands.c.obeyed)
        .order_by(commands.c.id)
    )
    return [dict(r) for r in rows.mappings()]


def obeyed(connection: Connection, command: int, result: str) -> None:
    """It was; result: what came of it."""
    connection.execute(
        update(commands).where(commands.c.id == command).values(obeyed=True, result=result[:400])
    )
