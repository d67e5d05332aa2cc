"""Attacks that need time: on the way to the device, and on what it does after a reset."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path

from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attack_record import Attack
from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.packages.package import digest

PATIENCE = 1.0  # seconds; a device in the field has more


Call = Callable[[], str]


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

    def fetched(self, url: str, **how) -> str:
        """The refusal of a download, "" if it was taken."""
        to, limit = self.folder / "update.suit", len(self.package) + 1024
        try:
            fetch_http(f"{url}/update", to, limit=limit, timeout_s=PATIENCE, **how)
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
        yield lambda: t.fetched(url, min_bytes_per_s=1024)


def _swapped(t: TransferTarget) -> Iterable[Call]:
    resumed: list[int] = []

    def answer() -> str:
        refusal = t.fetched(url)
        return refusal if any(resumed) else ""  # else nothing was tried

    with _hostile(_swapping(t.package, resumed)) as url:
        yield answer


def _boot_loop(t: TransferTarget) -> Iterable[Call]:
    def answer() -> str:
        runs = t.core.restart().slot
        t.install()
        boots: list[int] = []
        while len(boots) < 10 and (not boots or boots[-1] != runs):
            boots.append(t.core.restart().slot)  # nobody confirms: the new image hangs
        if boots[-1] != runs:
            return ""
        return f"slot {'AB'[runs]} runs again after {len(boots) - 1} boots"

    yield answer


def _replayed(t: TransferTarget) -> Iterable[Call]:
    def answer() -> str:
        old = t.core.sequence
        t.install()
        t.core.restart()  # on trial now
        meant = ((True, old), (False, old), (True, 0))
        taken = [t.core.finish_trial(*verdict) for verdict in meant]
        if any(taken) or not t.core.restart().trial:
            return ""
        return "not the number of what is on trial"

    yield answer


TRANSFER = (
    Attack("endless data", "way", _endless),
    Attack("slow retrieval", "way", _slow),
    Attack("file swapped mid-resume", "way", _swapped),
    Attack("boot loop: an image that never reports", "way", _boot_loop),
    Attack("replayed confirm or revert", "way", _replayed),
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


def _swapping(data: bytes, resumed: list[int]) -> Callable:
    """Half of a file and a broken line; whoever resumes gets another file's rest under the same ETag."""
    tag, half, size = f'"{digest(data).hex()}"', len(data) // 2, len(data)

    def answer(request) -> Iterator[bytes]:
        if "Range" not in request.headers:
            request.begin(200, {"ETag": tag, "Content-Length": size})
            yield data[:half]
            return
        resumed.append(at := int(request.headers["Range"].removeprefix("bytes=").rstrip("-")))
        span = f"bytes {at}-{size - 1}/{size}"
        request.begin(206, {"ETag": tag, "Content-Length": size - at, "Content-Range": span})
        yield bytes(size - at)

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
