"""The side that sends: a broker, a web server, their certificates and limits."""

from edgekit.delivery.server.broker import broker
from edgekit.delivery.server.http import serve_http

__all__ = [
    "broker",
    "serve_http",
]
