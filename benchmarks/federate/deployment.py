"""A deployment on loopback: SuperLink and three SuperNodes with TLS and keys, a process for each message.

What comes out, what goes over the wire, who is refused, and what a kill leaves.
"""

from __future__ import annotations

import http.client
import os
import signal
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.bars import Bars
from benchmarks.federate.deployed import CLASSES, FEATURES, SETTINGS, Softmax
from benchmarks.federate.relay import Relay, names
from edgekit.core.errors import EdgekitError
from edgekit.federate.client import client_app
from edgekit.federate.clients import Client
from edgekit.federate.deployment import certificates
from edgekit.federate.deployment.processes import FOLDER, Process
from edgekit.federate.deployment.superlink import RESULT, SuperLink, superlink
from edgekit.federate.deployment.supernode import prepare, supernode
from edgekit.federate.grid import InProcessGrid
from edgekit.federate.plan import Plan
from edgekit.federate.server import Federated, federate

APPS = "benchmarks.federate.deployed"
CLIENTS, LIMIT = 3, 300.0
PLAN = Plan(rounds=2, epochs=2, rate=0.2, seed=3)
KINDS = {"Message", "RecordDict", "ArrayRecord", "Array", "ArrayChunk", "MetricRecord"}
METRICS = {"num-examples", "loss"}


def clients() -> list[Client]:
    """Three whose windows a rule tells apart."""
    rng, made = np.random.default_rng(0), []
    for i in range(CLIENTS):
        X = rng.normal(size=(60, 1, FEATURES, 1)).astype(np.float32)
        made.append(Client(f"c{i}", X, (X[:, 0, 3, 0] + 0.3 * X[:, 0, 4, 0] > 0).astype(np.int64)))
    return made


def bars(bars: Bars, smoke: bool = False) -> None:
    """Add the bars; a smoke kills the SuperLink only, and nobody comes back."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgekit-") as temporary:
        folder = Path(temporary).resolve()
        with ExitStack() as stack, ExitStack() as first:
            link = first.enter_context(superlink(folder))
            relay = stack.enter_context(Relay(folder, link.port))
            nodes = [stack.enter_context(_node(link, relay, i)) for i in range(CLIENTS)]
            with strangers(link) as refused:
                found = link.run(PLAN, Softmax().arrays(), module=APPS)
                seconds = time.monotonic() - begun
                what = "smoke run: 3 SuperNodes, TLS, authenticated"
                bars.add(what, f"<= {LIMIT:.0f} s", f"{seconds:.0f} s", seconds <= LIMIT)
                _as_in_process(bars, found)
                _wire(bars, relay)
                _refused(bars, link, refused)
            _modes(bars, folder)
            _link_killed(bars, link)
            first.close()
            if not smoke:
                again = stack.enter_context(superlink(folder, port=link.port))
                found = again.run(PLAN, Softmax().arrays(), module=APPS)
                _as_in_process(bars, found, "SuperLink back: arrays again, largest difference")
                _node_killed(bars, again, nodes)
        _nothing_left(bars, folder)


def _node(link: SuperLink, relay: Relay, i: int) -> AbstractContextManager[Process]:
    """The SuperNode of client `i`, that speaks to the SuperLink through the relay."""
    client, own = clients()[i], link.folder / "nodes" / f"{i}"
    number = link.admit(client.name, prepare(own, client, SETTINGS))
    return supernode(own, f"127.0.0.1:{relay.port}", link.folder / certificates.CA, number)


@contextmanager
def strangers(link: SuperLink) -> Iterator[dict[str, Process]]:
    """SuperNodes that are none of ours: of a key that nobody admitted, and of another authority."""
    other = link.folder / "other"
    other.mkdir()
    certificates.certify(other)
    with ExitStack() as stack:
        made = {}
        for what, ca in (("key not admitted", link.folder), ("wrong CA", other)):
            own = link.folder / "strangers" / what
            prepare(own, clients()[0], SETTINGS)
            made[what] = stack.enter_context(
                supernode(own, link.address, ca / certificates.CA, 0, what)
            )
        yield made


def _as_in_process(
    bars: Bars,
    found: Federated,
    what: str = "arrays against the run in process, largest difference",
) -> None:
    network, own = Softmax(), clients()
    app = client_app(lambda c: own[int(c.node_config["partition-id"])], lambda: network, CLASSES)
    grid = InProcessGrid(app, CLIENTS, seed=PLAN.seed)
    here = federate(grid, PLAN, network.arrays())
    apart = max(np.abs(a - b).max() for a, b in zip(found.arrays, here.arrays, strict=True))
    moved = max(np.abs(a).max() for a in here.arrays)
    met = apart == 0 and moved > 0.1 and not found.refused
    bars.add(what, "0", f"{apart:g}", met)


def _wire(bars: Bars, relay: Relay) -> None:
    objects = relay.objects()
    everything = b"".join(body for _, body in relay.up)
    kinds, metrics = names(objects)
    rows = [row.tobytes() for c in clients() for row in c.X]
    seen = sum(row in everything for row in rows)
    sums = [c.X.astype(np.float64).sum(axis=0).tobytes() for c in clients()]
    looked = all(s in everything for s in sums)  # what must be there is found by the same search
    bars.add(
        f"windows among {len(everything):,} bytes that left the clients", "0", f"{seen} of {len(rows)}",
        not seen and looked,
    )  # fmt: skip
    strange = sorted((kinds - KINDS) | (metrics - METRICS))
    met = not strange and {"Array", "MetricRecord"} <= kinds and metrics == METRICS
    figure = ", ".join(strange) or "only"
    bars.add(f"the {len(objects)} objects are arrays and counts", "only", figure, met)


def _refused(bars: Bars, link: SuperLink, strangers: dict[str, Process]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and any(p.alive for p in strangers.values()):
        time.sleep(0.2)
    for what, p in strangers.items():
        print(f"      {what}: it {p.how()}")
        bars.add(f"SuperNode refused: {what}", "ends", "runs" if p.alive else "ended", not p.alive)
    plain = http.client.HTTPConnection("127.0.0.1", link.port, timeout=10)
    try:
        plain.request("POST", "/v1/fleet/activate-node", b"")
        answer = f"HTTP {plain.getresponse().status}"
    except (OSError, http.client.HTTPException):
        answer = "no answer"
    bars.add("plaintext refused", "no answer", answer, answer == "no answer")


def _modes(bars: Bars, folder: Path) -> None:
    keys = [*folder.rglob("*.key")]
    open_ = [k.name for k in keys if stat.S_IMODE(k.stat().st_mode) != 0o600]
    met = not open_ and len(keys) >= CLIENTS + 1 and not (folder / "ca.key").exists()
    bars.add(
        f"private keys of mode 600, of {len(keys)}", "all", "all" if not open_ else "not all", met
    )


def _node_killed(bars: Bars, link: SuperLink, nodes: list[Process]) -> None:
    begun, pushed = (
        time.monotonic(),
        threading.Thread(target=_kill_in_mid_run, args=(link, nodes[2])),
    )
    pushed.start()
    found = link.run(Plan(rounds=2, epochs=1), Softmax().arrays(), module=APPS, patience=20)
    pushed.join()
    print("     ", *found.refused, sep="\n      ")
    named = {r.client for r in found.refused} == {"c2"}
    seconds = time.monotonic() - begun
    bars.add(
        "kill -9 of a SuperNode: the run ends, and names it",
        "yes",
        f"{seconds:.0f} s",
        named,
    )


def _link_killed(bars: Bars, link: SuperLink) -> None:
    before, begun = (link.folder / RESULT).read_bytes(), time.monotonic()
    assert link.process is not None
    killer = threading.Thread(target=_kill_in_mid_run, args=(link, link.process))
    killer.start()
    try:
        link.run(Plan(rounds=50, epochs=1), Softmax().arrays(), module=APPS)
        said = "came to an end"
    except EdgekitError as error:
        said = str(error)
    killer.join()
    print(f"      {said} ({time.monotonic() - begun:.0f} s)")
    whole = (link.folder / RESULT).read_bytes() == before and not [*link.folder.rglob(".half-*")]
    met = "SIGKILL" in said and "\n" not in said and whole
    bars.add(
        "kill -9 of the SuperLink: one line, nothing half-written",
        "yes",
        "yes" if met else "no",
        met,
    )


def _kill_in_mid_run(link: SuperLink, victim: Process) -> None:
    """Kill when a node of the run that begins now is being trained for the first time."""
    log = link.folder / "nodes" / "0" / "supernode.log"
    before, until = log.read_bytes().count(b"Receiving: train"), time.monotonic() + 120
    while log.read_bytes().count(b"Receiving: train") == before and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(victim.popen.pid, signal.SIGKILL)


def _nothing_left(bars: Bars, folder: Path) -> None:
    left = with_folder(folder)
    until = time.monotonic() + 5
    while left and time.monotonic() < until:
        time.sleep(0.1)
        left = with_folder(folder)
    bars.add("processes left when all was stopped", "0", f"{len(left)}", not left)


def with_folder(folder: Path) -> list[int]:
    """Processes that have a folder below `folder` as theirs, by their environment (Linux)."""
    found, mark = [], f"{FOLDER}={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            pass
    return found
