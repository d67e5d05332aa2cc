"""Attacks that need time: on the way to the device, and on what it does after a reset."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path

import pandas as pd

from edgekit.agent.simulator import DeviceSimulator
from edgekit.core.errors import EdgekitError
from edgekit.delivery.http import fetch_http
from edgekit.packages.package import digest

PATIENCE = 1.0  # seconds; a device in the field has more


def attack_transfer(package: bytes, core: DeviceSimulator) -> pd.DataFrame:
    """A hostile server, and a device that is played with; one row each: attack, refused, answer.

    `core` is a device that takes `package`; afterwards it runs what it ran before. Raises EdgekitError if it
    does not take it.
    """
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        to, limit = Path(name) / "update.suit", len(package) + 1024

        def fetched(url: str, **how) -> str:
            try:
                fetch_http(f"{url}/update", to, limit=limit, timeout_s=PATIENCE, **how)
            except EdgekitError as refusal:
                return str(refusal)
            return ""

        with _hostile(_promising(lambda: repeat(package))) as url:
            found["endless data"] = fetched(url)
        with _hostile(_promising(lambda: _dribble(package))) as url:
            found["slow retrieval"] = fetched(url, min_bytes_per_s=1024)
        resumed: list[int] = []
        with _hostile(_swapping(package, resumed)) as url:
            answer = fetched(url)
            found["file swapped mid-resume"] = (
                answer if any(resumed) else ""
            )  # else nothing was tried
    found |= _on_device(package, core)
    rows = [(attack, bool(answer), answer or "ACCEPTED") for attack, answer in found.items()]
    return pd.DataFrame(rows, columns=["attack", "refused", "answer"])


def _on_device(package: bytes, core: DeviceSimulator) -> dict[str, str]:
    before, runs = core.flash, core.restart().slot
    try:
        if why := core.install(package):
            raise EdgekitError(f"the package is refused without any attack: {why}")
        boots = []
        while len(boots) < 10 and (not boots or boots[-1] != runs):
            boots.append(core.restart().slot)  # nobody confirms: the new image hangs
        loop = (
            f"slot {'AB'[runs]} runs again after {len(boots) - 1} boots"
            if boots[-1] == runs
            else ""
        )
        core.restore_flash(before)
        old = core.sequence
        core.install(package)
        core.restart()  # on trial now
        replayed = [
            core.finish_trial(True, old),
            core.finish_trial(False, old),
            core.finish_trial(True, 0),
        ]
        replay = (
            ""
            if any(replayed) or not core.restart().trial
            else "not the number of what is on trial"
        )
    finally:
        core.restore_flash(before)
    return {
        "boot loop: an image that never reports": loop,
        "replayed confirm or revert": replay,
    }


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
