"""Flower's own command, kept on a lead: `python -m …launch PARENT superlink|supernode WORD …`.

It ends with all that it started when the process `PARENT` is gone, however that ended: nothing goes on for
nobody. And whoever is not on this machine reaches the part of a SuperLink that answers SuperNodes, which are
authenticated, and not the parts that start runs and hand out tasks, which ask nobody who they are.

Private to flwr 1.42.0: the two functions that `_superlink` replaces.
"""

from __future__ import annotations

import importlib
import ipaddress
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

FOR_NODES = "/v1/fleet/"  # what a SuperLink has for SuperNodes
LOOK = 0.5  # seconds between two looks at the parent


class Guard:
    """The ASGI application `app`, of which strangers get what is for SuperNodes."""

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan" or allowed(scope.get("client"), scope["path"]):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"for this machine only"})


def allowed(client: tuple[str, int] | None, path: str) -> bool:
    """Whether who speaks from `client` (address, port) may ask for `path`."""
    try:
        here = client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        here = False
    return here or (path.startswith(FOR_NODES) and ".." not in path)


def _end_with(parent: int) -> None:
    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        if sys.platform != "win32":  # where nothing is launched
            os.killpg(0, signal.SIGKILL)

    threading.Thread(target=look, daemon=True).start()


def _superlink() -> None:
    main: Any = importlib.import_module("flwr.superlink.main")
    command: Any = importlib.import_module("flwr.superlink.cli.flower_superlink")
    create = main.create_app
    main.create_app = lambda *how, **named: Guard(create(*how, **named))
    command.get_popen_detach_kwargs = dict  # what it starts stays in its group, to be ended with it
    command.flower_superlink()


def _supernode() -> None:
    from flwr.supernode.cli.flower_supernode import flower_supernode

    flower_supernode()


if __name__ == "__main__":
    _, parent, kind, *words = sys.argv
    _end_with(int(parent))
    sys.argv = [f"flower-{kind}", *words]
    {"superlink": _superlink, "supernode": _supernode}[kind]()
