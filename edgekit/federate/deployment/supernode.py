"""A SuperNode: one client's windows, its key, and Flower's process that answers for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import free_port
from edgekit.federate.clients import Client
from edgekit.federate.deployment import apps, certificates
from edgekit.federate.deployment.processes import Process, stop
from edgekit.federate.deployment.superlink import SuperLink, superlink

ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):(\d{1,5})", re.ASCII)


def prepare(folder: Path, client: Client, settings: dict[str, Any]) -> Path:
    """A node's `folder` with the `client`'s windows, `settings` (see `apps`), and its key; returns the
    public one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # its windows are nobody else's
    apps.write_node(folder, client.X, client.y, settings)
    return certificates.node_key(folder)


@contextmanager
def supernode(
    folder: Path, address: str, ca: Path, number: int, name: str = "this node"
) -> Iterator[Process]:
    """The SuperNode of `folder`, for the SuperLink at `address` (HOST:PORT) that `ca` vouches for.

    number: that it was admitted with. Raises EdgekitError for an address or an authority that is none.
    """
    folder = folder.resolve()
    match = ADDRESS.fullmatch(address)
    if not match or not 0 < int(match[2]) < 65_536:
        raise EdgekitError(f"{address!r:.200}: HOST:PORT is where the SuperLink is")
    pem = ca.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise EdgekitError(f"{ca} is no certificate (PEM): take the ca.pem of who serves")
    atomic_write_bytes(folder / certificates.CA, pem)
    certificates.node_key(folder)
    command = [
        "supernode", "--root-certificates", str(folder / certificates.CA), "--superlink", address,
        "--auth-supernode-private-key", str(folder / certificates.NODE_KEY), "--host", "127.0.0.1",
        "--port", str(free_port()), "--isolation", "subprocess",
        "--node-config", f"partition-id={number:d}",
    ]  # fmt: skip
    process = Process.start(name, command, folder)
    try:
        yield process
    finally:
        stop([process])


@contextmanager
def loopback(
    folder: Path, clients: Sequence[Client], settings: dict[str, Any]
) -> Iterator[tuple[SuperLink, list[Process]]]:
    """A SuperLink and a SuperNode for each of `clients`, all on this machine, until the block ends.

    Folders are numbered: a client's name is somebody's, and no path. `settings`: see `apps.settings`.
    """
    folder = folder.resolve()
    with ExitStack() as stack:
        link = stack.enter_context(superlink(folder))
        processes: list[Process] = []
        stack.callback(stop, processes)  # all at once: a node may need some seconds
        for number, client in enumerate(clients):
            own = folder / "nodes" / f"{number}"
            key = prepare(own, client, settings)
            place = link.admit(f"node-{number}", key)
            processes.append(
                stack.enter_context(
                    supernode(own, link.address, folder / certificates.CA, place, f"node-{number}")
                )
            )
        yield link, processes
