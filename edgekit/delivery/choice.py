"""Which transport, and blocks of which size: from the bytes of the package and the link of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from edgekit.catalog import Link, link
from edgekit.core.errors import EdgekitError
from edgekit.delivery.block_protocol import BLOCK_MIN
from edgekit.delivery.estimate import Choice, choice
from edgekit.delivery.transports import TRANSPORTS
from edgekit.select import airtime_s

FRAGMENT = {  # links that carry no IP: what a fragment's header takes of a payload, and how a file goes
    "lorawan": (3, "as fragments (LoRa Alliance TS004, DataFragment), sent by the network server"),
    "ble": (0, "in GATT writes, from a gateway that fetched it"),
}


def choose(
    size: int, over: Link | str, *, block_most: int = 4096, connected: bool = True
) -> Choice:
    """How a package of `size` bytes best travels `over` a link (or the key of one), of all TRANSPORTS.

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
    ways = [
        transport.estimate(size, over, block_most=block_most, connected=connected)
        for transport in TRANSPORTS.values()
    ]
    best, *others = sorted(ways, key=lambda way: way.seconds.value)
    against = "; ".join(f"{w.kind} {w.bytes} on the wire, {w.seconds}, {w.why}" for w in others)
    reason = f"{best.bytes} on the wire, {best.seconds}, {best.why}"
    return replace(best, why=f"{reason}; {against}" if against else reason, others=tuple(others))


def _fragments(size: int, over: Link, header: int, how: str) -> Choice:
    payload = int(over.value("max_payload_bytes"))
    block = payload - header
    count = ceil(size / block)
    seconds = count * airtime_s(over, payload) / over.share
    wire = size + count * (header + int(over.value("overhead_bytes")))
    why = f"{over.name} carries no IP, so neither MQTT nor HTTP; {count:,} blocks of {block} bytes {how}"
    return choice("none", block, seconds, wire, over, why)
