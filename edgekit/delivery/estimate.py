"""What a file takes on the wire by each transport: bytes and seconds over a link of the catalogue.

Everything here is estimated. Bytes are counted as TLS 1.3 carries them (a record costs 22: RFC 8446,
section 5.2) with P-256 certificates; `assurance.measure` counts them on a real wire, and a test holds the
two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil

from edgekit.catalog import Link
from edgekit.core.figures import Figure, estimated, number
from edgekit.core.html_table import TABLE
from edgekit.delivery.block_protocol import BLOCK_MIN, WINDOW
from edgekit.select import airtime_s

RECORD = 22  # bytes: header 5, type 1, tag 16
RECORD_MOST = 16_384
HANDSHAKE = {
    "mqtt": 4_400,
    "http": 1_950,
}  # bytes both ways; a client's certificate makes MQTT's longer
HANDSHAKE_TRIPS = 2  # TCP, TLS 1.3
MQTT_CONNECT = 70  # CONNECT and CONNACK
MQTT_DESCRIBE = 530  # SUBSCRIBE, DescribeStream, their answers
MQTT_DATA, MQTT_ACKS = 100, 55  # about a block's bytes; PUBACK and its share of GetStream
HTTP_HEADERS = 420  # request and answer
BLOCK_S = 1.0  # a block that is lost costs no more than this on the air


@dataclass(frozen=True)
class Choice:
    """`kind` is "mqtt", "http" or "none"; `block` in bytes; `seconds` and `bytes` for the whole transfer,
    both ways. The bytes include TLS; the seconds also what the link adds to each packet. `others` are the
    ways not chosen."""

    kind: str
    block: int
    seconds: Figure
    bytes: Figure
    why: str
    others: tuple[Choice, ...] = ()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{c.kind}</td><td>{c.block:,}</td><td>{c.bytes}</td><td>{c.seconds}</td></tr>"
            for c in (self, *self.others)
        )
        head = "<tr><th></th><th>block</th><th>on the wire</th><th>time</th></tr>"
        return f"<b>{self.kind}</b>: {escape(self.why)}{TABLE}{head}{rows}</table><small>estimated</small>"


def mqtt(size: int, over: Link, *, block_most: int, connected: bool) -> Choice:
    """As `transport.Estimate`: blocks that the device pulls, within its session if it has one."""
    block = _block(size, over, block_most)
    count = ceil(size / block)
    once = MQTT_DESCRIBE + (0 if connected else HANDSHAKE["mqtt"] + MQTT_CONNECT)
    down = size + count * (MQTT_DATA + RECORD * (ceil(block / RECORD_MOST) - 1))
    seconds = airtime_s(over, once) + _stream(over, down) + count * airtime_s(over, MQTT_ACKS)
    trip = over.value("round_trip_s")
    trips = 2 + (0 if connected else HANDSHAKE_TRIPS + 1)  # subscribe, describe
    seconds = trip * trips + max(seconds / over.share, trip * ceil(count / WINDOW))
    why = "by the session that is there" if connected else "with a handshake of two certificates"
    why += f", {MQTT_DATA + MQTT_ACKS} bytes about each block of {block:,}"
    return choice("mqtt", block, seconds, once + down + count * MQTT_ACKS, over, why)


def http(size: int, over: Link, *, block_most: int, connected: bool) -> Choice:
    """As `transport.Estimate`: a handshake of its own, then the file in one piece."""
    once = HANDSHAKE["http"] + HTTP_HEADERS
    down = size + RECORD * ceil(size / RECORD_MOST)
    seconds = (airtime_s(over, once) + _stream(over, down)) / over.share
    trip = over.value("round_trip_s")
    why = "with a TLS handshake of its own, nothing about each block"
    return choice("http", size, seconds + trip * (HANDSHAKE_TRIPS + 1), once + down, over, why)


def _stream(over: Link, nbytes: int) -> float:
    """Seconds on the air for `nbytes` in a row, and an empty TCP segment back for each two (RFC 1122)."""
    acks = ceil(nbytes / over.value("max_payload_bytes") / 2)
    empty = airtime_s(over, 1)  # hardly more than its headers
    return airtime_s(over, nbytes) + acks * empty


def choice(kind: str, block: int, seconds: float, nbytes: int, over: Link, why: str = "") -> Choice:
    """A Choice of estimated `seconds` and bytes over a link."""
    source = f"bytes over {number(over.value('bytes_per_s'))} bytes/s of {over.name}, round trips"
    return Choice(
        kind, block, estimated(seconds, "s", source),
        estimated(nbytes, "bytes", "sizes of messages and records"), why,
    )  # fmt: skip


def _block(size: int, over: Link, most: int) -> int:
    """The largest power of two that the device can hold, the link sends in a second, and `size` fills."""
    block = BLOCK_MIN
    while 2 * block <= most and block < size and airtime_s(over, 2 * block) <= BLOCK_S * over.share:
        block *= 2
    return block
