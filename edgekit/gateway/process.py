"""The gateway as a process: MQTT in, what it concludes, HTTP out, each in a thread, until SIGTERM.

Nothing but the outbox's file is kept: after a kill the next process goes on where this one was.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.delivery.mqtt_client import Connection
from edgekit.gateway.forward import Forwarder
from edgekit.gateway.inbox import Inbox
from edgekit.gateway.metrics import Metrics
from edgekit.gateway.second_opinion import Judge, LargerModel, Statistics
from edgekit.telemetry.outbox import EventSource, Outbox

log = logging.getLogger("edgekit.gateway")


@dataclass(frozen=True)
class Settings:
    """`name`: of the gateway, in its own events. `cloud`: a URL, `ca` who vouches for it (PEM). `clear`: the
    token may go over http. `metrics`: a port of this machine, 0 for none."""

    connection: Connection
    cloud: str
    token_file: Path
    database: Path
    name: str = "gateway"
    ca: Path | None = None
    clear: bool = False
    metrics: int = 0
    most_bytes: int = 1 << 30


def run(
    settings: Settings, model: LargerModel | None = None, statistics: Statistics | None = None,
    stop: threading.Event | None = None,
) -> int:  # fmt: skip
    """Until SIGTERM, SIGINT or `stop`; the process's exit code. Raises EdgekitError for settings that cannot
    be, and where the broker does not let this gateway in."""
    stop = stop or threading.Event()
    outbox = Outbox(settings.database, most_bytes=settings.most_bytes)
    metrics = Metrics(outbox)
    source = EventSource(settings.name, outbox)
    looks = model is not None or statistics is not None
    if not looks:
        outbox.settle_all()  # of an earlier process that looked
    inbox = Inbox(settings.connection, outbox, metrics, waits=looks)
    forwarder = Forwarder(
        settings.cloud, settings.token_file, outbox, metrics, ca=settings.ca, clear=settings.clear
    )
    if settings.metrics:
        metrics.serve(settings.metrics)
        log.info("metrics at http://127.0.0.1:%d/metrics", settings.metrics)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    log.info("gateway %s, epoch %d: %d events here", settings.name, source.epoch, len(outbox))
    parts: list[tuple[str, Callable[[threading.Event], None]]]
    parts = [("inbox", inbox.run), ("forward", forwarder.run)]
    if looks:
        parts.append(("judge", Judge(source, metrics, model, statistics).run))
    failed: list[BaseException] = []
    threads = [
        threading.Thread(target=_part, args=(part, stop, failed), name=name, daemon=True)
        for name, part in parts
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):
        pass
    for thread in threads:
        thread.join(60)
    log.info("gateway %s stops: %d events here", settings.name, len(outbox))
    outbox.close()
    if failed:
        if isinstance(failed[0], EdgekitError):
            raise failed[0]
        raise EdgekitError(f"the gateway failed: {type(failed[0]).__name__}: {failed[0]}")
    return 0


def _part(part, stop: threading.Event, failed: list) -> None:
    """One that fails ends all: what starts the process starts it again, whole."""
    try:
        part(stop)
    except BaseException as error:
        if not isinstance(error, EdgekitError):
            log.exception("a part of the gateway failed")
        failed.append(error)
        stop.set()
