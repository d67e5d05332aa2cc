"""Record from a broker or a serial port: lines or messages of numbers become one recording.

A message, or a line, holds a row of numbers or several: CSV as a microcontroller prints it (the style of
Edge Impulse's data forwarder), JSON or CBOR ({"x": 1.2, "y": 3.4}, a list, a list of lists), or a whole
acquisition in Edge Impulse's format. What cannot be read is counted and said.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgekit.data import format as recording_format
from edgekit.data.bring import impulse, layout, tables, timing
from edgekit.data.bring.reading import UnreadableError
from edgekit.data.recordings import Recording
from edgekit.errors import EdgekitError
from edgekit.extras import missing

LONGEST = 4 << 20  # bytes of a message
MOST = 50_000_000  # numbers of a recording
STAMPS = re.compile(tables.TIME, re.I)


@dataclass
class Collector:
    """Gathers messages. `rows` of numbers, the seconds `at` which each arrived, the sender's `stamps` if
    it sends them; `bad`: why messages were left out, and how many."""

    channels: tuple[str, ...] | None = None
    unit: str = ""
    rate: float | None = None
    rows: list[list[float]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    stamp_unit: str = ""
    bad: Counter = field(default_factory=Counter)

    def add(self, payload: bytes, seconds: float) -> None:
        """One message or line that arrived at `seconds`."""
        try:
            if len(payload) > LONGEST or len(self.rows) * max(1, len(self.channels or ())) > MOST:
                raise UnreadableError("is too long")
            self._take(payload, seconds)
        except UnreadableError as error:
            self.bad[str(error)] += 1

    def _take(self, payload: bytes, seconds: float) -> None:
        text = payload.strip()
        if text[:1] in (b"{", b"["):
            self._value(impulse.from_json(text), seconds)
        elif text and (text[0] >> 5 in (4, 5) and text[0] >= 0x80):
            self._value(impulse.cbor(payload), seconds)
        else:
            self._lines(text, seconds)

    def _value(self, value, seconds: float) -> None:
        if isinstance(value, dict) and "payload" in value:
            reading = impulse.acquisition(value, "message")
            self.rate = self.rate or reading.rate
            self.unit = self.unit or reading.unit
            self._rows(
                [list(map(float, row)) for row in reading.samples], reading.channels, seconds
            )
        elif isinstance(value, dict):
            stamp = next((k for k in value if STAMPS.fullmatch(str(k))), None)
            numbers = {str(k): v for k, v in value.items() if k != stamp and _is_number(v)}
            if stamp is not None and _is_number(value[stamp]):
                self.stamps.append(float(value[stamp]))
                self.stamp_unit = str(stamp)
            self._rows([list(map(float, numbers.values()))], tuple(numbers), seconds)
        elif isinstance(value, list) and value and all(isinstance(v, list) for v in value):
            if not all(all(map(_is_number, row)) for row in value):
                raise UnreadableError("holds something that is no number")
            self._rows([list(map(float, row)) for row in value], None, seconds)
        elif isinstance(value, list) and value and all(map(_is_number, value)):
            self._rows([list(map(float, value))], None, seconds)
        else:
            raise UnreadableError("holds no numbers")

    def _lines(self, text: bytes, seconds: float) -> None:
        rows = []
        for line in text.decode("utf-8", "replace").splitlines():
            cells = [c for c in re.split(r"[,;\t ]+", line.strip()) if c]
            if cells and all(layout.NUMBER.match(c) or c.lower() == "nan" for c in cells):
                rows.append([float(c) for c in cells])
            elif cells and not self.rows and all(re.match(r"[A-Za-z_]", c) for c in cells):
                self.channels = self.channels or tuple(cells)  # a header, sent once at the start
            elif cells:
                raise UnreadableError("is no line of numbers")
        if rows:
            self._rows(rows, None, seconds)

    def _rows(self, rows: list[list[float]], channels, seconds: float) -> None:
        width = len(self.channels) if self.channels else len(rows[0])
        if not width or any(len(row) != width for row in rows):
            raise UnreadableError(f"holds {len(rows[0])} numbers a row, not {width}")
        if channels and self.channels and tuple(channels) != self.channels:
            raise UnreadableError(f"names other channels: {', '.join(channels)[:60]}")
        self.channels = self.channels or (tuple(channels) if channels else None)
        if self.channels is None:
            self.channels = tuple(f"ch{i + 1}" for i in range(width))
        self.rows += rows
        self.at += [seconds] * len(rows)

    def timing(self) -> tuple[float, str, dict]:
        """Rate in Hz, where it is from, and what a quality check should know."""
        if self.rate:
            return self.rate, "as given", {}
        if len(self.stamps) == len(self.rows) > 2:
            table = layout.Grid([self.stamp_unit], [""], [np.array(self.stamps)], None, [])
            seen = timing.study(tables.ticks(table, 0, "", []))
            if seen:
                gaps = {"gaps": [[i, s] for i, s in seen.gaps[:100]]} if seen.gaps else {}
                jitter = {"jitter": seen.jitter} if math.isfinite(seen.jitter) else {}
                return timing.nominal(seen.rate), "the sender's time stamps", gaps | jitter
        span = self.at[-1] - self.at[0]
        last = sum(1 for a in self.at if a == self.at[-1])  # those that arrived together at the end
        if len(self.rows) - last < 2 or span <= 0:
            raise EdgekitError("too little arrived to measure a rate; record longer, or say --rate")
        return timing.nominal((len(self.rows) - last) / span, 0.03), "the times of arrival", {}

    def recording(
        self, name: str, label: str | None, group: str, licence: str, source: str
    ) -> Recording:
        """All of it. Raises EdgekitError where nothing arrived that could be read."""
        if not self.rows:
            why = f": {self.bad.most_common(1)[0][0]}" if self.bad else ""
            raise EdgekitError(f"{source}: nothing arrived that could be read{why}")
        rate, how, meta = self.timing()
        meta |= {"rate_from": how, "recorded": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        if self.bad:
            meta["notes"] = [f"{n} messages left out: {why}" for why, n in self.bad.most_common(5)]
        return Recording(
            name, np.array(self.rows, np.float32), rate, label, group or name, "field", self.channels,
            self.unit or "as sent", licence or "not stated", source, meta,
        )  # fmt: skip


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


# --------------------------------------------------------------------------------------- sources


def mqtt(
    host: str, port: int, topic: str, seconds: float, tls: bool = False
) -> Iterator[tuple[bytes, float]]:
    """(payload, seconds since the start) of each message under `topic`, for `seconds` from the first one on.

    User and password: EDGEKIT_MQTT_USER and EDGEKIT_MQTT_PASSWORD. Raises EdgekitError where there is no
    broker, it refuses, or it ends the connection.
    """
    import queue

    try:
        from paho.mqtt import client as paho
    except ImportError:
        raise missing("recording needs", "paho", "live") from None
    heard: queue.Queue = queue.Queue(maxsize=200_000)
    state = {"up": False, "why": ""}

    def connected(client, _data, _flags, reason, _properties):
        if reason.is_failure:
            state["why"] = str(reason)
        else:
            client.subscribe(topic, qos=1)

    def subscribed(_client, _data, _mid, reasons, _properties):
        state["up"] = not any(r.is_failure for r in reasons)
        state["why"] = "" if state["up"] else f"may not hear {topic}"

    def message(_client, _data, m):
        if not heard.full():
            heard.put((m.payload, time.monotonic()))

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, message
    if user := os.environ.get("EDGEKIT_MQTT_USER"):
        client.username_pw_set(user, os.environ.get("EDGEKIT_MQTT_PASSWORD"))
    if tls:
        client.tls_set()
    try:
        client.connect(host, port, keepalive=30)
    except (OSError, ValueError) as error:
        raise EdgekitError(f"no broker at {host}:{port} ({error})") from None
    client.loop_start()
    try:
        yield from _heard(heard, seconds, state, f"{host}:{port}")
    finally:
        client.loop_stop()
        client.disconnect()


def _heard(heard, seconds: float, state: dict, where: str):
    import queue

    began, patience = None, time.monotonic() + max(10.0, seconds)
    while began is None or time.monotonic() < began + seconds:
        if state["why"]:
            raise EdgekitError(f"the broker at {where} refuses: {state['why']}")
        try:
            payload, at = heard.get(timeout=0.1)
        except queue.Empty:
            if began is None and time.monotonic() > patience:
                return
            continue
        began = at if began is None else began
        yield payload, at - began


def serial(port: str, baud: int, seconds: float) -> Iterator[tuple[bytes, float]]:
    """(line, seconds since the start) of what a serial port sends, for `seconds`; the first, partial line
    is left out. Raises EdgekitError where the port cannot be opened, or goes away."""
    try:
        import serial as pyserial
    except ImportError:
        raise missing("recording needs", "serial", "live") from None
    try:
        with pyserial.Serial(port, baud, timeout=0.1) as device:
            began = time.monotonic()
            rest, first = b"", True
            while (now := time.monotonic() - began) < seconds:
                rest += device.read(max(1, min(device.in_waiting, 1 << 16)))
                *lines, rest = rest.split(b"\n")
                if len(rest) > LONGEST:
                    raise EdgekitError(f"{port}: no line ends in {LONGEST >> 20} MB; wrong --baud?")
                for line in lines:
                    if not first:
                        yield line, now
                    first = False
    except (pyserial.SerialException, OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise EdgekitError(f"{port}: {text}") from None


def record(
    messages: Iterator[tuple[bytes, float]], out: Path | str, *, source: str, label="", group="", rate=0.0,
    channels="", unit="", licence="",
) -> Path:  # fmt: skip
    """Collect `messages` and save one recording in `out`; prints what arrived. Returns its path."""
    names = tuple(c.strip() for c in channels.split(",") if c.strip()) or None
    collector = Collector(names, unit, rate or None)
    for payload, seconds in messages:
        collector.add(payload, seconds)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    safe = re.sub(r"[^\w-]+", "_", label) or "recording"
    name, count = f"{safe}.{stamp}", 1
    while (Path(out) / f"{name}.npz").exists():
        name, count = f"{safe}.{stamp}-{count + 1}", count + 1
    made = collector.recording(name, label or None, group, licence, source)
    path = recording_format.save(made, Path(out) / f"{name}.npz")
    print(
        f"{path}: {len(made.samples):,} samples of {', '.join(made.channels)} at {made.rate:g} Hz "
        f"({made.meta['rate_from']}), {made.seconds:.1f} s"
    )
    for why, count in collector.bad.most_common(5):
        print(f"  left out {count} messages, each {why}")
    return path
