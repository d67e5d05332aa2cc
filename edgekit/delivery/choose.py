"""MQTT or HTTP, and blocks of which size: from the bytes of the package and the link of the catalogue.

Everything here is estimated. Bytes are counted as TLS 1.3 carries them (a record costs 22: RFC 8446,
section 5.2) with P-256 certificates; `measure` counts them on a real wire, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil

from edgekit.catalog import Link, link
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, estimated, number
from edgekit.delivery.partial_file import BLOCK_MIN
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
WINDOW = 16  # blocks on their way at a time, `mqtt.fetch`'s default
BLOCK_S = 1.0  # a block that is lost costs no more than this on the air

# Rules of thumb for an idle network, in seconds; a round trip is not in the catalogue.
ROUND_TRIP_S = {"ethernet": 0.001, "wifi": 0.005, "thread": 0.1, "lte-m": 0.1, "nb-iot": 1.6}
ROUND_TRIP_ELSE = 0.1
FRAGMENT = {  # links that carry no IP: what a fragment's header takes of a payload, and how a file goes
    "lorawan": (3, "as fragments (LoRa Alliance TS004, DataFragment), sent by the network server"),
    "ble": (0, "in GATT writes, from a gateway that fetched it"),
}


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
        return f"<b>{self.kind}</b>: {escape(self.why)}<table>{head}{rows}</table><small>estimated</small>"


def choose(
    size: int, over: Link | str, *, block_most: int = 4096, connected: bool = True
) -> Choice:
    """How a package of `size` bytes best travels `over` a link (or the key of one).

    `block_most`: bytes that the device can hold of a block. `connected`: the device has an MQTT session
    already, as one that reports has, so MQTT costs no handshake. Raises EdgekitError for a size below 1
    or blocks below 256.
    """
    over = link(over) if isinstance(over, str) else over
    if size < 1 or block_most < BLOCK_MIN:
        raise EdgekitError(
            f"a package has 1 byte or more, a block {BLOCK_MIN}; not {size}, {block_most}"
        )
    for family, (header, how) in FRAGMENT.items():
        if over.key.split("-")[0] == family:
            return _fragments(size, over, header, how)
    block = _block(size, over, block_most)
    ways = [_mqtt(size, over, block, connected), _http(size, over)]
    best, other = sorted(ways, key=lambda way: way.seconds.value)
    reason = (
        f"{best.bytes} against {other.bytes} on the wire, {best.seconds} against {other.seconds}: "
        + _because(best.kind, block, connected)
    )
    return Choice(best.kind, block, best.seconds, best.bytes, reason, (other,))


def _because(kind: str, block: int, connected: bool) -> str:
    overhead = MQTT_DATA + MQTT_ACKS
    if kind == "mqtt":
        return "the MQTT session is there, HTTP would need a TLS handshake of its own"
    if connected:
        return f"{overhead} bytes about each block of {block:,} cost more than HTTP's TLS handshake"
    return "both need a handshake, and HTTP has nothing about each block"


def _block(size: int, over: Link, most: int) -> int:
    """The largest power of two that the device can hold, the link sends in a second, and `size` fills."""
    block = BLOCK_MIN
    while 2 * block <= most and block < size and airtime_s(over, 2 * block) <= BLOCK_S * over.share:
        block *= 2
    return block


def _mqtt(size: int, over: Link, block: int, connected: bool) -> Choice:
    count = ceil(size / block)
    once = MQTT_DESCRIBE + (0 if connected else HANDSHAKE["mqtt"] + MQTT_CONNECT)
    down = size + count * (MQTT_DATA + RECORD * (ceil(block / RECORD_MOST) - 1))
    seconds = airtime_s(over, once) + _stream(over, down) + count * airtime_s(over, MQTT_ACKS)
    trip = ROUND_TRIP_S.get(over.key, ROUND_TRIP_ELSE)
    trips = 2 + (0 if connected else HANDSHAKE_TRIPS + 1)  # subscribe, describe
    seconds = trip * trips + max(seconds / over.share, trip * ceil(count / WINDOW))
    return _choice("mqtt", block, seconds, once + down + count * MQTT_ACKS, over)


def _http(size: int, over: Link) -> Choice:
    once = HANDSHAKE["http"] + HTTP_HEADERS
    down = size + RECORD * ceil(size / RECORD_MOST)
    seconds = (airtime_s(over, once) + _stream(over, down)) / over.share
    trip = ROUND_TRIP_S.get(over.key, ROUND_TRIP_ELSE)
    return _choice("http", size, seconds + trip * (HANDSHAKE_TRIPS + 1), once + down, over)


def _stream(over: Link, nbytes: int) -> float:
    """Seconds on the air for `nbytes` in a row, and an empty TCP segment back for each two (RFC 1122)."""
    acks = ceil(nbytes / over.value("max_payload_bytes") / 2)
    empty = over.value("setup_s") + over.value("overhead_bytes") / over.value("bytes_per_s")
    return airtime_s(over, nbytes) + acks * empty


def _fragments(size: int, over: Link, header: int, how: str) -> Choice:
    payload = int(over.value("max_payload_bytes"))
    block = payload - header
    count = ceil(size / block)
    seconds = count * airtime_s(over, payload) / over.share
    wire = size + count * (header + int(over.value("overhead_bytes")))
    why = f"{over.name} carries no IP, so neither MQTT nor HTTP; {count:,} blocks of {block} bytes {how}"
    return _choice("none", block, seconds, wire, over, why)


def _choice(
    kind: str, block: int, seconds: float, nbytes: int, over: Link, why: str = ""
) -> Choice:
    source = f"bytes over {number(over.value('bytes_per_s'))} bytes/s of {over.name}, round trips"
    return Choice(
        kind, block, estimated(seconds, "s", source),
        estimated(nbytes, "bytes", "sizes of messages and records"), why,
    )  # fmt: skip
