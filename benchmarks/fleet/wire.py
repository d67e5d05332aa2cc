"""What leaves a device in a day, counted on a relay between it and its broker: TLS and acknowledgements
included.

A day is one session, an event at a time, each acknowledged by broker and gateway before the next, and a
ping every KEEPALIVE_S seconds. TCP's and IP's own headers are not in it, on neither side of a comparison.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import usecases
from edgekit.assurance.relay import relay
from edgekit.core.workspace import Workspace
from edgekit.delivery.mqtt_client import Connection
from edgekit.delivery.server import broker
from edgekit.gateway.inbox import Inbox
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry import EventSource, Kind, Outbox, Reason, Segment
from edgekit.telemetry.privacy import may_leave
from edgekit.telemetry.uplink import KEEPALIVE_S, Uplink

DAY = 86_400
REPORTS = 124  # a day: one an hour, and a hundred alarms
REPORT = bytes(range(12))
BEATS, ECTOPIC = 100_000, 0.02  # a day, and the share of them that is flagged


@dataclass(frozen=True)
class Day:
    """Bytes up and down: of a handshake, of `events` one after the other, of a ping and its answer."""

    handshake: int
    events: int
    ping: float
    made: int

    @property
    def each(self) -> float:
        return self.events / self.made

    def total(self, events: int) -> float:
        return self.handshake + self.each * events + self.ping * DAY / KEEPALIVE_S


@contextmanager
def line(kind: str = "mosquitto"):
    """A broker with a gateway, and a wire to it."""
    with tempfile.TemporaryDirectory(prefix="edgekit-wire-") as folder:
        where = Path(folder)
        with broker(kind, where / "b", ("device",), gateways=("gateway",)) as running:
            kept, stop = Outbox(where / "g.db"), threading.Event()
            inbox = Inbox(running.connection("gateway"), kept, Metrics(kept))
            thread = threading.Thread(target=inbox.run, args=(stop,))
            thread.start()
            try:
                with relay(running.port) as wire:
                    own = running.connection("device")
                    through = Connection(own.host, wire.port, own.ca, own.user, own.password,
                                         own.certificate, own.key)  # fmt: skip
                    yield through, wire, kept
            finally:
                stop.set()
                thread.join()


def day(case: usecases.UseCase, kind: Kind, body: bytes, events: int, broker_kind: str) -> Day:
    """Measured on the wire with so many events of this body."""
    with line(broker_kind) as (connection, wire, kept):

        def counted() -> int:
            time.sleep(0.25)  # whatever is on its way
            return wire.up + wire.down

        with sending(case, connection, KEEPALIVE_S) as (source, up):
            _until(lambda: up.sessions)
            handshake = counted()
            for _ in range(events):
                source.put(kind, body)
                _until(lambda: not len(source.outbox))
            after = counted()
            assert (up.sent, len(kept)) == (events, events), "an event was repeated"
        before = counted()
        with sending(case, connection, 1) as (_, up):
            _until(lambda: up.sessions)
            first = counted()
            time.sleep(6)
            idle, pings = counted() - first, 6
        assert before < first
        return Day(handshake, after - handshake, idle / (pings - 1), events)


@contextmanager
def sending(case: usecases.UseCase, connection: Connection, keepalive_s: int):
    """A device of a use case on this line."""
    box, stop = Outbox(), threading.Event()
    up = Uplink(
        connection,
        "device",
        box,
        may_leave=may_leave(case.SENDS),
        first_s=20.0,
        keepalive_s=keepalive_s,
    )
    thread = threading.Thread(target=up.run, args=(stop,))
    thread.start()
    try:
        yield EventSource("device", box, epoch=1), up
    finally:
        stop.set()
        thread.join()


def raw_bytes_per_day(case: usecases.UseCase) -> tuple[float, str]:
    """What its sensor would stream, two bytes a sample of one channel, or a byte a pixel of what the model
    sees."""
    if hasattr(case.module, "SIZE"):
        return (
            DAY * case.RATE * case.SIZE**2,
            f"{case.SIZE} x {case.SIZE} pixels at {case.RATE} a second",
        )
    rate = case.RATE
    if case.BY_CLASS:  # a recorder's rate; RATE is what the model is given
        rate = case.recordings("field", "quick", offline=True)[0].rate
    return DAY * rate * 2.0, f"{rate:,.0f} samples of 2 B a second"


def kept_back(case: usecases.UseCase) -> tuple[int, int]:
    """Windows that nobody flagged, tried in every way, and the bytes that left for them."""
    window = np.zeros((96, 96) if hasattr(case.module, "SIZE") else (250, 1), np.int8)
    unflagged = [r for r in Reason if r.name.lower() not in case.SENDS.get("segment", ())]
    bodies = [(Kind.SEGMENT, Segment(r, 0, 0.5, window).encode()) for r in unflagged]
    bodies += [(kind, window.tobytes()) for kind in Kind]
    with line() as (connection, wire, kept), sending(case, connection, KEEPALIVE_S) as (source, up):
        _until(lambda: up.sessions)
        time.sleep(0.3)
        before = wire.up
        for kind, body in bodies:
            source.put(kind, body)
        _until(lambda: not len(source.outbox))
        time.sleep(0.5)
        if source.outbox.aside_count != len(bodies) or len(kept):
            raise RuntimeError(
                f"{case.name}: {len(bodies)} windows that nobody flagged were tried, "
                f"{source.outbox.aside_count} kept back, {len(kept)} arrived"
            )
        return len(bodies), wire.up - before


def use_case(name: str) -> usecases.UseCase:
    return usecases.load(name, Workspace.find().folder)


def _until(true, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("it did not happen")
        time.sleep(0.005)
