"""What all ways to bring a package to a device have in common: a record each, the terms, what came of it.

A transport takes files on one side (`serve`) and gives one of them to a receiver on the other (`fetch`), byte
for byte or not at all, whatever happens in between. `transports.TRANSPORTS` lists them; whoever adds one adds
its record there, and `edgekit.testing.transport` says whether it keeps what every one promises.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import measured
from edgekit.core.html_table import TABLE

if TYPE_CHECKING:
    from edgekit.catalog import Link
    from edgekit.delivery.estimate import Choice

LIMIT = 16 << 20  # bytes of the largest file that is taken unasked
UPDATE = "update"  # the name of a file that has none
RECEIVER = "device"  # and of a receiver
NAME = re.compile(
    r"[A-Za-z0-9_-]{1,128}"
)  # of a receiver, and of a file that every transport carries
Files = bytes | Mapping[str, bytes] | Path
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """Where a receiver finds a file, who vouches for the server, and as whom to enter.

    `address` is a URL, whose scheme says which transport; `ca` a PEM file (without it, the system's
    authorities). A `user` with a `password`, or a `certificate` and its `key` (PEM files), where the server
    asks for them.
    """

    address: str
    ca: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = None

    def parts(self) -> tuple[str, str, int | None, str]:
        """Scheme, host, port and path. Raises EdgekitError, in one line, for what is no address."""
        try:
            url = urlsplit(self.address)
            parts = url.scheme.lower(), url.hostname or "", url.port, url.path
        except ValueError as error:
            raise EdgekitError(f"{self.address}: {error}") from None
        if not parts[0]:
            raise EdgekitError(f"{self.address[:80]!r} is no address: scheme://host/name")
        return parts

    def through(self, port: int) -> Source:
        """The same by another port of the same host: through a relay or a tunnel."""
        _, _, own, _ = self.parts()
        return replace(self, address=self.address.replace(f":{own}", f":{port}", 1))


class Offer(Protocol):
    """Files that are served for as long as a `with` block runs."""

    @property
    def address(self) -> str:
        """Of the server, without a slash at its end."""
        ...

    def names(self) -> list[str]:
        """Of the files that are there by now."""
        ...

    def source(self, receiver: str = RECEIVER, name: str = UPDATE) -> Source:
        """Where `receiver` fetches the file `name`. Raises EdgekitError for what can be no such name."""
        ...


class Serve(Protocol):
    def __call__(
        self, files: Files, *, receivers: tuple[str, ...] = (RECEIVER,), folder: Path | None = None,
        host: str = "127.0.0.1", port: int = 0,
    ) -> AbstractContextManager[Offer]:  # fmt: skip
        """Serve `files` to `receivers` while the block runs, at a free port unless one is named.

        `files`: the bytes of one ("update"), a mapping of names to bytes that may change meanwhile, or a
        folder of packages. `folder` keeps what TLS and the receivers need: certificates and credentials.
        Raises EdgekitError if it cannot be served.
        """
        ...


class Fetch(Protocol):
    def __call__(
        self, source: Source, to: Path | str, *, digest: bytes | None = None, limit: int = LIMIT,
        min_bytes_per_s: float = 64.0, timeout_s: float = 30.0, watch: Watch | None = None,
    ) -> Transfer:  # fmt: skip
        """Fetch the file at `source` into `to`; goes on where an earlier call was stopped.

        `digest`: the SHA-256 the file must have; without it, a file that changes is fetched anew. `limit`:
        bytes that are taken at most. Fewer than `min_bytes_per_s` bytes/s over `timeout_s` seconds, outages
        included, end it. `watch(there, size)` is called as bytes arrive (size 0 while unknown). Raises
        EdgekitError, in one line; what came is kept for the next call.
        """
        ...


class Estimate(Protocol):
    def __call__(self, size: int, over: Link, *, block_most: int, connected: bool) -> Choice:
        """What a file of `size` bytes takes over a link that carries IP; arguments as for `choose`."""
        ...


@dataclass(frozen=True)
class Transport:
    """One way to bring a file to a device.

    `schemes` of the addresses that it takes. `connects`: it has a connection, at the port of its address,
    which a relay can carry and cut. `variants`: servers that it has, by name, as arguments of `serve`.
    `in_blocks`: its `fetch` takes the bytes of a block, too (`block=…`).
    """

    key: str
    about: str
    schemes: tuple[str, ...]
    fetch: Fetch
    serve: Serve
    estimate: Estimate
    connects: bool = True
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    in_blocks: bool = False


@dataclass(frozen=True)
class Transfer:
    """A file that arrived whole. Counts are bytes of the file, not of what carried them.

    `resumed_bytes` was there from an earlier attempt, `received` came now, `repeated` of that had come
    before.
    `interruptions`: connections that were lost on the way; `restarts`: how often the file had changed,
    so that what was there was given up. `sha256` is hexadecimal.
    """

    path: Path
    size: int
    sha256: str
    seconds: float
    resumed_bytes: int
    received: int
    repeated: int
    interruptions: int
    restarts: int

    def _repr_html_(self) -> str:
        rate = measured(self.received / self.seconds / 1024, "KiB/s", "clock and bytes of this run")
        rows = {
            "file": f"{escape(self.path.name)}, {self.size:,} bytes",
            "SHA-256": f"<code>{self.sha256}</code>",
            "time": measured(self.seconds, "s", "clock of this run")._repr_html_(),
            "rate": rate._repr_html_(),
            "resumed at": f"{self.resumed_bytes:,} bytes",
            "came twice": f"{self.repeated:,} bytes",
            "interruptions": str(self.interruptions),
            "began anew": str(self.restarts),
        }
        cells = (f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows.items())
        return f"{TABLE}{''.join(cells)}</table>"


class TimeoutPolicy:
    """The slowest that is borne: `min_bytes_per_s` bytes/s, looked at every `timeout_s` seconds.

    An outage counts as slowness, so this also says how long a broker or server may be gone.
    """

    def __init__(self, min_bytes_per_s: float, timeout_s: float):
        self.need, self.timeout_s = max(1.0, min_bytes_per_s * timeout_s), timeout_s
        self.since, self.before = time.monotonic(), 0

    def check(self, got: int, what: str) -> None:
        """`got` bytes are there by now. Raises EdgekitError, ending in `what`, when that is too slow."""
        now = time.monotonic()
        if now - self.since < self.timeout_s:
            return
        came = got - self.before
        if came < self.need:
            raise EdgekitError(
                f"too slow: {max(0, came):,} bytes in {self.timeout_s:g} s, "
                f"{self.need:,.0f} are the least; {what}"
            )
        self.since, self.before = now, got


def check_name(name: str, what: str) -> str:
    """`name`, if it can name `what`. Raises EdgekitError: names become parts of paths and topics."""
    if not NAME.fullmatch(name):
        raise EdgekitError(f"{name[:80]!r} can name no {what}: 1 to 128 of A–Z, a–z, 0–9, _ and -")
    return name
