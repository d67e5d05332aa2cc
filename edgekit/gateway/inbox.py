"""MQTT in: what devices say is committed to the outbox, and only then acknowledged.

Messages that arrive within GROUP_S go into one transaction: a disk makes a few hundred commits a second,
whatever is in them.
"""

from __future__ import annotations

import logging
import random
import threading
import time

from edgekit.core.errors import EdgekitError
from edgekit.delivery.mqtt_client import (
    ACKNOWLEDGED,
    EVENTS,
    PREFIX,
    Connection,
    device_topic,
    enter,
)
from edgekit.gateway.metrics import Metrics
from edgekit.telemetry.acknowledgement import pack_acknowledgements
from edgekit.telemetry.backoff import Backoff
from edgekit.telemetry.event import BODY_MOST, Event
from edgekit.telemetry.outbox import Outbox

log = logging.getLogger("edgekit.gateway")

GROUP_S = 0.02  # from the first message of a group until it is committed
GROUP_MOST = 500  # events in it
BACKLOG = 5000  # messages in memory; more are dropped, and come again
MESSAGE_MOST = BODY_MOST + 256  # bytes


class Inbox:
    """`run` until it is stopped. `waits`: new events wait for `judge` before they may be sent on."""

    def __init__(
        self, connection: Connection, outbox: Outbox, metrics: Metrics, *, waits: bool = False,
        prefix: str = PREFIX,
    ):  # fmt: skip
        self.connection, self.outbox, self.metrics = connection, outbox, metrics
        self._waits, self._prefix = waits, prefix
        self._arrived: list[Event] = []
        self._first = 0.0

    def run(self, stop: threading.Event) -> None:
        """Raises EdgekitError where the broker does not let the gateway in from the start."""
        pause, wanted = (
            Backoff(0.2, 10.0, random.Random()),
            [device_topic(self._prefix, "+", EVENTS)],
        )
        entered = False
        while not stop.is_set():
            try:
                client = enter(self.connection, wanted, self._hear)
            except (ConnectionError, EdgekitError) as error:
                if not entered and isinstance(error, EdgekitError):
                    raise
                log.warning("broker: %s", error)
                stop.wait(pause.next())
                continue
            entered = True
            pause.reset()
            log.info("listening at the broker %s", self.connection)
            try:
                self._serve(client, stop)
            finally:
                client.disconnect()

    def _serve(self, client, stop: threading.Event) -> None:
        while not stop.is_set():
            lost = client.loop(GROUP_S if self._arrived else 0.2)
            full = len(self._arrived) >= GROUP_MOST
            if self._arrived and (full or time.monotonic() - self._first >= GROUP_S):
                self._commit(client)
            if lost:
                break
        self._commit(client)

    def _hear(self, topic: str, payload: bytes) -> None:
        """One message. What is no event is counted, and never acknowledged."""
        device = topic.removeprefix(f"{self._prefix}/things/").partition("/")[0]
        try:
            if len(payload) > MESSAGE_MOST:
                raise EdgekitError(f"a message of {len(payload):,} bytes")
            event = Event.decode(payload, device)
        except EdgekitError as error:
            self.metrics.malformed.inc()
            log.warning("%.64s: %s", device, error)
            return
        if len(self._arrived) < BACKLOG:
            self._first = self._first if self._arrived else time.monotonic()
            self._arrived.append(event)

    def _commit(self, client) -> None:
        """Keep what arrived, then say so to whoever sent it."""
        group, self._arrived = self._arrived, []
        if not group:
            return
        try:
            new = self.outbox.put(*group, waits=self._waits)
        except EdgekitError as error:  # a full disk, say: not acknowledged, so it comes again
            log.error("nothing was kept, nothing acknowledged: %s", error)
            self.metrics.failures.labels("disk").inc()
            return
        self.metrics.received.inc(new)
        self.metrics.repeated.inc(len(group) - new)
        by_device: dict[str, list[tuple[int, int]]] = {}
        for e in group:
            by_device.setdefault(e.device, []).append((e.epoch, e.sequence))
        for device, numbers in by_device.items():
            name = device_topic(self._prefix, device, ACKNOWLEDGED)
            for message in pack_acknowledgements(numbers):
                client.publish(name, message, qos=0)  # one that is lost is sent again on a repeat
