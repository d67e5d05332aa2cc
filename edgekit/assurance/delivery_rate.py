"""How fast delivery is on this machine, and what it puts on the wire: real brokers, TLS."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.delivery.http import fetch_http
from edgekit.delivery.mqtt import fetch, serve
from edgekit.delivery.server.broker import broker
from edgekit.delivery.server.certificates import certify
from edgekit.delivery.server.http import serve_http

THING = "device"


def measure(
    size: int = 61_440, blocks: tuple[int, ...] = (1024, 4096), folder: Path | str | None = None,
    repeat: int = 3,
) -> list[dict]:  # fmt: skip
    """Fetch `size` random bytes over each way that is installed; one row for each way and block size.

    A row: `way`, `block`, `connect` (s: TCP, TLS, sign-in, description, to the first bytes), `seconds` (all
    of it, to the renamed file), `rate` (KiB/s, `size` over `seconds`), `wire` (bytes both ways, TLS
    included, IP and TCP not), the best of `repeat`. Every block waits for the disk of `folder` (a
    temporary one if none is named), which often sets the rate.
    """
    rows, data = [], os.urandom(size)
    with tempfile.TemporaryDirectory(dir=folder) as where:
        root = Path(where)
        for kind in ("amqtt", "mosquitto"):
            try:
                with _mqtt(kind, root, data) as (connection, wire):
                    for block in blocks:

                        def get(watch, connection=connection, block=block):
                            fetch(connection, THING, root / "file", block=block, watch=watch)

                        rows.append(_row(f"mqtt, {kind}", block, get, wire, size, repeat))
            except EdgekitError as error:
                rows.append({"way": f"mqtt, {kind}", "missing": str(error)})
        with _http(root, data) as (url, wire):

            def get(watch):
                fetch_http(url, root / "file", ca=root / "ca.pem", watch=watch)

            rows.append(_row("http", None, get, wire, size, repeat))
    return rows


@contextmanager
def _mqtt(kind: str, root: Path, data: bytes):
    with broker(kind, root / kind, (THING,)) as running, relay(running.port) as wire:
        connection = replace(running.connection(THING), port=wire.port)
        with serve(data, running.connection()):
            yield connection, wire


@contextmanager
def _http(root: Path, data: bytes):
    certificate = certify(root, "web", "127.0.0.1")
    with serve_http(data, certificate=certificate, key=root / "web.key") as url:
        port = int(url.rpartition(":")[2])
        with relay(port) as wire:
            yield f"{url.removesuffix(str(port))}{wire.port}/update", wire


def _row(
    way: str, block: int | None, get, wire, size: int, repeat: int
) -> dict[str, str | int | Figure]:
    connects, counts, whole = [], [], []
    for _ in range(repeat):
        seen: list[float] = []
        before, start = wire.up + wire.down, time.perf_counter()
        get(lambda _there, _size, seen=seen: seen.append(time.perf_counter()))
        whole.append(time.perf_counter() - start)
        connects.append(seen[0] - start)
        counts.append(wire.up + wire.down - before)
    how = f"{size:,} bytes over TLS on one machine, best of {repeat}"
    return {
        "way": way,
        "block": block,
        "connect": measured(min(connects), "s", how),
        "rate": measured(size / min(whole) / 1024, "KiB/s", how),
        "seconds": measured(min(whole), "s", how),
        "wire": measured(min(counts), "bytes", "counted by a relay, without IP and TCP"),
    }
