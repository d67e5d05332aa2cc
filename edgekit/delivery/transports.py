"""All transports, one record each, and the two verbs that go through them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.delivery import estimate, http, mqtt
from edgekit.delivery.server import http as http_server
from edgekit.delivery.server import mqtt as mqtt_server
from edgekit.delivery.transport import Files, Offer, Source, Transfer, Transport

TRANSPORTS = {
    transport.key: transport
    for transport in (
        Transport(
            key="mqtt",
            about="blocks that the device pulls through a broker, as in AWS IoT's file delivery",
            schemes=("mqtts",),
            fetch=mqtt.fetch,
            serve=mqtt_server.serve,
            estimate=estimate.mqtt,
            variants={"amqtt": {"kind": "amqtt"}, "mosquitto": {"kind": "mosquitto"}},
            in_blocks=True,
        ),
        Transport(
            key="http",
            about="one request, and ranges with their ETag after a break (RFC 9110)",
            schemes=("https", "http"),
            fetch=http.fetch,
            serve=http_server.serve,
            estimate=estimate.http,
        ),
    )
}


def named(key: str) -> Transport:
    """The transport of this name. Raises EdgekitError if there is none."""
    if key not in TRANSPORTS:
        raise EdgekitError(f"no transport {key!r}.{did_you_mean(key, TRANSPORTS)}")
    return TRANSPORTS[key]


def schemes() -> tuple[str, ...]:
    """Of all addresses that can be fetched from."""
    return tuple(scheme for transport in TRANSPORTS.values() for scheme in transport.schemes)


def serve(key: str, files: Files, /, **how: Any) -> AbstractContextManager[Offer]:
    """Serve `files` by the transport named `key`; `how` as `transport.Serve`, and what is its own.

    Yields an Offer, whose `source(receiver, name)` is what `fetch` takes. Raises EdgekitError.
    """
    return named(key).serve(files, **how)


def fetch(source: Source | str, to: Path | str, /, **how: Any) -> Transfer:
    """Fetch from `source`, a Source or an address that needs no credentials, into the file `to`.

    `how` as `transport.Fetch` has it (digest, limit, min_bytes_per_s, timeout_s, watch), and what is the
    transport's own (MQTT's block, window). Raises EdgekitError, in one line; what came is kept.
    """
    source = Source(source) if isinstance(source, str) else source
    scheme = source.parts()[0]
    for transport in TRANSPORTS.values():
        if scheme in transport.schemes:
            return transport.fetch(source, to, **how)
    raise EdgekitError(
        f"{source.address}: no transport for {scheme}; there are {', '.join(schemes())}"
    )
