"""Broker, gateway and cloud as processes of this machine: the three tiers, to be tried on a desk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select

from edgekit.cloud.database import open_database
from edgekit.cloud.tables import events
from edgekit.cloud.tokens import make_token
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import await_server, free_port, reach
from edgekit.delivery.server import broker
from edgekit.telemetry import EventSource, Kind, Outbox
from edgekit.telemetry.uplink import Uplink

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.delivery.mqtt_client import Connection

START_S = 60.0  # in which a process of ours is there


class Process:
    """A program of the kit that is started, killed and started again; what it says goes into the file `log`.

    `words` follow the interpreter; `port`: where it listens, which is waited for. Raises EdgekitError
    where it ends instead.
    """

    def __init__(self, words: Sequence[str], log: Path, port: int = 0):
        self.words, self.log, self.port = list(words), log, port
        self.start()

    def start(self) -> None:
        """Returns when it listens, if it does that."""
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.words], env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
                stdout=log, stderr=log,
            )  # fmt: skip
        if self.port and not await_server(lambda: reach(self.port), self._alive, START_S):
            self.kill()
            raise EdgekitError(f"{' '.join(self.words[:4])} did not start: {self.log} says why")

    def kill(self) -> None:
        """At once, without a farewell."""
        self.process.kill()
        self.process.wait()

    def _alive(self) -> bool:
        return self.process.poll() is None


@dataclass(frozen=True)
class Tiers:
    """`url`: the cloud's, its dashboard; `token`: an operator's, to look at it. `credentials`: the folder
    that the broker made for its devices and the gateway."""

    url: str
    token: str
    engine: Engine
    gateway: Process
    cloud: Process
    _broker: object
    _boots: Counter[str] = field(default_factory=Counter)

    def connection(self, device: str) -> Connection:
        """How a device reaches the broker."""
        return self._broker.connection(device)  # type: ignore[attr-defined]

    def events(self) -> pd.DataFrame:
        """What arrived in the cloud, in its order: device, epoch, sequence, kind, bytes."""
        import pandas as pd

        e = events.c
        query = select(e.device, e.epoch, e.sequence, e.kind, func.length(e.body).label("bytes"))
        with self.engine.connect() as connection:
            found = pd.read_sql(query.order_by(e.received), connection)
        return found.assign(kind=[Kind(k).name.lower() for k in found.kind])

    def send(self, device: str, bodies: Iterable[tuple[Kind, bytes]], seconds: float = 30.0) -> int:
        """A device boots, sends events of these kinds and bodies, and keeps each until the gateway has it;
        how many were sent more than once. Raises EdgekitError for those that nobody took within `seconds`."""
        box, stop = Outbox(), threading.Event()
        self._boots[device] += 1  # or what it says now would pass for what it said before
        source = EventSource(device, box, epoch=self._boots[device])
        for kind, body in bodies:
            source.put(kind, body)
        up = Uplink(self.connection(device), device, box, first_s=1.0)
        thread = threading.Thread(target=up.run, args=(stop,), daemon=True)
        thread.start()
        until = time.monotonic() + seconds
        while len(box) and time.monotonic() < until:
            time.sleep(0.02)
        stop.set()
        thread.join()
        if len(box):
            raise EdgekitError(
                f"{len(box)} events of {device} are still with it after {seconds:g} s"
            )
        return up.repeated

    def wait(self, count: int, seconds: float = 30.0) -> pd.DataFrame:
        """`events`, as soon as there are so many. Raises EdgekitError if they do not come."""
        until = time.monotonic() + seconds
        while len(found := self.events()) < count:
            if time.monotonic() > until:
                raise EdgekitError(
                    f"{len(found)} of {count} events are in the cloud after {seconds:g} s"
                )
            time.sleep(0.05)
        return found


@contextmanager
def tiers(folder: Path | str, devices: Sequence[str], kind: str = "amqtt") -> Iterator[Tiers]:
    """A broker of this `kind` (`delivery.server`) for `devices`, `edgekit gateway` and `edgekit cloud
    serve`, all on this machine, their databases and logs in a new folder below `folder`, so that nothing of
    an earlier site counts as arrived. They end with the block."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    where = Path(tempfile.mkdtemp(prefix="site-", dir=folder))
    database, store = str(where / "cloud.db"), str(where / "objects")
    with ExitStack() as stack:
        engine = open_database(database)
        stack.callback(engine.dispose)
        with engine.begin() as connection:
            theirs, ours = (make_token(connection, k, k) for k in ("gateway", "operator"))
        token = where / "gateway.token"
        token.touch(mode=0o600)
        token.write_text(theirs, encoding="ascii")
        running = stack.enter_context(
            broker(kind, where / "broker", tuple(devices), gateways=("gateway",))
        )
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        words = ["-m", "edgekit", "gateway", "--broker", f"127.0.0.1:{running.port}"]
        words += ["--credentials", str(where / "broker"), "--cloud", url, "--token", str(token)]
        gateway = Process([*words, "--database", str(where / "gateway.db")], where / "gateway.log")
        stack.callback(gateway.kill)
        words = ["-m", "edgekit", "cloud", "serve", "--port", str(port)]
        words += ["--database", database, "--objects", store]
        cloud = Process(words, where / "cloud.log", port)
        stack.callback(cloud.kill)
        yield Tiers(url, ours, engine, gateway, cloud, running)
