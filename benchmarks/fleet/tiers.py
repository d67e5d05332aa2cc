"""The three tiers as a site has them, to be killed: a broker, the gateway's process, the cloud's, devices.

The cloud is `edgekit cloud serve` where the kit has one, else the small one of the tests. `qos1=True`
makes the control: devices and gateway trust the broker's acknowledgement (QoS 1, persistent sessions on
both sides).
"""

from __future__ import annotations

import importlib.util
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from edgekit.assurance.relay import relay
from edgekit.core.errors import EdgekitError
from edgekit.delivery.mqtt_client import EVENTS, Connection, device_topic
from edgekit.delivery.server import broker
from edgekit.telemetry import Event, EventSource, Kind, Outbox
from edgekit.telemetry.uplink import Uplink

SOURCES = Path(__file__).resolve().parents[2]
SMALL_CLOUD = SOURCES / "tests" / "gateway" / "cloud_app.py"
TOKEN = "a-token-of-benchmarks"
BODY = bytes(12)  # of a report


class Process:
    """A program of the kit that is started and killed."""

    def __init__(self, words: list[str], log: Path, port: int = 0):
        self.words, self.log, self.port = words, log, port
        self.start()

    def start(self) -> None:
        path = os.pathsep.join([str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.words], env=os.environ | {"PYTHONPATH": path},
                cwd=SOURCES, stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + 60
        while self.port and time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Tiers:
    """All of it in `folder`, with so many devices. Use as a context."""

    def __init__(self, kind: str, folder: Path, devices: int = 6, qos1: bool = False):
        self.kind, self.folder, self.qos1 = kind, folder, qos1
        self.names = tuple(f"device-{n}" for n in range(devices))
        self.table = folder / "cloud.db"
        self._stack = ExitStack()

    def __enter__(self) -> Tiers:
        things, box = self.names, self.folder / "broker"
        gateways = ("gateway",)
        self.broker = self._stack.enter_context(broker(self.kind, box, things, gateways=gateways))
        self.wire = self._stack.enter_context(relay(self.broker.port))
        cloud_port, token = _free(), self.folder / "token"
        self.cloud = Process(self._cloud(cloud_port, token), self.folder / "cloud.log", cloud_port)
        self._stack.callback(self.cloud.kill)
        url = f"http://127.0.0.1:{cloud_port}"
        words = ["-m", "edgekit", "gateway"]
        if self.qos1:
            words = ["-m", "benchmarks.fleet.qos1_gateway"]
        words += ["--broker", f"127.0.0.1:{self.broker.port}", "--credentials", str(box)]
        words += ["--cloud", url, "--token", str(token), "--database", str(self.folder / "gw.db")]
        self.gateway = Process(words, self.folder / "gateway.log")
        self._stack.callback(self.gateway.kill)
        make = Qos1Device if self.qos1 else Device
        self.devices = [make(self, name) for name in things]
        return self

    def __exit__(self, *_) -> None:
        for one in self.devices:
            one.stop()
        self._stack.close()

    def _cloud(self, port: int, token: Path) -> list[str]:
        if importlib.util.find_spec("edgekit.cloud.app") is None:
            token.write_text(TOKEN)
            return [str(SMALL_CLOUD), str(self.table), str(port), TOKEN]
        where = ["--database", str(self.table), "--objects", str(self.folder / "objects")]
        words = ["-m", "edgekit", "cloud", "token", "gateway", *where]
        made = subprocess.run(
            [sys.executable, *words], cwd=SOURCES, capture_output=True, text=True, check=True
        )
        token.write_text(made.stdout.split()[-1])
        return ["-m", "edgekit", "cloud", "serve", "--port", str(port), *where]

    def connection(self, name: str) -> Connection:
        """Of a device: through the wire that can be stalled."""
        own = self.broker.connection(name)
        return Connection(
            own.host, self.wire.port, own.ca, own.user, own.password, own.certificate, own.key
        )

    def kill_one(self, rng: random.Random) -> str:
        """Kill -9 of one tier, and start it again a moment later."""
        name = rng.choice(("broker", "gateway", "cloud"))
        tier = getattr(self, name)
        tier.kill()
        time.sleep(rng.uniform(0.0, 1.0))
        tier.start()
        return name

    def cut_network(self, seconds: float) -> None:
        """No device reaches the broker."""
        self.wire.stall()
        time.sleep(seconds)
        self.wire.resume()

    def rows(self) -> list[tuple[str, int, int]]:
        """Keys in the cloud's table, of devices."""
        try:
            with sqlite3.connect(f"file:{self.table}?mode=ro", uri=True, timeout=30) as db:
                found = db.execute("SELECT device, epoch, sequence FROM events").fetchall()
        except sqlite3.OperationalError:
            return []
        return [tuple(row) for row in found if row[0] in self.names]

    def settle(self, seconds: float) -> tuple[int, int, int]:
        """Stop making events, wait until all that will arrive has. Events made, lost, doubled or invented."""
        for one in self.devices:
            one.quiet.set()
        made = {key for one in self.devices for key in one.stop_making()}
        until, still, before = time.monotonic() + seconds, 0, -1
        while time.monotonic() < until:
            rows = self.rows()
            if set(rows) >= made:
                break
            still = still + 1 if len(rows) == before else 0
            before = len(rows)
            if self.qos1 and still > 20:  # nothing has come for ten seconds
                break
            time.sleep(0.5)
        rows = self.rows()
        return len(made), len(made - set(rows)), len(rows) - len(set(rows) & made)


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


def _free() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
