"""A model that a person releases: it waits for no gate, and goes into a rollout at the loop's next step.

The gate asks whether a model is better; the rollout asks whether it is harmful, and stands in its way too.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, update

from edgekit import rollout
from edgekit.agent import firmware_file
from edgekit.cloud.database import writing
from edgekit.cloud.tables import releases, steps
from edgekit.core.errors import EdgekitError
from edgekit.fleet.loop import Loop, add_release, fleet, next_number, release_row, released
from edgekit.fleet.objects import Objects
from edgekit.fleet.program import runnable

STEP = 5
WAITING = "waiting"  # state of a release until its rollout begins


def offer(engine: Engine, objects: Objects, device: Path, tflite: bytes) -> int:
    """Put a model down for the loop, whoever runs it; the number that it will have if nothing comes between.

    device: the devices' program, as the simulation keeps it (device.zip). Raises EdgekitError for a file that
    is no model, or none that this program can run, and where no loop has begun.
    """
    try:
        program = firmware_file.from_bytes(device.read_bytes())
    except OSError as error:
        raise EdgekitError(f"{device}: {error.strerror}") from None
    runnable(program.release, tflite)
    model = objects.put(tflite)
    with writing(engine) as connection:
        week = connection.scalar(select(func.max(steps.c.week)))
        if week is None:
            raise EdgekitError("this fleet has no devices yet: its first week is still to come")
        number = next_number(connection)
        report = {"by_hand": True, "why": "by hand: the gate was not asked"}
        add_release(connection, number, model, state=WAITING, week=week, report=report)
    return number


def offer_once(engine: Engine, objects: Objects, device: Path, tflite: bytes) -> int:
    """As `offer`, where these bytes are no release yet; else that one's number."""
    model = objects.put(tflite)
    with engine.connect() as connection:
        r = releases.c
        number = connection.scalar(select(func.max(r.number)).where(r.object == model))
    return number or offer(engine, objects, device, tflite)


def is_waiting(connection: Connection) -> bool:
    """Whether a rollout is under way, or a person's release waits for its own: then no candidate is made."""
    mine = select(releases.c.number).where(releases.c.state == WAITING).limit(1)
    return bool(rollout.under_way(connection)) or connection.scalar(mine) is not None


def begin(connection: Connection, loop: Loop, number: int, week: int) -> None:
    """Release `number` is on its way to all devices."""
    cohorts = {d.name: d.cohort for d in fleet(connection, loop)}
    rollout.begin(connection, number, cohorts, week, loop.plan.rollout, loop.seed(week, STEP))


def begin_waiting(connection: Connection, loop: Loop, week: int) -> int:
    """Begin the oldest release that a person put down, once no other rollout is under way; its number, 0
    where there is none."""
    r = releases.c
    if rollout.under_way(connection):
        return 0
    was = connection.scalar(select(func.min(r.number)).where(r.state == WAITING))
    if was is None:
        return 0
    row, base, program = release_row(connection, was), released(connection), loop.site.program()
    above = was > rollout.newest(connection)
    number = was if above else next_number(connection)  # another went before it
    tflite = loop.objects.get(row["object"])
    package = program.package(tflite, number, week, loop.objects.get(base["object"]))
    report = {**row["report"], "window_mj": program.window_mj(tflite, loop.old.X[:1])}
    connection.execute(
        update(releases).where(r.number == was)
        .values(number=number, base=base["number"], week=week, package_bytes=len(package), report=report)
    )  # fmt: skip
    begin(connection, loop, number, week)
    return number
