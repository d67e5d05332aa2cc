"""`edgekit gateway`: the fog tier as a process."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from edgekit.cli.types import int_between
from edgekit.core import escape
from edgekit.core.errors import EdgekitError


def add(commands) -> None:
    """Hang the command into the parser of `edgekit`."""
    gateway = commands.add_parser(
        "gateway", help="keep what devices say over MQTT, look at it, pass it on to the cloud"
    )
    gateway.add_argument("--broker", required=True, metavar="HOST:PORT")
    gateway.add_argument(
        "--credentials", required=True, metavar="FOLDER",
        help="ca.pem, and NAME.password, or NAME.pem and NAME.key",
    )  # fmt: skip
    gateway.add_argument("--name", default="gateway", help="of this gateway (gateway)")
    gateway.add_argument("--cloud", required=True, metavar="URL", help="https://host")
    gateway.add_argument("--token", required=True, metavar="FILE", help="that the cloud gave out")
    gateway.add_argument("--ca", default="", help="who vouches for the cloud (PEM)")
    gateway.add_argument(
        "--insecure-http", action="store_true", help="let others read the token on its way"
    )
    gateway.add_argument(
        "--model", default="", metavar="FILE", help=".tflite or .onnx: a second opinion on segments"
    )
    gateway.add_argument(
        "--use-case", default="", help="whose teacher_input makes the model's input of samples"
    )
    gateway.add_argument("--database", default="gateway.db", metavar="FILE", help="(gateway.db)")
    gateway.add_argument(
        "--most-mb", type=int_between(1, 1_000_000), default=1024,
        help="of the database; then segments are dropped, reports last, and counted (1024)",
    )  # fmt: skip
    gateway.add_argument(
        "--metrics", type=int_between(1, 65_535), default=0, metavar="PORT", help="for Prometheus"
    )
    gateway.set_defaults(do=_gateway)


def _gateway(args) -> int:
    from edgekit import gateway
    from edgekit.delivery.mqtt_client import credentials

    logging.basicConfig(level=logging.WARNING, handlers=[_PlainLog()])
    logging.getLogger("edgekit").setLevel(logging.INFO)
    host, port = address(args.broker)
    settings = gateway.Settings(
        connection=credentials(Path(args.credentials), args.name, host, port),
        cloud=args.cloud,
        token_file=Path(args.token),
        database=Path(args.database),
        name=args.name,
        ca=Path(args.ca) if args.ca else None,
        clear=args.insecure_http,
        metrics=args.metrics,
        most_bytes=args.most_mb << 20,
    )
    model = gateway.LargerModel(Path(args.model), _step(args.use_case)) if args.model else None
    return gateway.run(settings, model)


def _step(use_case: str) -> Any:
    if not use_case:
        return None
    from edgekit import usecases
    from edgekit.core.workspace import Workspace

    return usecases.load(use_case, Workspace.find().folder).teacher_input


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 address in brackets. Raises EdgekitError for anything else."""
    host, sign, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (sign and host and port.isdecimal() and 0 < int(port[:6]) < 65_536):
        raise EdgekitError(f"--broker {text[:200]!r}: HOST:PORT, 8883 for MQTT over TLS")
    return host, int(port)


class _PlainLog(logging.StreamHandler):
    """A line an entry, to standard error: time, level, text."""

    def format(self, record: logging.LogRecord) -> str:
        self.formatter = self.formatter or logging.Formatter(
            "%(asctime)s %(levelname)s %(message)s"
        )
        text = self.formatter.format(record)
        return text if record.exc_info else escape.line(text)
