"""The three tiers as a site has them, to be killed: a broker, the gateway's process, the cloud's, the weekly
loop beside it on the cloud's own database, and devices.

`qos1=True` makes the control: devices and gateway trust the broker's acknowledgement (QoS 1, persistent
sessions on both sides); `persistent=True`: and mosquitto, which comes without, keeps its queues on the disk.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from benchmarks.fleet.fleet_loop import FleetLoop
from edgekit.assurance.relay import relay
from edgekit.cloud.database import open_database
from edgekit.cloud.tables import events
from edgekit.cloud.tokens import make_token
from edgekit.core.errors import EdgekitError
from edgekit.core.ports import free_port
from edgekit.delivery.mqtt_client import EVENTS, Connection, device_topic
from edgekit.delivery.server import broker
from edgekit.delivery.server.broker import Broker
from edgekit.fleet.desk import Process
from edgekit.telemetry import Event, EventSource, Kind, Outbox
from edgekit.telemetry.uplink import Uplink

BODY = bytes(12)  # of a report
QUIET_S = 6.0  # without a new row, after which the control is given up


class Tiers:
    """All of it in `folder`, with so many `devices`. Use as a context.

    `loop`: a fleet's weekly loop, whose database the cloud serves, too. `database`: its URL where it is no
    SQLite file in `folder`.
    """

    def __init__(
        self, kind: str, folder: Path, devices: int = 6, qos1: bool = False, persistent: bool = False,
        database: str = "", loop: FleetLoop | None = None,
    ):  # fmt: skip
        self.kind, self.folder, self.qos1, self.loop = kind, folder, qos1, loop
        self._persistent = persistent
        self.names = tuple(f"device-{n}" for n in range(devices))
        own = loop.database if loop else folder / "cloud.db"
        self.database = database or str(own)
        self.targets = ["broker", "gateway", "cloud", *(["loop"] if loop else [])]
        self._stack = ExitStack()

    def __enter__(self) -> Tiers:
        with ExitStack() as stack:  # what was started ends, also where the next does not start
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def _start(self, stack: ExitStack) -> None:
        box, token = self.folder / "broker", self.folder / "token"
        self.engine = open_database(self.database)
        stack.callback(self.engine.dispose)
        with self.engine.begin() as connection:
            token.write_text(make_token(connection, "gateway", "gateway"))
        self.broker = stack.enter_context(broker(self.kind, box, self.names, gateways=("gateway",)))
        if self._persistent:
            _keep_queues(self.broker)
        self.wire = stack.enter_context(relay(self.broker.port))
        store = self.loop.objects if self.loop else self.folder / "objects"
        port = free_port()
        words = ["-m", "edgekit", "cloud", "serve", "--port", str(port)]
        words += ["--database", self.database, "--objects", str(store)]
        self.cloud = Process(words, self.folder / "cloud.log", port)
        stack.callback(self.cloud.kill)
        words = [
            "-m",
            *(("benchmarks.fleet.qos1_gateway",) if self.qos1 else ("edgekit", "gateway")),
        ]
        words += ["--broker", f"127.0.0.1:{self.broker.port}", "--credentials", str(box)]
        words += ["--cloud", f"http://127.0.0.1:{port}", "--token", str(token)]
        words += ["--database", str(self.folder / "gw.db")]
        self.gateway = Process(words, self.folder / "gateway.log")
        stack.callback(self.gateway.kill)
        _until_said(
            self.gateway.log, "listening"
        )  # who is not subscribed yet has no queue at a broker
        if self.loop:
            self.loop.start()
            stack.callback(self.loop.kill)
        make = Qos1Device if self.qos1 else Device
        self.devices: list[Device] = []
        for name in self.names:
            self.devices.append(make(self, name))
            stack.callback(self.devices[-1].stop)

    def __exit__(self, *_) -> None:
        self._stack.close()

    def connection(self, name: str) -> Connection:
        """Of a device: through the wire that can be stalled."""
        own = self.broker.connection(name)
        return Connection(
            own.host, self.wire.port, own.ca, own.user, own.password, own.certificate, own.key
        )

    def draw(self, rng: random.Random, kills: int) -> list[str]:
        """Names of tiers to be killed, each of them at least once."""
        first = rng.sample(self.targets, len(self.targets))
        return first + rng.choices(self.targets, k=kills - len(first))

    def kill(self, names: Sequence[str], rng: random.Random, pause_s: float) -> list[str]:
        """Kill -9 of one tier after the other, each started again a moment later; the names of those that
        were. A loop that is done is not killed any more: another tier is instead."""
        killed = []
        for name in names:
            if name == "loop" and self.loop and not self.loop.strike(rng):
                name = rng.choice(self.targets[:3])
            tier = getattr(self, name)
            tier.kill()
            time.sleep(rng.uniform(0.0, 1.0))
            tier.start()
            killed.append(name)
            time.sleep(rng.uniform(0.1, 1.0) * pause_s)
        return killed

    def cut_network(self, seconds: float) -> None:
        """No device reaches the broker."""
        self.wire.stall()
        time.sleep(seconds)
        self.wire.resume()

    def rows(self) -> list[tuple[str, int, int]]:
        """Keys in the cloud's table, of devices."""
        e = events.c
        query = select(e.device, e.epoch, e.sequence).where(e.device.in_(self.names))
        try:
            with self.engine.connect() as connection:
                return [(r.device, r.epoch, r.sequence) for r in connection.execute(query)]
        except SQLAlchemyError:  # another process recovers the database
            return []

    def settle(self, seconds: float) -> tuple[int, int, int]:
        """Stop making events, wait until all that will arrive has. Events made, lost, doubled or invented."""
        for one in self.devices:
            one.quiet.set()
        made = {key for one in self.devices for key in one.stop_making()}
        until, before, since = time.monotonic() + seconds, -1, time.monotonic()
        while time.monotonic() < until:
            rows = self.rows()
            if set(rows) >= made:
                break
            if len(rows) != before:
                before, since = len(rows), time.monotonic()
            if self.qos1 and time.monotonic() - since > QUIET_S:
                break
            time.sleep(0.5)
        rows = self.rows()
        return len(made), len(made - set(rows)), len(rows) - len(set(rows) & made)


def _until_said(log: Path, word: str, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while word not in log.read_text(errors="replace"):
        if time.monotonic() > until:
            raise EdgekitError(f"{log} does not say {word!r} after {seconds:.0f} s")
        time.sleep(0.05)


def _keep_queues(running: Broker) -> None:
    """mosquitto writes its sessions and queues down as often as it can: at every second change."""
    file = running.folder / "mosquitto.conf"
    lines = (
        f"persistence_location {running.folder}/\nautosave_on_changes true\nautosave_interval 1\n"
    )
    file.write_text(file.read_text().replace("persistence false", "persistence true") + lines)
    running.kill()
    running.start()


class Device:
    """Makes an event every now and then, and sends it as the kit does."""

    def __init__(self, tiers: Tiers, name: str):
        self.box, self.quiet, self._stop = Outbox(), threading.Event(), threading.Event()
        self.source = EventSource(name, self.box, epoch=1)
        self.up = Uplink(tiers.connection(name), name, self.box, first_s=1.0, most_s=8.0)
        self.keys: list[tuple[str, int, int]] = []
        self._rng = random.Random(name)
        self._maker = threading.Thread(target=self._make, daemon=True)
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._maker.start()
        self._sender.start()

    def _send(self) -> None:
        while not self._stop.is_set():
            try:
                self.up.run(self._stop)
            except EdgekitError:  # a broker that is killed in the middle of a handshake
                self._stop.wait(0.5)

    def _make(self) -> None:
        while not self.quiet.wait(self._rng.uniform(0.05, 0.35)):
            self.keys.append(self.say())

    def say(self) -> tuple[str, int, int]:
        return self.source.put(Kind.REPORT, BODY).key

    def stop_making(self) -> list[tuple[str, int, int]]:
        self.quiet.set()
        self._maker.join()
        return self.keys

    def stop(self) -> None:
        self.quiet.set()
        self._stop.set()
        self._sender.join(15)


class Qos1Device(Device):
    """The control: paho's queue at QoS 1 and a session that lasts, as tutorials have it."""

    def __init__(self, tiers: Tiers, name: str):
        from paho.mqtt import client as paho

        self.tiers, connection = tiers, tiers.connection(name)
        self._says = device_topic("edgekit", name, EVENTS)
        version = paho.CallbackAPIVersion.VERSION2
        self.client = paho.Client(version, client_id=name, clean_session=False)
        self.client.tls_set_context(connection.context())
        if connection.user:
            self.client.username_pw_set(connection.user, connection.password)
        self.client.reconnect_delay_set(1, 1)
        self.client.max_queued_messages_set(0)
        self.client.connect(connection.host, connection.port, keepalive=15)
        self.client.loop_start()
        super().__init__(tiers, name)

    def _send(self) -> None:
        self._stop.wait()

    def say(self) -> tuple[str, int, int]:
        event: Event = self.source.make(Kind.REPORT, BODY)
        self.client.publish(self._says, event.encode(named=False), qos=1)
        return event.key

    def stop(self) -> None:
        super().stop()
        self.client.disconnect()
        self.client.loop_stop()
