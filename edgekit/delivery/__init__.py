"""Delivery: a package goes to a device, and survives whatever happens on the way.

with serve("mqtt", package, receivers=("pump-1",)) as offer:  # or "http": one record each in TRANSPORTS
    fetch(offer.source("pump-1"), "update.suit")              # in pieces, resumable, byte for byte
choose(len(package), link)                                    # which of them, and why

`server` is the other side alone, for a gateway; `tuf_repository` what a Linux gateway updates itself from.
"""

from edgekit.delivery.choice import choose
from edgekit.delivery.estimate import Choice
from edgekit.delivery.transport import Offer, Source, Transfer, Transport
from edgekit.delivery.transports import TRANSPORTS, fetch, serve

__all__ = [
    "TRANSPORTS",
    "Choice",
    "Offer",
    "Source",
    "Transfer",
    "Transport",
    "choose",
    "fetch",
    "serve",
]
