"""Record from a broker or a serial port: lines or messages of numbers become one recording, see `collect`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from edgekit.bring.collect import LONGEST, Collector
from edgekit.bring.writing import file_name
from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.data import recording_file

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
    received: queue.Queue = queue.Queue(maxsize=200_000)
    state: dict = {"up": False, "why": "", "topics": {}}

    def connected(client, _data, _flags, reason, _properties):
        if reason.is_failure:
            state["why"] = str(reason)
        else:
            client.subscribe(topic, qos=1)

    def subscribed(_client, _data, _mid, reasons, _properties):
        state["up"] = not any(r.is_failure for r in reasons)
        state["why"] = "" if state["up"] else f"may not hear {topic}"

    def message(_client, _data, m):
        state["topics"].setdefault(m.topic)
        if not received.full():
            received.put((m.payload, time.monotonic()))

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
        yield from _drain(received, seconds, state, f"{host}:{port}")
    finally:
        client.loop_stop()
        client.disconnect()


def _drain(received, seconds: float, state: dict, where: str):
    import queue

    began, patience = None, time.monotonic() + max(10.0, seconds)
    while began is None or time.monotonic() < began + seconds:
        if state["why"]:
            raise EdgekitError(f"the broker at {where} refuses: {state['why']}")
        if len(topics := list(state["topics"])) > 1:  # two clocks in one recording would be neither
            raise EdgekitError(
                f"messages come from several topics, {topics[0]!r} and {topics[1]!r} among them: a recording "
                "is of one; name it with --topic"
            )
        try:
            payload, at = received.get(timeout=0.1)
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
    names = tuple(c.strip() for c in channels.split(",") if c.strip())
    collector = Collector(names, unit, rate or None, channels_given=bool(names))
    for payload, seconds in messages:
        collector.add(payload, seconds)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    safe = file_name(escape.encodable(label), set())
    name, count = f"{safe}.{stamp}", 1
    while (Path(out) / f"{name}.npz").exists():
        name, count = f"{safe}.{stamp}-{count + 1}", count + 1
    made = collector.recording(name, label or None, group, licence, source)
    path = recording_file.save(made, Path(out) / f"{name}.npz")
    said = (
        f"{path}: {len(made.samples):,} samples of {', '.join(made.channels)} at {made.rate:g} Hz "
        f"({made.meta['rate_from']}), {made.seconds:.1f} s"
    )
    print(escape.line(said))
    for text in made.meta.get("notes", []):
        print(f"  {text}")
    return path
