"""A device's way to its gateway: events over MQTT, repeated until the gateway has them on its disk.

A broker's acknowledgement (QoS 1) says that the broker has a message, in memory perhaps. So an event stays in
the device's outbox until the gateway names it in an acknowledgement of its own, and is sent again until then.

    edgekit/things/<device>/events/cbor            one event a message, without the device's name
    edgekit/things/<device>/acknowledged/cbor      see `acknowledgement`
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgekit.core.errors import EdgekitError
from edgekit.delivery.mqtt_client import (
    ACKNOWLEDGED,
    EVENTS,
    PREFIX,
    Connection,
    device_topic,
    enter,
)
from edgekit.telemetry.acknowledgement import unpack_acknowledgement
from edgekit.telemetry.backoff import Backoff
from edgekit.telemetry.event import DEVICE, Event
from edgekit.telemetry.outbox import Key, Outbox

log = logging.getLogger("edgekit.uplink")

WINDOW = 32  # events on their way at a time
SILENCE = 8  # times `first_s` without an answer, after which the connection is made anew
KEEPALIVE_S = 900  # a ping costs bytes and energy; what tells that a line is dead are the repeats
IDLE_S = 0.2  # until a new event is noticed
BUSY_S = 0.05


@dataclass
class _Flight:
    """An event that was sent: when it is due again."""

    due: float
    pause: Backoff


class Uplink:
    """Sends what is in `outbox` as the device `name`, in a thread of the caller's: `run` until it is stopped.

    `may_leave(event)` says "" or why an event must not: such a one is set aside and never sent (see
    `privacy`). `first_s`, `most_s`: seconds until an event is repeated, and at most. `seed`: of the jitter.
    """

    def __init__(
        self, connection: Connection, name: str, outbox: Outbox, *,
        may_leave: Callable[[Event], str] | None = None, first_s: float = 2.0, most_s: float = 300.0,
        keepalive_s: int = KEEPALIVE_S, seed: int | None = None, prefix: str = PREFIX,
    ):  # fmt: skip
        if not DEVICE.fullmatch(name):
            raise EdgekitError(f"{name[:80]!r} cannot name a device")
        self.name, self.outbox, self.connection = name, outbox, connection
        self.sent = self.repeated = self.acknowledged = self.sessions = 0
        self._may_leave, self._first_s, self._most_s = may_leave, first_s, most_s
        self._keepalive_s, self._rng = keepalive_s, random.Random(seed)
        self._says = device_topic(prefix, name, EVENTS)
        self._hears = device_topic(prefix, name, ACKNOWLEDGED)
        self._flights: dict[Key, _Flight] = {}
        self._silence = Backoff(SILENCE * first_s, most_s, self._rng)
        self._heard = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; outages and restarts of the broker are waited for. Raises EdgekitError where
        the broker does not let this device in from the start."""
        pause = Backoff(0.5, min(60.0, self._most_s), self._rng)
        while not stop.is_set():
            try:
                client = enter(self.connection, [self._hears], self._hear, self._keepalive_s)
            except ConnectionError as error:
                log.debug("%s: %s", self.name, error)
                stop.wait(pause.next())
                continue
            except EdgekitError as error:
                if not self.sessions:
                    raise
                log.warning("%s: %s", self.name, error)
                stop.wait(pause.next())
                continue
            pause.reset()
            self.sessions += 1
            for flight in self._flights.values():  # what was on its way went by another connection
                flight.due = time.monotonic() + self._first_s * self._rng.random()
            try:
                self._serve(client, stop)
            finally:
                client.disconnect()

    def _serve(self, client, stop: threading.Event) -> None:
        """As long as the line is up, and somebody answers."""
        self._heard = time.monotonic()
        patience = self._silence.next()
        while not stop.is_set():
            for event, again in self._due():
                client.publish(self._says, event.encode(named=False), qos=1)
                self.sent += 1
                self.repeated += again
            if client.loop(BUSY_S if self._flights else IDLE_S):
                return
            if not self._flights:
                self._heard = time.monotonic()
            elif time.monotonic() - self._heard > patience:
                return

    def _due(self) -> list[tuple[Event, bool]]:
        """Events to send now, and whether they were sent before."""
        now, due, flights = time.monotonic(), [], {}
        for event in self.outbox.pending(WINDOW):
            if self._may_leave and (why := self._may_leave(event)):
                log.warning("%s: kept back: %s", self.name, why)
                self.outbox.set_aside(event.key, why)
                continue
            before = self._flights.get(event.key)
            flight = before or _Flight(now, Backoff(self._first_s, self._most_s, self._rng))
            flights[event.key] = flight
            if flight.due <= now:
                due.append((event, before is not None))
                flight.due = now + flight.pause.next()
        self._flights = flights
        return due

    def _hear(self, _topic: str, payload: bytes) -> None:
        try:
            found = unpack_acknowledgement(payload)
        except EdgekitError as error:
            log.warning("%s: %s", self.name, error)
            return
        keys = [(self.name, epoch, sequence) for epoch, sequence in found]
        self.acknowledged += self.outbox.acknowledge(keys)
        self._silence.reset()
        self._heard = time.monotonic()
        for key in keys:
            self._flights.pop(key, None)
