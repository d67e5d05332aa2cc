"""How fast delivery is on this machine, and what it puts on the wire: real brokers, TLS."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edgekit.assurance.relay import Relay, relay
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.delivery import TRANSPORTS
from edgekit.delivery.transport import Watch


def measure(
    size: int = 61_440, blocks: tuple[int, ...] = (1024, 4096), folder: Path | str | None = None,
    repeat: int = 3,
) -> list[dict]:  # fmt: skip
    """Fetch `size` random bytes by each transport and variant that is installed; a row for each, and block.

    `blocks`: their sizes in bytes, for the transports that fetch in blocks.

    A row: `way`, `block`, `connect` (s: TCP, TLS, sign-in, description, to the first bytes), `seconds` (all
    of it, to the renamed file), `rate` (KiB/s, `size` over `seconds`), `wire` (bytes both ways, TLS
    included, IP and TCP not), the best of `repeat`. Every block waits for the disk of `folder` (a
    temporary one if none is named), which often sets the rate.
    """
    rows, data = [], os.urandom(size)
    for transport in TRANSPORTS.values():
        for variant, own in transport.variants.items():
            way = f"{transport.key}, {variant}".removesuffix(", ")
            with tempfile.TemporaryDirectory(dir=folder) as where:
                root = Path(where)
                try:
                    with (
                        transport.serve(data, folder=root, **own) as offer,
                        relay(offer.source().parts()[2] or 0) as wire,
                    ):
                        source = offer.source().through(wire.port)
                        for block in blocks if transport.in_blocks else (None,):
                            how = {"block": block} if block else {}

                            def get(
                                watch, fetch=transport.fetch, source=source, how=how, root=root
                            ):
                                fetch(source, root / "file", watch=watch, **how)

                            rows.append(_row(way, block, get, wire, size, repeat))
                except EdgekitError as error:
                    rows.append({"way": way, "missing": str(error)})
    return rows


def _row(
    way: str, block: int | None, get: Callable[[Watch], None], wire: Relay, size: int, repeat: int
) -> dict[str, str | int | Figure | None]:
    connects, counts, whole = [], [], []
    for _ in range(repeat):
        seen: list[float] = []
        before, start = wire.up + wire.down, time.perf_counter()

        def watch(_there: int, _size: int, seen: list[float] = seen) -> None:
            seen.append(time.perf_counter())

        get(watch)
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
