"""Delivery: a package goes to a device over MQTT or HTTP, and survives whatever happens on the way.

with broker("amqtt", folder, things=("pump-1",)) as b:        # a real broker, TLS, who may what
    with serve(package, b.connection()):                      # answers every device
        fetch(b.connection("pump-1"), "pump-1", "update.suit")  # pulled in blocks, resumable
with serve_http(package) as url:
    fetch_http(f"{url}/update", "update.suit")                # ranges, ETag = SHA-256
choose(len(package), link)                                    # which of the two, and why
"""

from edgekit.delivery.choose import Choice, choose
from edgekit.delivery.http import fetch_http
from edgekit.delivery.mqtt import Connection, fetch, serve
from edgekit.delivery.partial_file import Transfer

__all__ = [
    "Choice",
    "Connection",
    "Transfer",
    "choose",
    "fetch",
    "fetch_http",
    "serve",
]
