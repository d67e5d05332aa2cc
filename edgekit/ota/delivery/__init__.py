"""Delivery: a package goes to a device over MQTT or HTTP, and survives whatever happens on the way.

with broker("amqtt", folder, things=("pump-1",)) as b:        # a real broker, TLS, who may what
    with serve(package, b.connection()):                      # answers every device
        fetch(b.connection("pump-1"), "pump-1", "update.suit")  # pulled in blocks, resumable
with serve_http(package) as url:
    fetch_http(f"{url}/update", "update.suit")                # ranges, ETag = SHA-256
choose(len(package), link)                                    # which of the two, and why
"""

from edgekit.ota.delivery.broker import broker
from edgekit.ota.delivery.choose import Choice, choose
from edgekit.ota.delivery.http import fetch_http
from edgekit.ota.delivery.httpd import serve_http
from edgekit.ota.delivery.measure import measure
from edgekit.ota.delivery.mqtt import Connection, fetch, serve
from edgekit.ota.delivery.part import Transfer

__all__ = [
    "Choice",
    "Connection",
    "Transfer",
    "broker",
    "choose",
    "fetch",
    "fetch_http",
    "measure",
    "serve",
    "serve_http",
]
