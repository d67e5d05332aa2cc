"""A wire that can be measured and cut: TCP connections handed on to another port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Hands on what comes to `port`. `up` and `down` are bytes to and from the target so far,
    `connections` how many there were."""

    def __init__(self, host: str, target: int):
        self._passes = threading.Event()
        self._passes.set()
        self.up = self.down = self.connections = 0
        self._host, self._target = host, target
        self._open: list[socket.socket] = []
        self._listening = socket.create_server((host, 0))
        self.port = self._listening.getsockname()[1]

    def cut(self) -> None:
        """Drop what is connected, at once and without a farewell."""
        while self._open:
            s = self._open.pop()
            with suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def stall(self) -> None:
        """Hand nothing on, and say nothing: whoever is connected hears no more, as in a dead zone."""
        self._passes.clear()

    def resume(self) -> None:
        """The end of a stall: what was connected is dropped."""
        self.cut()
        self._passes.set()

    def run(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((self._host, self._target), 5)
            except OSError:
                near.close()
                continue
            self.connections += 1
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.settimeout(None)
                self._open.append(s)
            threading.Thread(target=self._hand_on, args=(near, far, "up"), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(far, near, "down"), daemon=True).start()

    def _hand_on(self, source: socket.socket, to: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._passes.wait()
                setattr(self, way, getattr(self, way) + len(data))
                to.sendall(data)
        for s in (source, to):
            with suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.resume()


@contextmanager
def relay(target: int, host: str = "127.0.0.1") -> Iterator[Relay]:
    """A relay to `host:target` while the `with` block runs."""
    between = Relay(host, target)
    thread = threading.Thread(target=between.run, name="relay", daemon=True)
    thread.start()
    try:
        yield between
    finally:
        between.close()
        thread.join()
