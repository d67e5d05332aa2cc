"""What leaves a device, by kind, counted on a relay between it and its broker: TLS and acknowledgements
included.

A day is one session, an event at a time, each acknowledged by broker and gateway before the next, and a
ping every KEEPALIVE_S seconds. TCP's and IP's own headers are not in it, on neither side of a comparison, and
a raw stream is counted without TLS or acknowledgements.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.bars import SOURCES
from edgekit import usecases
from edgekit.assurance.relay import Relay, relay
from edgekit.delivery.mqtt_client import Connection
from edgekit.delivery.server import broker
from edgekit.design import load
from edgekit.gateway.inbox import Inbox
from edgekit.gateway.metrics import Metrics
from edgekit.packages import status
from edgekit.telemetry import Event, EventSource, Kind, Outbox, Reason, Segment
from edgekit.telemetry.privacy import REASONS, SMALL, Sends, may_leave
from edgekit.telemetry.uplink import KEEPALIVE_S, Uplink

USE_CASES = ("activity", "bearing", "ecg", "people", "weeds")
DAY = 86_400
REPORTS = 124  # a day: one an hour, and a hundred alarms
REPORT, SKETCH = bytes(range(12)), bytes(64)
HEALTH = status.report(status.Status(bytes(16), 1 << 20, 999, 999, 1, 0, 9, 1), bytes(32))
ALL: Sends = {"report": (), "sketch": (), "health": (), "segment": REASONS}
LABELLING = {"uncertain", "novel", "random"}  # why the loop asks for a window
SEGMENT_HEAD = 23  # bytes of a segment beside its samples
APART = ("flagged segment", "labelled sample")


@dataclass
class Line:
    """A broker with a gateway that keeps what it hears in `kept`, and a `wire` to it that counts."""

    wire: Relay
    kept: Outbox
    running: object
    epochs: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _each: dict[tuple[Kind, int], float] = field(default_factory=dict)

    @contextmanager
    def sending(
        self, sends: Sends, keepalive_s: int = KEEPALIVE_S
    ) -> Iterator[tuple[EventSource, Uplink]]:
        """A device that may send what `sends` says, in a session of its own."""
        own = self.running.connection("device")  # type: ignore[attr-defined]
        through = Connection(
            own.host, self.wire.port, own.ca, own.user, own.password, own.certificate, own.key
        )
        box, stop = Outbox(), threading.Event()
        up = Uplink(
            through, "device", box, may_leave=may_leave(sends), first_s=20.0, keepalive_s=keepalive_s
        )  # fmt: skip
        thread = threading.Thread(target=up.run, args=(stop,))
        thread.start()
        try:
            _until(lambda: up.sessions)
            yield EventSource("device", box, epoch=next(self.epochs)), up
        finally:
            stop.set()
            thread.join()

    def counted(self) -> int:
        """Bytes both ways so far, when nothing is on its way any more."""
        before = -1
        while before != (now := self.wire.up + self.wire.down):
            before = now
            time.sleep(0.15)
        return now

    def each(self, kind: Kind, body: bytes, events: int) -> float:
        """Bytes on the wire of one such event: the mean of so many, once for each kind and length."""
        if (kind, len(body)) not in self._each:
            with self.sending(ALL) as (source, up):
                before = self.counted()
                for _ in range(events):
                    source.put(kind, body)
                    _until(lambda: not len(source.outbox))
                after = self.counted()
                if (up.sent, up.acknowledged) != (events, events):
                    raise RuntimeError(f"{up.sent} of {events} events were sent: one was repeated")
            self._each[kind, len(body)] = (after - before) / events
        return self._each[kind, len(body)]


@contextmanager
def line(kind: str = "mosquitto") -> Iterator[Line]:
    """A line at a broker of this kind."""
    with tempfile.TemporaryDirectory(prefix="edgekit-wire-") as folder:
        where = Path(folder)
        with broker(kind, where / "b", ("device",), gateways=("gateway",)) as running:
            kept, stop = Outbox(where / "g.db"), threading.Event()
            inbox = Inbox(running.connection("gateway"), kept, Metrics(kept))
            thread = threading.Thread(target=inbox.run, args=(stop,))
            thread.start()
            try:
                with relay(running.port) as wire:
                    yield Line(wire, kept, running)
            finally:
                stop.set()
                thread.join()


@dataclass(frozen=True)
class Session:
    """Bytes both ways of a day's connection without an event: its `handshake`, and each `ping`."""

    handshake: int
    ping: float

    @property
    def day(self) -> float:
        return self.handshake + self.ping * DAY / KEEPALIVE_S


def session(line: Line, smoke: bool = False) -> Session:
    """Measured on the line; pings at one a second."""
    before, pings = line.counted(), 2 if smoke else 6
    with line.sending(ALL):
        handshake = line.counted() - before
    with line.sending(ALL, keepalive_s=1):
        time.sleep(1.5)
        first, began = line.wire.up + line.wire.down, time.monotonic()
        seen = []  # each ping and its answer moves the count
        while len(seen) <= pings and time.monotonic() < began + 5 * pings:
            now = line.counted()
            seen += [now] if now != (seen[-1] if seen else first) else []
    if len(seen) < 2:
        raise RuntimeError("the broker heard no ping")
    return Session(handshake, float(np.median(np.diff(seen))))


@dataclass(frozen=True)
class Traffic:
    """Events of one kind: `count` a day of `body` bytes, `each` of them on the wire."""

    count: float
    body: int
    each: float

    @property
    def day(self) -> float:
        return self.count * self.each


@dataclass(frozen=True)
class Listing:
    """What leaves a device of a use case in a day, by kind, and what it is held against, in bytes a day.

    `raw`: its sensor's stream, `raw_is` in words; `duty`: the windows that it classifies; `designed`: the
    reports that its design counts on, instead of REPORTS short ones.
    """

    name: str
    session: Session
    kinds: dict[str, Traffic]
    raw: float
    raw_is: str
    duty: float
    designed: Traffic

    @cached_property
    def short(self) -> list[str]:
        """The kinds that hold no window."""
        return [kind for kind in self.kinds if kind not in APART]

    def day(self, kinds: Iterable[str]) -> float:
        """Bytes a day of these kinds, and of the session."""
        return self.session.day + sum(self.kinds[kind].day for kind in kinds)

    def less(self, day: float, than: float = 0.0) -> float:
        """By how many per cent `day` bytes are less than those of the baseline; the raw stream, if none."""
        return 100 * (1 - day / (than or self.raw))


def listing(line: Line, session: Session, case: usecases.UseCase, smoke: bool = False) -> Listing:
    """Measured on the line, each kind as long as the use case has it; its design says how many a day."""
    n, window = 2 if smoke else 20, window_of(case)
    design = load(case.folder / "design.toml")
    windows = 24 * design.duty.inferences_per_hour
    reasons = set(case.SENDS.get("segment", ()))
    body = _segment(Reason.REQUESTED, window)
    counts = {
        "report": (REPORTS, Kind.REPORT, REPORT),
        "health": (1.0, Kind.HEALTH, HEALTH),
        "sketch": (1 / 7, Kind.SKETCH, SKETCH),
        "flagged segment": (windows * design.flows.flagged_share, Kind.SEGMENT, body),
        "labelled sample": (
            windows * design.flows.kept_share * bool(reasons & LABELLING), Kind.SEGMENT, body
        ),
    }  # fmt: skip
    kinds = {
        name: Traffic(count, len(body), line.each(kind, body, n))
        for name, (count, kind, body) in counts.items()
        if kind.name.lower() in case.SENDS
    }
    size, often = design.duty.message_bytes, design.duty.messages_per_day
    kind, body = Kind.REPORT, bytes(size)
    if size > SMALL[kind]:  # it says more than a report may: samples
        kind = Kind.SEGMENT
        body = _segment(Reason.REQUESTED, np.zeros((size - SEGMENT_HEAD) // 2, "<i2"))
    message = Traffic(often, len(body), line.each(kind, body, n))
    raw, what = _raw(case)
    return Listing(case.name, session, kinds, raw, what, windows * window.nbytes, message)


def window_of(case: usecases.UseCase) -> np.ndarray:
    """A window as a device of the use case sends it: counts of its sensor, or a picture for its model."""
    nbytes = load(case.folder / "design.toml").flows.window_bytes
    assert nbytes is not None
    return np.zeros(
        (96, 96) if _is_picture(case) else nbytes // 2, np.int8 if _is_picture(case) else "<i2"
    )


def _is_picture(case: usecases.UseCase) -> bool:
    return hasattr(case.module, "SIZE")


def _raw(case: usecases.UseCase) -> tuple[float, str]:
    """What its sensor would stream in a day, two bytes a sample, or a byte a pixel of a crop."""
    if _is_picture(case):
        nbytes, size = DAY * case.RATE * case.SIZE**2, case.SIZE
        return nbytes, f"{size} x {size} pixels at {case.RATE} a second"
    rate, channels = case.RATE, case.teacher_input.shape[-1] if not case.BY_CLASS else 1
    if case.BY_CLASS:  # a recorder's rate; RATE is what the model is given
        rate = case.recordings("field", "quick", offline=True)[0].rate
    return DAY * rate * channels * 2.0, f"{rate:,.0f} samples a second of {channels} x 2 B"


@dataclass(frozen=True)
class Tried:
    """Of events that must not leave: how many were tried (`held`), bytes on the wire meanwhile; of those that
    may: how many there were (`wanted`), and how many of them `arrived`. `astray`: others that arrived."""

    held: int
    bytes_held: int
    wanted: int
    arrived: int
    astray: int


def private(line: Line, case: usecases.UseCase) -> Tried:
    """A window tried in every way that SENDS forbids, then in every way that it allows."""
    window, reasons = window_of(case), set(case.SENDS.get("segment", ()))
    small = [k for k in SMALL if k.name.lower() in case.SENDS]
    segments = {r: (Kind.SEGMENT, _segment(r, window)) for r in Reason}
    forbidden = [s for r, s in segments.items() if r.name.lower() not in reasons]
    forbidden += [(kind, window.tobytes()) for kind in Kind]  # as what it is not
    forbidden += [(kind, b"x") for kind in SMALL if kind not in small]
    allowed = [s for r, s in segments.items() if r.name.lower() in reasons]
    allowed += [(kind, bytes(SMALL[kind])) for kind in small]
    with line.sending(case.SENDS) as (source, _):
        before = line.counted()
        held = {source.put(kind, body).key for kind, body in forbidden}
        _until(lambda: not len(source.outbox))
        bytes_held = line.counted() - before
        wanted = {source.put(kind, body).key for kind, body in allowed}
        _until(lambda: not len(source.outbox))
        aside = {event.key for event, _ in source.outbox.aside()}
        found = {e.key for e in _kept(line) if e.epoch == source.epoch}
    if aside != held:
        raise RuntimeError(f"{case.name}: {len(held)} were to be kept back, {len(aside)} were")
    arrived = len(found & wanted)
    return Tried(len(held), bytes_held, len(wanted), arrived, len(found - wanted))


def _kept(line: Line) -> list[Event]:
    return line.kept.pending(100_000)


def _segment(reason: Reason, window: np.ndarray) -> bytes:
    return Segment(reason, 0, 0.5, window).encode()


def use_case(name: str) -> usecases.UseCase:
    """One of the kit's."""
    return usecases.load(name, SOURCES)


def _until(true, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("it did not happen")
        time.sleep(0.005)
