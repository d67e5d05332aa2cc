"""`edgekit fleet label RUN`: what is open for labels; out to Label Studio, and back in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.cli.fleet_folder import WORLDS, database_of, fact
from edgekit.cli.types import int_between
from edgekit.core import escape
from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.labels import Queue


def add(commands) -> None:
    """Hang the command into the parser of `edgekit fleet`."""
    label = commands.add_parser("label", help="the label queue; out to Label Studio, and back in")
    label.add_argument("run", help="the fleet's folder, its database or that one's URL")
    label.add_argument(
        "--export", metavar="FILE", default="", help="open samples, as tasks in JSON"
    )
    label.add_argument("--import", metavar="FILE", default="", dest="file", help="labels in JSON")
    label.add_argument("--annotator", metavar="NAME", default="", help="who labels, or labelled")
    label.add_argument("--use-case", default="", help="else what the run's world says")
    label.add_argument("--objects", metavar="FOLDER", default="", help="else beside the database")
    label.add_argument(
        "--needed", type=int_between(1, 100), help="labels a sample; else as planned"
    )
    label.add_argument("--count", type=int_between(1, 10_000), default=1000, help="to export")
    label.set_defaults(do=do)


def do(args) -> int:
    """The command."""
    from edgekit import usecases
    from edgekit.cloud.database import open_database
    from edgekit.core.workspace import Workspace
    from edgekit.labels import Queue

    database = database_of(args.run)
    case = usecases.load(args.use_case or _use_case(database), Workspace.find().folder)
    engine = open_database(database)
    try:
        with engine.begin() as connection:
            queue = Queue(connection, case.CLASSES, args.needed or _labellers(database))
            if args.file:
                _import(queue, args)
            if args.export:
                _export(queue, case, database, args)
            for line in status_lines(queue):
                print(escape.line(line))
    finally:
        engine.dispose()
    return 0


def status_lines(queue: Queue) -> list[str]:
    """How many samples are open, why they were asked for, what labellers agree on, and what that says."""
    every = queue.all()
    lines = [f"{len(queue.open())} of {len(every)} samples are open"]
    for reason in sorted({s.reason for s in every}):
        own = [s for s in every if s.reason == reason]
        lines.append(f"  {reason}: {sum(map(queue.done, own))} of {len(own)} labelled")
    for tell in (_agreement_line, _accuracy_line):
        try:
            lines.append(tell(queue))
        except EdgekitError as error:
            lines.append(str(error))
    return lines


def _agreement_line(queue: Queue) -> str:
    from edgekit.labels import agreement

    return f"agreement: {agreement(queue.votes())}"


def _accuracy_line(queue: Queue) -> str:
    from edgekit.labels import estimate

    e = estimate(*queue.random())
    return f"accuracy in the field: {e.share:.0%} ({e.low:.0%}–{e.high:.0%}), from {e.labels} random labels"


def _use_case(database: str) -> str:
    """What the world beside a database is of."""
    for world in WORLDS:
        name = fact(Path(database).parent / world / "world.json", "use_case")
        if isinstance(name, str):
            return name
    raise EdgekitError("whose samples are these? Say it: --use-case NAME")


def _labellers(database: str) -> int:
    """How many the simulation's plan beside a database wants; one where there is none."""
    found = fact(Path(database).parent / "plan.json", "labellers")
    return found if type(found) is int and found > 0 else 1


def _import(queue: Queue, args) -> None:
    from edgekit.labels import label_studio

    try:
        data = Path(args.file).read_bytes()
    except OSError as error:
        raise EdgekitError(f"{args.file}: {error.strerror}") from None
    found = label_studio.read(data, queue.classes, args.annotator)
    taken = label_studio.take(queue, found)
    print(f"{taken} labels taken, {found.skipped} annotations were cancelled or empty")


def _export(queue: Queue, case: Any, database: str, args) -> None:
    import json

    from edgekit.core.atomic import atomic_write_bytes
    from edgekit.fleet.objects import Objects
    from edgekit.labels import label_studio
    from edgekit.labels.windows import stored_window

    annotator = args.annotator
    found = queue.next(annotator, args.count) if annotator else queue.open()[: args.count]
    objects = Objects(args.objects or Path(database).parent / "objects")
    made = label_studio.tasks(
        found,
        queue,
        lambda s: stored_window(objects.get(s.object), case.features, case.SENSITIVITY),
        case.RATE,
    )
    target = Path(args.export)
    text = json.dumps(made, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        atomic_write_bytes(target, text.encode())
        channels = [f"channel {i}" for i in range(getattr(case.features, "channels", 1))]
        picture = bool(made and "picture" in made[0]["data"])
        setting = label_studio.configuration(case.CLASSES, channels, picture)
        atomic_write_bytes(target.with_suffix(".xml"), setting.encode())
    except OSError as error:
        raise EdgekitError(f"{target}: {error.strerror}") from None
    print(escape.line(f"{len(made)} tasks in {target}; the project's setting beside it, .xml"))
