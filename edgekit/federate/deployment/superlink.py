"""A SuperLink and what it is asked for: which nodes it knows, and one run of a plan."""

from __future__ import annotations

import json
import re
import socket
import ssl
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import LockedError, locked
from edgekit.core.ports import await_server, free_port
from edgekit.federate.clients import FEWEST
from edgekit.federate.deployment import apps, certificates
from edgekit.federate.deployment.bundle import write_bundle
from edgekit.federate.deployment.processes import Process, flower, stop
from edgekit.federate.plan import Plan
from edgekit.federate.server import Federated

START = 90.0  # seconds in which a SuperLink is there, on a machine with other things to do
ASK = 120.0  # seconds for a command to it
DATABASE, ADDRESS, RESULT = "state.db", "address.json", "federated.npz"
LOCK, RUNS = "superlink.lock", "run.lock"
LOG = "run.log"  # what Flower said of the last run
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
MOST = 1000  # nodes of one SuperLink


@dataclass(frozen=True)
class SuperLink:
    """One that runs, with its state in `folder`, for who is on this machine at `port`."""

    folder: Path
    port: int
    process: Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def nodes(self) -> list[dict]:
        """The admitted nodes in the order of their numbers: name, key, and Flower's id."""
        return _nodes(self.folder)

    def admit(self, name: str, key: Path) -> int:
        """Know a SuperNode by its public `key` from now on; returns its number.

        A key that is known keeps its number. Raises EdgekitError for a bad name or key, and where another
        node has the name.
        """
        if not NAME.fullmatch(name):
            raise EdgekitError(
                f"{name!r:.80}: a node's name has letters, digits, '.', '_' and '-' only"
            )
        nodes, line = self.nodes(), certificates.public_key(key).decode()
        for number, node in enumerate(nodes):
            if node["key"] == line and node["name"] == name:
                return number
            if line == node["key"] or name == node["name"]:
                raise EdgekitError(
                    f"node {node['name']} is there already, with this key or this name"
                )
        if len(nodes) >= MOST:
            raise EdgekitError(f"there are {MOST} nodes already")
        words = ["supernode", "register", str(key), "here", "--format", "json"]
        _, said = flower(words, self.folder, ASK, self.alive)
        try:
            node_id = int(json.loads(said[said.index("{") : said.rindex("}") + 1])["node-id"])
        except (ValueError, KeyError):
            raise EdgekitError(f"node {name} was not admitted: {_last(said)}") from None
        nodes.append({"name": name, "key": line, "id": str(node_id)})
        atomic_write_bytes(self.folder / apps.NODES, json.dumps(nodes, indent=1).encode())
        return len(nodes) - 1

    def run(
        self,
        plan: Plan,
        arrays: Sequence[np.ndarray],
        *,
        wait: float = 120.0,
        patience: float = 300.0,
        module: str = "edgekit.federate.deployment.apps",
    ) -> Federated:
        """`plan` from `arrays` on, over all admitted nodes; also written to `federated.npz`.

        wait: seconds for all to be there; patience: seconds for the answers of a round. Raises EdgekitError,
        and leaves the last result as it was, where nothing comes out of it or another run is going on.
        """
        try:
            with locked(self.folder / RUNS, wait=False):
                return self._run(plan, arrays, wait, patience, module)
        except LockedError:
            raise EdgekitError("another run is going on: one after the other") from None

    def _run(
        self, plan: Plan, arrays: Sequence[np.ndarray], wait: float, patience: float, module: str
    ) -> Federated:
        if len(self.nodes()) < FEWEST:
            raise EdgekitError(f"{len(self.nodes())} node(s) admitted, a federation needs {FEWEST}")
        token = uuid.uuid4().hex
        apps.write_arrays(self.folder / apps.START, list(arrays))
        app = self.folder / "app"
        write_bundle(app, plan, token, wait=wait, patience=patience, apps=module)
        most = wait + (plan.rounds + 2) * 3 * patience + ASK
        _, said = flower(["run", str(app), "here", "--stream"], self.folder, most, self.alive)
        atomic_write_bytes(self.folder / LOG, said.encode())
        return self._outcome(token, said)

    def alive(self) -> bool:
        """Whether it still runs, whoever started it."""
        return self.process.alive if self.process else _taken(self.folder)

    def _outcome(self, token: str, said: str) -> Federated:
        file = apps.outcome(self.folder, token)
        why = file.with_suffix(".txt")
        if file.exists():
            found = apps.read_result(file)
            file.replace(self.folder / RESULT)
            return found
        if why.exists():
            raise EdgekitError(why.read_text("utf-8"))
        if not self.alive():
            how = self.process.how() if self.process else "ended"
            raise EdgekitError(f"the SuperLink {how} in mid-run: nothing was written; run again")
        raise EdgekitError(f"the run brought nothing: {_last(said)}; run again")


@contextmanager
def superlink(
    folder: Path, hosts: Sequence[str] = (), bind: str = "127.0.0.1", port: int = 0
) -> Iterator[SuperLink]:
    """A SuperLink with TLS, authenticated nodes and a database in `folder`, until the block ends.

    hosts: further names and addresses of its certificate; bind: the address to listen on; port: 0 takes a
    free one. Raises EdgekitError if another one has the folder, or if it does not start.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database has what clients sent
    try:
        with locked(folder / LOCK, wait=False):
            certificates.certify(folder, hosts)
            port = port or free_port(bind)
            process = Process.start("SuperLink", _command(folder, bind, port), folder)
            try:
                link = SuperLink(folder, port, process)
                _known_to_flower(link)
                _await(link, process)
                atomic_write_bytes(folder / ADDRESS, json.dumps({"port": port}).encode())
                yield link
            finally:
                stop([process])
                (folder / ADDRESS).unlink(missing_ok=True)
    except LockedError:
        raise EdgekitError(
            f"{folder} is served already: end that, or take another folder"
        ) from None


def served(folder: Path) -> SuperLink:
    """The SuperLink that another process serves from `folder`. Raises EdgekitError if none does."""
    folder = folder.resolve()
    if not _taken(folder):
        raise EdgekitError(f"nobody serves {folder}: `edgekit federate serve` does")
    try:
        return SuperLink(folder, int(json.loads((folder / ADDRESS).read_bytes())["port"]))
    except (OSError, ValueError, KeyError):
        raise EdgekitError(f"the SuperLink of {folder} is starting: try again") from None


def _taken(folder: Path) -> bool:
    if not (folder / LOCK).exists():
        return False
    try:
        with locked(folder / LOCK, wait=False):
            return False
    except LockedError:
        return True


def _command(folder: Path, bind: str, port: int) -> list[str]:
    if not (folder / DATABASE).exists():  # of another database, ids mean nothing
        (folder / apps.NODES).unlink(missing_ok=True)
    names = (certificates.CA, certificates.CERTIFICATE, certificates.KEY)
    ca, certificate, key = (str(folder / name) for name in names)
    return [
        "superlink", "--ssl-ca-certfile", ca, "--ssl-certfile", certificate, "--ssl-keyfile", key,
        "--enable-supernode-auth", "--host", bind, "--port", str(port), "--database",
        str(folder / DATABASE), "--isolation", "subprocess", "--disable-runtime-dependency-installation",
    ]  # fmt: skip


def _known_to_flower(link: SuperLink) -> None:
    here = {"address": link.address, "root-certificates": str(link.folder / certificates.CA)}
    text = tomli_w.dumps({"superlink": {"default": "here", "here": here}})
    atomic_write_bytes(link.folder / "flower" / "config.toml", text.encode())


def _await(link: SuperLink, process: Process) -> None:
    context = ssl.create_default_context(cafile=str(link.folder / certificates.CA))

    def handshake() -> None:
        with socket.create_connection(("127.0.0.1", link.port), 2) as s:
            context.wrap_socket(s, server_hostname="127.0.0.1").close()

    if await_server(handshake, lambda: process.alive, START):
        return
    if not process.alive:
        raise EdgekitError(f"the SuperLink {process.how()}")
    raise EdgekitError(f"the SuperLink did not start within {START:g} s: {process.reason()}")


def _nodes(folder: Path) -> list[dict]:
    try:
        return json.loads((folder / apps.NODES).read_bytes())
    except FileNotFoundError:
        return []


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "flwr said nothing"
