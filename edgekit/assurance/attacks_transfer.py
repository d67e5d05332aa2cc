"""Attacks that need time: on the way to the device, and on what it does after a reset."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path

from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attack_record import Attack, Call
from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.packages.package import digest

PATIENCE = 1.0  # seconds; a device in the field has more
FLOOR = 1024  # bytes a second, below which it gives up


@dataclass(frozen=True, eq=False)
class TransferTarget:
    """A device that takes `package`, and a folder to fetch it into. An attempt is something to call."""

    core: DeviceSimulator
    package: bytes
    folder: Path

    def answer(self, attempt: Call) -> str:
        """The refusal; afterwards the device has the flash that it had."""
        before = self.core.flash
        try:
            return attempt()
        finally:
            self.core.restore_flash(before)

    def control(self) -> Iterator[Call]:
        """A server that sends the package, and a device that takes it."""
        with _hostile(_promising(lambda: [self.package])) as url:
            yield lambda: self.fetched(url) or self.core.install(self.package)

    @property
    def state(self) -> tuple[bytes, int]:
        """The flash, and the number of what runs."""
        return self.core.flash, self.core.sequence

    def fetched(self, url: str, known: bool = True) -> str:
        """The refusal of a download, "" if it was taken. known: asked for by its SHA-256, not its name alone.

        Only a file that is known may come without its length: else that would be what is refused.
        """
        to, limit = self.folder / "update.suit", len(self.package) + 1024
        wanted = digest(self.package) if known else None
        try:
            fetch_http(
                f"{url}/update",
                to,
                digest=wanted,
                limit=limit,
                timeout_s=PATIENCE,
                min_bytes_per_s=FLOOR,
            )
        except EdgekitError as refusal:
            return str(refusal)
        return ""

    def install(self) -> None:
        if why := self.core.install(self.package):
            raise EdgekitError(f"the package is refused without any attack: {why}")


def _endless(t: TransferTarget) -> Iterable[Call]:
    with _hostile(_promising(lambda: repeat(t.package))) as url:
        yield lambda: t.fetched(url)


def _slow(t: TransferTarget) -> Iterable[Call]:
    with _hostile(_promising(lambda: _dribble(t.package))) as url:
        yield lambda: t.fetched(url)


def _resumed(t: TransferTarget, swapped: bool) -> Iterable[Call]:
    """Half of the file and a broken line; then the rest of it, or another's."""
    resumed: list[int] = []
    whole = bytes(len(t.package)) if swapped else t.package

    def answer() -> str:
        refusal = t.fetched(url, known=False)
        if any(resumed):
            return refusal
        return "" if swapped else "nothing was resumed"  # nothing was tried

    with _hostile(_breaking(t.package, whole, resumed)) as url:
        yield answer


def _boot_loop(t: TransferTarget, confirmed: bool) -> Iterable[Call]:
    def answer() -> str:
        runs = t.core.restart().slot
        t.install()
        boots = [t.core.restart().slot]
        if confirmed:
            t.core.finish_trial(True)
        while len(boots) < 10 and boots[-1] != runs:
            boots.append(t.core.restart().slot)  # nobody confirms: the new image hangs
        if boots[-1] != runs:
            return ""
        return f"slot {'AB'[runs]} runs again after {len(boots) - 1} boots"

    yield answer


def _verdicts(t: TransferTarget, replayed: bool) -> Iterable[Call]:
    def answer() -> str:
        old = t.core.sequence
        t.install()
        t.core.restart()  # on trial now
        meant = ((True, old), (False, old), (True, 0)) if replayed else ((True, t.core.sequence),)
        taken = [t.core.finish_trial(*verdict) for verdict in meant]
        if any(taken) or not t.core.restart().trial:
            return ""
        return "not the number of what is on trial"

    yield answer


TRANSFER = (
    Attack("endless data", "way", _endless, ("does not end",)),
    Attack("slow retrieval", "way", _slow, ("too slow",)),
    Attack(
        "file swapped mid-resume",
        "way",
        partial(_resumed, swapped=True),
        ("not the file that was asked for",),
        partial(_resumed, swapped=False),
    ),
    Attack(
        "boot loop: an image that never reports",
        "way",
        partial(_boot_loop, confirmed=False),
        ("runs again",),
        partial(_boot_loop, confirmed=True),
    ),
    Attack(
        "replayed confirm or revert",
        "way",
        partial(_verdicts, replayed=True),
        ("not the number of what is on trial",),
        partial(_verdicts, replayed=False),
    ),
)


def _promising(body: Callable[[], Iterable[bytes]]) -> Callable:
    """An answer that says nothing of its length."""

    def answer(request) -> Iterator[bytes]:
        request.begin(200, {})
        yield from body()

    return answer


def _dribble(data: bytes) -> Iterator[bytes]:
    for i in range(len(data)):
        time.sleep(0.05)
        yield data[i : i + 1]


def _breaking(data: bytes, whole: bytes, resumed: list[int]) -> Callable:
    """Half of a file and a broken line; whoever resumes gets the rest of `whole` under the same ETag."""
    tag, half, size = f'"{digest(data).hex()}"', len(data) // 2, len(data)

    def answer(request) -> Iterator[bytes]:
        if "Range" not in request.headers:
            request.begin(200, {"ETag": tag, "Content-Length": size})
            yield data[:half]
            return
        resumed.append(at := int(request.headers["Range"].removeprefix("bytes=").rstrip("-")))
        span = f"bytes {at}-{size - 1}/{size}"
        request.begin(206, {"ETag": tag, "Content-Length": size - at, "Content-Range": span})
        yield whole[at:]

    return answer


@contextmanager
def _hostile(answer: Callable[[BaseHTTPRequestHandler], Iterator[bytes]]) -> Iterator[str]:
    """A server that sends what `answer(request)` yields, until the client hangs up."""

    class Handler(BaseHTTPRequestHandler):
        def begin(self, status: int, headers: dict) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()

        def do_GET(self):
            with suppress(OSError):
                for part in answer(self):
                    self.wfile.write(part)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
