"""`edgekit fleet release RUN MODEL.tflite`: a person's model, into a rollout at the loop's next step."""

from __future__ import annotations

from pathlib import Path

from edgekit.cli.fleet_folder import WORLDS, database_of, fact
from edgekit.core import escape
from edgekit.core.errors import EdgekitError

LARGEST = 1 << 24  # bytes of a model: no device of the catalogue holds so many


def add(commands) -> None:
    """Hang the command into the parser of `edgekit fleet`."""
    release = commands.add_parser("release", help="roll a model of your own out; no gate is asked")
    release.add_argument("run", help="the fleet's folder or its database")
    release.add_argument("model", help="an int8 .tflite that the devices' program can run")
    release.set_defaults(do=do)


def do(args) -> int:
    """The command."""
    from edgekit.cloud.database import open_database
    from edgekit.fleet.by_hand import offer
    from edgekit.fleet.objects import Objects

    database = Path(database_of(args.run))
    worlds = [database.parent / world for world in WORLDS]
    world = next((w for w in worlds if (w / "device.zip").is_file()), None)
    if world is None:
        raise EdgekitError(f"{args.run} is no simulated fleet: nobody knows its devices' program")
    _check_plan(database.parent)
    try:
        with Path(args.model).open("rb") as file:
            tflite = file.read(LARGEST + 1)
    except OSError as error:
        raise EdgekitError(f"{args.model}: {error.strerror}") from None
    if len(tflite) > LARGEST:
        raise EdgekitError(f"{args.model} is larger than any device's flash")
    engine = open_database(database)
    try:
        number = offer(engine, Objects(database.parent / "objects"), world / "device.zip", tflite)
    finally:
        engine.dispose()
    said = "goes to the canaries once no other rollout is under way; the gate is not asked"
    print(escape.line(f"release {number}, {args.model}: {said}"))
    return 0


def _check_plan(folder: Path) -> None:
    policy = fact(folder / "plan.json", "policy")
    if policy != "loop":
        raise EdgekitError(f"a fleet of policy {policy} rolls nothing out: simulate with loop")
