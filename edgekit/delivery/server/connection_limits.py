"""How long the HTTP server bears with a connection, and how many of them it has.

A timeout for each read or write starts again with each byte; so what is looked at, as on the client's side,
is how much was handed over since the last look. A header of one byte a second, a reader that stopped and a
connection that only waits all look alike then.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class CountingTransport:
    """A transport that knows how many bytes it has got rid of."""

    def __init__(self, transport):
        self._transport, self._written = transport, 0

    def write(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)

    @property
    def gone(self) -> int:
        return self._written - self._transport.get_write_buffer_size() - self._queued()

    def _queued(self) -> int:
        """Bytes that the system holds and nobody has acknowledged yet; 0 where it does not tell."""
        if sys.platform == "linux":
            from fcntl import ioctl
            from termios import TIOCOUTQ

            with suppress(OSError):
                fd = self._transport.get_extra_info("socket").fileno()
                return struct.unpack("i", ioctl(fd, TIOCOUTQ, bytes(4)))[0]
        return 0

    def __getattr__(self, name: str):
        return getattr(self._transport, name)


def protocol(most: int, min_bytes_per_s: float, timeout_s: float) -> type[H11Protocol]:
    """uvicorn's protocol for connections, of which there are `most`.

    One that within `timeout_s` seconds takes neither a whole answer nor `min_bytes_per_s` bytes/s is cut.
    """

    class RateLimitedProtocol(H11Protocol):
        look: asyncio.TimerHandle | None = None
        gone, answered = 0, False

        def connection_made(self, transport: Any) -> None:
            self.counting = CountingTransport(transport)
            super().connection_made(cast("asyncio.Transport", self.counting))
            if len(self.connections) > most:
                self.transport.abort()
                return
            self.look = self.loop.call_later(timeout_s, self.check)

        def check(self) -> None:
            gone = self.counting.gone
            if not self.answered and gone - self.gone < max(1.0, min_bytes_per_s * timeout_s):
                self.transport.abort()
                return
            self.gone, self.answered = gone, False
            self.look = self.loop.call_later(timeout_s, self.check)

        def on_response_complete(self) -> None:
            self.answered = True
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.look:
                self.look.cancel()
            super().connection_lost(exc)

    return RateLimitedProtocol


class Server(uvicorn.Server):
    """uvicorn's server, with an end to handshakes too."""

    def __init__(self, config: uvicorn.Config, timeout_s: float):
        super().__init__(config)
        self._patience = timeout_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        if self.config.ssl:
            limited = partial(loop.create_server, ssl_handshake_timeout=self._patience)
            loop.create_server = limited  # type: ignore[method-assign]
        await super().startup(sockets)
