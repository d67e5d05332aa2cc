"""The service as a process: HTTP or HTTPS until it is told to stop, and old data deleted as it goes."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from edgekit.cloud import figures, privacy
from edgekit.cloud.app import app
from edgekit.cloud.objects import Objects
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import listen
from edgekit.delivery.server.connection_limits import Server, protocol

log = logging.getLogger("edgekit.cloud")
CONNECTIONS = 256
MIN_BYTES_PER_S = 64.0  # of a connection that is neither served nor waiting for the database
TIMEOUT_S = 60.0
CLEAN_EVERY_S = 6 * 3600.0


def serve(
    engine: Engine, objects: Objects, host: str = "127.0.0.1", port: int = 8000, *,
    certificate: Path | None = None, key: Path | None = None, days: Mapping[str, float] | None = None,
) -> None:  # fmt: skip
    """Serve at `host` and `port` until interrupted; with a `certificate` and its `key` (PEM files) over TLS.

    `days`: as `privacy.keep`, done at the start and every six hours. Raises EdgekitError if the port is
    taken or the certificate no use.
    """
    _log_plainly()
    made = app(engine, objects, secure=certificate is not None)
    config = uvicorn.Config(
        made, access_log=False, lifespan="off", timeout_graceful_shutdown=5, log_config=None,
        log_level="warning", ssl_certfile=certificate, ssl_keyfile=key, ssl_keyfile_password="",
        ws="none", http=protocol(CONNECTIONS, MIN_BYTES_PER_S, TIMEOUT_S), server_header=False,
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise EdgekitError(f"no TLS with {certificate} and {key or certificate}: {said}") from None
    with listen(host, port, CONNECTIONS) as listening:
        scheme, where = "https" if certificate else "http", f"[{host}]" if ":" in host else host
        print(f"serving {scheme}://{where}:{listening.getsockname()[1]}", flush=True)
        if not certificate and not host.startswith(("127.", "localhost", "::1")):
            log.warning("without TLS, tokens can be read on the way to %s", host)
        stop = threading.Event()
        chores = threading.Thread(
            target=_chores, args=(made, engine, objects, dict(days or {}), stop), daemon=True
        )
        chores.start()
        try:
            Server(config, TIMEOUT_S).run([listening])
        finally:
            stop.set()


def _chores(
    made: FastAPI, engine: Engine, objects: Objects, days: dict[str, float], stop: threading.Event
) -> None:
    """Add up the weeks before somebody asks, then delete what is too old or nobody's, again and again."""
    while not stop.is_set():
        try:
            with engine.connect() as connection:
                figures.Weeks(connection, known=made.state.weeks)
            gone = privacy.keep(engine, objects, days)
            gone["orphan"] = privacy.clean(engine, objects)
            if any(gone.values()):
                log.info("deleted: %s", ", ".join(f"{n} {kind}" for kind, n in gone.items() if n))
        except Exception:
            log.exception("deleting what is too old failed; it is tried again")
        stop.wait(CLEAN_EVERY_S)


def _log_plainly() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
