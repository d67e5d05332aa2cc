"""One event of a device, and its bytes: deterministic CBOR, read strictly and with bounds.

    event = [1, device, epoch, sequence, kind, release, time, body]     device: byte string of its name
    batch = [1, [event as a byte string, …]]

Between device and gateway the topic names the device: there its string is empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from edgekit.core.errors import EdgekitError
from edgekit.packages.cbor import CborError, encode
from edgekit.packages.cbor_reader import CborReader

VERSION = 1
DEVICE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
BODY_MOST = 16_384  # bytes: a window of one second of six axes, or a picture, fits
BATCH_MOST = 500  # events
BATCH_BYTES_MOST = 1 << 21


class Kind(IntEnum):
    """What an event's body holds."""

    REPORT = 1  # a message of the use case's schema (`firmware.message`)
    SEGMENT = 2  # a window that the device flagged: `telemetry.segment`
    SKETCH = 3  # a week's drift sketch: `monitor.sketch`
    HEALTH = 4  # how the device fares: `packages.status`
    OPINION = 5  # the gateway's larger model on a segment
    DRIFT = 6  # a detector's verdict


@dataclass(frozen=True, order=True)
class Event:
    """`epoch` counts the device's boots and `sequence` its events since: with `device` the key, which is used
    once. `release` is the number of the model that ran (0: none), `time` POSIX seconds (0: a device
    without a clock). Raises EdgekitError for what no device sends.
    """

    device: str
    epoch: int
    sequence: int
    kind: Kind
    release: int = 0
    time: int = 0
    body: bytes = b""

    def __post_init__(self):
        if self.device and not DEVICE.fullmatch(self.device):
            raise EdgekitError(
                f"{self.device[:80]!r} cannot name a device: 1 to 64 of A–Z, a–z, 0–9, _ and -"
            )
        numbers = (self.epoch, self.sequence, self.release, self.time)
        if not all(0 <= n < 1 << 32 for n in numbers):
            raise EdgekitError("an event's numbers go from 0 to 2^32 - 1")
        if len(self.body) > BODY_MOST:
            raise EdgekitError(
                f"an event's body has at most {BODY_MOST:,} bytes, not {len(self.body):,}"
            )
        object.__setattr__(self, "kind", _kind(self.kind))

    @property
    def key(self) -> tuple[str, int, int]:
        """Device, epoch, sequence: an event with a key that is there already is the same one, again."""
        return self.device, self.epoch, self.sequence

    def encode(self, named: bool = True) -> bytes:
        """Its bytes; not `named`, without the device, which the topic names."""
        device = self.device.encode("ascii") if named else b""
        numbers = self.epoch, self.sequence, int(self.kind), self.release, self.time
        return encode([VERSION, device, *numbers, self.body])

    @classmethod
    def decode(cls, data: bytes, device: str = "") -> Event:
        """The event in `data`; `device`: whose topic it came by. Raises EdgekitError for anything else."""
        r = CborReader(data)
        try:
            r.expect(0x88, VERSION)
            name = r.bytes()
            epoch, sequence, kind, release, time = (r.number() for _ in range(5))
            body = r.bytes()
            r.end()
        except CborError as error:
            raise EdgekitError(f"no event: what came is {error}") from None
        if bool(name) == bool(device):
            raise EdgekitError("an event names its device, or its topic does, not both")
        event = cls(_text(name), epoch, sequence, _kind(kind), release, time, body)
        return replace(event, device=device) if device else event


def pack(events: Sequence[Event]) -> bytes:
    """A batch of up to BATCH_MOST events. Raises EdgekitError for more."""
    if len(events) > BATCH_MOST:
        raise EdgekitError(f"a batch has at most {BATCH_MOST} events, not {len(events):,}")
    return encode([VERSION, [event.encode() for event in events]])


def unpack(data: bytes) -> list[Event]:
    """The events of the batch in `data`. Raises EdgekitError unless all of them are what they should be."""
    if len(data) > BATCH_BYTES_MOST:
        raise EdgekitError(f"a batch has at most {BATCH_BYTES_MOST:,} bytes, not {len(data):,}")
    r = CborReader(data)
    try:
        r.expect(0x82, VERSION)
        count = r.number(4)
        if count > BATCH_MOST:
            raise EdgekitError(f"a batch has at most {BATCH_MOST} events, not {count:,}")
        parts = [r.bytes() for _ in range(count)]
        r.end()
    except CborError as error:
        raise EdgekitError(f"no batch of events: what came is {error}") from None
    return [Event.decode(part) for part in parts]


def _text(name: bytes) -> str:
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise EdgekitError("an event whose device has no name that could be one") from None


def _kind(number: int) -> Kind:
    try:
        return Kind(number)
    except ValueError:
        raise EdgekitError(f"an event of kind {number}; there are 1 to {len(Kind)}") from None
