"""The alert that a sensor node sends: twelve bytes, the same from Python and from C (`message.h`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np

from edgekit.core.errors import EdgekitError

BYTES = 12
VERSION = 1
CLASSES = 15  # 0 … 14; 15 is "unknown"
FIELDS = {  # name: first byte, bytes, steps a unit, lowest, highest, unknown
    "score": (1, 2, 1000, 0, 65_534, 65_535),
    "temperature_c": (3, 2, 100, -32_767, 32_767, -32_768),
    "battery_v": (5, 2, 1000, 0, 65_534, 65_535),
    "remaining_life_h": (7, 2, 1, 0, 65_534, 65_535),
}


@dataclass(frozen=True)
class Message:
    """What there is to say. `label` is a class index or None; `alarm`: the score is above the threshold.

    `score` 0…65.534 in steps of 0.001 (best in multiples of the threshold), `temperature_c` ±327.67 °C in
    steps of 0.01, `battery_v` 0…65.534 V in steps of 0.001, `remaining_life_h` hours left, 0…65,534; None
    or NaN where not known. `counter` modulo 2^24 tells lost messages.
    """

    label: int | None = None
    alarm: bool = False
    score: float | None = None
    temperature_c: float | None = None
    battery_v: float | None = None
    remaining_life_h: float | None = None
    counter: int = 0

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
            for name, value in vars(self).items()
        )
        return f"<table>{rows}<tr><td>bytes</td><td>{pack(self).hex(' ')}</td></tr></table>"


def pack(message: Message) -> bytes:
    """Twelve bytes; a value beyond its field becomes the field's limit, as the device's C does it."""
    known = message.label is not None and 0 <= message.label < CLASSES
    label = message.label if known else CLASSES
    out = bytearray(BYTES)
    out[0] = VERSION << 5 | bool(message.alarm) << 4 | label
    for name, (first, size, steps, low, high, unknown) in FIELDS.items():
        value = _fixed(getattr(message, name), steps, low, high, unknown)
        out[first : first + size] = value.to_bytes(size, "little", signed=low < 0)
    out[9:12] = (int(message.counter) & 0xFFFFFF).to_bytes(3, "little")
    return bytes(out)


def unpack(payload: bytes) -> Message:
    """What a payload says. Raises EdgekitError for another length or version: a port is open to anybody."""
    if len(payload) != BYTES:
        raise EdgekitError(f"an alert has {BYTES} bytes, this payload {len(payload)}")
    if payload[0] >> 5 != VERSION:
        raise EdgekitError(f"an alert of version {payload[0] >> 5}; this is version {VERSION}")
    values = {}
    for name, (first, size, steps, low, _, unknown) in FIELDS.items():
        raw = int.from_bytes(payload[first : first + size], "little", signed=low < 0)
        values[name] = None if raw == unknown else raw / steps
    label = payload[0] & 15
    return Message(
        label=None if label == CLASSES else label,
        alarm=bool(payload[0] >> 4 & 1),
        counter=int.from_bytes(payload[9:12], "little"),
        **values,
    )


def check_fits(link) -> int:
    """Bytes left in one payload of a `catalog` link beside an alert; EdgekitError if it does not fit."""
    most = int(link.value("max_payload_bytes"))
    if most < BYTES:
        raise EdgekitError(f"{link.name} carries {most} bytes at once, an alert has {BYTES}")
    return most - BYTES


def sources() -> dict[str, str]:
    """The C side and the header that it includes, {file name: text}."""
    from edgekit.emulate.toolchain import runtime_source
    from edgekit.signal import source

    return {"message.h": runtime_source("message.h"), **source.included(["real.h"])}


def _fixed(value, steps: int, low: int, high: int, unknown: int) -> int:
    """To the nearest step, half away from zero, in float32 as the device computes it."""
    if value is None or math.isnan(value):
        return unknown
    with np.errstate(over="ignore"):
        scaled = np.float32(value) * np.float32(steps)
    if scaled <= low:
        return low
    if scaled >= high:
        return high
    size = abs(scaled)
    whole = int(size)
    n = whole + bool(size - np.float32(whole) >= np.float32(0.5))
    return -n if scaled < 0 else n
