"""`edgekit new` and `edgekit record`: somebody's own recordings become a use case."""

from __future__ import annotations

from edgekit.cli.types import float_between, int_between
from edgekit.core.errors import EdgekitError


def add(commands) -> None:
    """Both, as argparse takes them."""
    _add_new(commands)
    _add_record(commands)


def _add_new(commands) -> None:
    new = commands.add_parser("new", help="make a use case of a folder of recordings")
    new.add_argument("name", help="of the use case: lower-case letters, digits, _")
    new.add_argument("--from", dest="source", required=True, metavar="FOLDER", help="CSV, WAV, FLAC, MAT, "
                     "NumPy, Parquet, JSON, Edge Impulse, pictures")  # fmt: skip
    new.add_argument("--lab", default="", metavar="FOLDER", help="a second world, for chapter 02")
    new.add_argument("--rate", type=float, default=0.0, help="Hz, where the files do not say it")
    new.add_argument(
        "--label-from", default="", metavar="WHERE",
        help="folder, folder:2, name, name:2, column:NAME, file:labels.csv or re:EXPRESSION",
    )  # fmt: skip
    new.add_argument("--group-from", default="", metavar="WHERE",
                     help="the same, or file (each file its own group)")  # fmt: skip
    new.add_argument("--channels", default="", help="which, and in which order: x,y,z or 1,2,3")
    new.add_argument("--time-unit", default="", choices=["", "s", "ms", "us", "ns"])
    new.add_argument("--window", type=float, default=0.0, help="seconds")
    new.add_argument("--without", default="", metavar="CLASSES", help="classes to leave out")
    new.add_argument("--normal", default="", help="the class that means nothing to report")
    new.add_argument("--licence", default="", help="of the data, for the card")
    new.add_argument("--question", default="", help="that the device answers")
    new.add_argument("--yes", action="store_true", help="ask nothing, take every guess")
    new.add_argument("--dry-run", action="store_true", help="only say what was understood")
    new.set_defaults(do=_new)


def _add_record(commands) -> None:
    record = commands.add_parser("record", help="record live, from MQTT or a serial port")
    record.add_argument("source", choices=["mqtt", "serial"])
    record.add_argument("--seconds", type=float_between(0.001, 86_400), required=True)
    record.add_argument("--out", required=True, metavar="FOLDER", help="for `edgekit new --from`")
    record.add_argument("--label", default="", help="what is going on")
    record.add_argument("--group", default="", help="which person, machine or day")
    record.add_argument(
        "--rate", type=float_between(0, 10e6), default=0.0, help="Hz; else it is measured"
    )
    record.add_argument("--channels", default="", help="their names: x,y,z")
    record.add_argument("--unit", default="")
    record.add_argument("--licence", default="")
    record.add_argument("--host", default="localhost", help="of the MQTT broker")
    record.add_argument("--topic", default="#", help="+ and # are wildcards")
    record.add_argument("--tls", action="store_true")
    record.add_argument(
        "--port", default="", help="of the broker (1883), or the serial port's name"
    )
    record.add_argument("--baud", type=int_between(1, 20_000_000), default=115_200)
    record.set_defaults(do=_record)


def _record(args) -> int:
    from edgekit.bring import live

    if args.source == "mqtt":
        if args.port and not (args.port.isdecimal() and 0 < int(args.port[:6]) < 65_536):
            raise EdgekitError(f"--port {args.port[:40]}: a broker's is from 1 to 65535")
        port = int(args.port or (8883 if args.tls else 1883))
        source = f"mqtt {args.host}:{port} {args.topic}"
        messages = live.mqtt(args.host, port, args.topic, args.seconds, args.tls)
    else:
        if not args.port:
            raise EdgekitError("which serial port? --port /dev/ttyACM0, or COM3 on Windows")
        source = f"serial {args.port} at {args.baud} baud"
        messages = live.serial(args.port, args.baud, args.seconds)
    live.record(
        messages, args.out, source=source, label=args.label, group=args.group, rate=args.rate,
        channels=args.channels, unit=args.unit, licence=args.licence,
    )  # fmt: skip
    return 0


def _new(args) -> int:
    from edgekit.bring import Options
    from edgekit.cli import new

    options = {k: getattr(args, k) for k in Options.__dataclass_fields__}
    new.create(
        args.name, args.source, Options(**options), lab=args.lab, question=args.question,
        yes=args.yes, dry=args.dry_run,
    )  # fmt: skip
    return 0
