"""Ports of this machine."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from edgekit.core.errors import EdgekitError


def free_port(host: str = "127.0.0.1") -> int:
    """The number of a TCP port of `host`, an address of this machine, at which nobody listens now."""
    with socket.socket(_family(host)) as s:
        s.bind((host, 0))
        return int(s.getsockname()[1])


def listen(host: str, port: int, waiting: int = 128) -> socket.socket:
    """A socket at `host`:`port`, at which clients may connect; `waiting` may wait. Raises EdgekitError
    where it is taken, or no address of this machine."""
    listening = socket.socket(_family(host))
    # else a port rests for a minute; on Windows it would let two have the same one
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        listening.close()
        said = getattr(error, "strerror", None) or "no such host"
        raise EdgekitError(f"cannot serve at {host}:{port}: {said}") from None
    listening.listen(waiting)
    return listening


def reach(port: int, host: str = "127.0.0.1") -> None:
    """Connect to `host` and hang up. Raises OSError where nobody listens."""
    socket.create_connection((host, port), 1).close()


def await_server(
    reach: Callable[[], object], alive: Callable[[], bool], seconds: float, pause: float = 0.02
) -> bool:
    """Whether a server that is starting answers: True as soon as `reach()` raises no OSError; False when
    it is not `alive()` any more, or after so many `seconds`. `pause`: seconds between two tries."""
    until = time.monotonic() + seconds
    while alive() and time.monotonic() < until:
        try:
            reach()
            return True
        except OSError:
            time.sleep(pause)
    return False


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
