"""`edgekit fleet rollout RUN [pause|resume|abort|retry [DEVICE]]`: where a release stands, and what to do
with it.

A command is written down; the loop obeys at its next step, and says then what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.cli.fleet_folder import database_of
from edgekit.cli.types import int_between
from edgekit.core import escape
from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN = 12  # devices that are named


def add(commands) -> None:
    """Hang the command into the parser of `edgekit fleet`."""
    rollout = commands.add_parser(
        "rollout", help="how far a release is; pause, resume, abort, retry"
    )
    rollout.add_argument("run", help="the fleet's folder, its database or that one's URL")
    rollout.add_argument(
        "what", nargs="?", default="", metavar="pause|resume|abort|retry", help="nothing: show it"
    )
    rollout.add_argument("device", nargs="?", default="", help="of retry; else all that failed")
    rollout.add_argument("--rollout", type=int_between(1, 2**31 - 1), default=0, help="the newest")
    rollout.set_defaults(do=do)


def do(args) -> int:
    """The command."""
    from edgekit.cloud.commands import ask
    from edgekit.cloud.database import open_database

    engine = open_database(database_of(args.run))
    try:
        with engine.begin() as connection:
            number = args.rollout or newest(connection)
            if args.what:
                ask(connection, number, args.what, args.device)
            for line in status_lines(connection, number):
                print(escape.line(line))
    finally:
        engine.dispose()
    return 0


def newest(connection: Connection) -> int:
    """The last rollout that began. Raises EdgekitError if none did."""
    from sqlalchemy import func, select

    from edgekit.cloud.tables import rollouts

    number = connection.scalar(select(func.max(rollouts.c.id)))
    if number is None:
        raise EdgekitError("nothing was rolled out in this fleet yet")
    return int(number)


def status_lines(connection: Connection, rollout: int) -> list[str]:
    """For people: state and wave, devices by state, those with a trouble, commands and what came of them."""
    from sqlalchemy import select

    from edgekit.cloud.tables import commands
    from edgekit.rollout.state import load

    run = load(connection, rollout)
    wave, waves, reason = run.row["wave"] + 1, len(run.policy.waves), run.row["reason"]
    what = f"release {run.release}, rollout {rollout}: {run.state}, wave {wave} of {waves}"
    lines = [f"{what} since week {run.row['wave_since'] + 1}{f': {reason}' if reason else ''}"]
    if run.row["back"]:
        lines.append(f"taken back: the model before it is release {run.row['back']}")
    states = sorted({r["state"] for r in run.devices})
    counts = (f"{sum(r['state'] == s for r in run.devices)} {s}" for s in states)
    lines.append(f"{len(run.devices)} devices: {', '.join(counts)}")
    troubled = [r for r in run.devices if r["reason"] and r["state"] != "skipped"]
    lines += [
        f"  {r['device']} {r['state']}, {r['tries']} tries: {r['reason']}" for r in troubled[:SHOWN]
    ]
    if len(troubled) > SHOWN:
        lines.append(f"  and {len(troubled) - SHOWN} more")
    asked = select(commands).where(commands.c.rollout == rollout).order_by(commands.c.id.desc())
    for c in list(connection.execute(asked.limit(SHOWN)).mappings())[::-1]:
        words = " ".join(filter(None, (c["what"], c["device"])))
        lines.append(f"asked: {words}: {c['result'] if c['obeyed'] else 'at the next step'}")
    return lines
