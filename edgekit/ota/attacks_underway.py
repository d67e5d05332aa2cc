"""Attacks that need time: on the way to the device, and on what it does after a reset."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd

from edgekit.errors import EdgekitError
from edgekit.ota.core import Core
from edgekit.ota.delivery import fetch_http, serve_http
from edgekit.ota.package import digest

PATIENCE = 1.0  # seconds; a device in the field has more


def attack_underway(package: bytes, core: Core) -> pd.DataFrame:
    """A hostile server, and a device that is played with; one row each: attack, refused, answer.

    `core` is a device that takes `package`; afterwards it runs what it ran before. Raises EdgekitError if it
    does not take it.
    """
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        to, limit = Path(name) / "update.suit", len(package) + 1024

        def fetched(url: str, **how) -> str:
            try:
                fetch_http(f"{url}/update", to, limit=limit, patience=PATIENCE, **how)
            except EdgekitError as refusal:
                return str(refusal)
            return ""

        with _hostile(lambda: iter(lambda: package, None)) as url:
            found["endless data"] = fetched(url)
        with _hostile(lambda: _dribble(package)) as url:
            found["slow retrieval"] = fetched(url, floor=1024)
        half = {"ETag": f'"{digest(package).hex()}"', "Content-Length": str(len(package))}
        with _hostile(lambda: iter([package[: len(package) // 2]]), half) as url:
            fetched(url)
        with serve_http(bytes(reversed(package))) as url:
            found["file swapped mid-resume"] = fetched(url, digest=digest(package))
    found |= _on_device(package, core)
    rows = [(attack, bool(answer), answer or "ACCEPTED") for attack, answer in found.items()]
    return pd.DataFrame(rows, columns=["attack", "refused", "answer"])


def _on_device(package: bytes, core: Core) -> dict[str, str]:
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
        core.power_on(before)
        core.install(package)
        core.reset()
        kept = core.flash
        core.judge(healthy=True)
        replay = "nothing is on trial, nothing was written" if core.flash == kept else ""
        core.judge(healthy=False)
        replay = replay if core.flash == kept else ""
    finally:
        core.power_on(before)
    return {"boot loop: an image that never reports": loop, "replayed confirm or revert": replay}


def _dribble(data: bytes) -> Iterator[bytes]:
    for i in range(len(data)):
        time.sleep(0.05)
        yield data[i : i + 1]


@contextmanager
def _hostile(body: Callable[[], Iterator[bytes]], headers: dict | None = None) -> Iterator[str]:
    """A server that sends what `body` yields, until the client hangs up, and promises what it likes."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in body():
                    self.wfile.write(part)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
