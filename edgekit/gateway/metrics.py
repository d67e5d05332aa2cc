"""What a gateway counts, for Prometheus (`--metrics PORT`)."""

from __future__ import annotations

from functools import partial

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.telemetry.event import Kind
from edgekit.telemetry.outbox import Outbox


class Metrics:
    """Counters since the process began, gauges of what is in the outbox now."""

    def __init__(self, outbox: Outbox):
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge
        except ImportError as error:
            raise missing("the gateway needs", error.name, "fleet") from None
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str):
            return Counter(f"edgekit_gateway_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str):
            return Gauge(f"edgekit_gateway_{name}", text, registry=registry)

        self.received = counter("received", "events that were new")
        self.repeated = counter("repeated", "events that were there already")
        self.malformed = counter("malformed", "messages that are no event")
        self.stored = counter("stored", "events that the cloud had not seen")
        self.seen = counter("seen", "events that the cloud had")
        self.aside = counter("set_aside", "events that the cloud refuses")
        self.failures = counter("failures", "tries that failed", "why")
        self.opinions = counter("opinions", "segments that the larger model looked at", "agrees")
        self.findings = counter("findings", "events that the statistics made")
        gauge("pending", "events that are here").set_function(lambda: len(outbox))
        gauge("pending_bytes", "bytes that they take").set_function(lambda: outbox.used_bytes)
        dropped = Gauge(
            "edgekit_gateway_dropped", "events that had to go, ever", ["kind"], registry=registry
        )
        for kind in Kind:
            child = dropped.labels(kind.name.lower())
            child.set_function(partial(_dropped, outbox, kind))

    def serve(self, port: int, host: str = "127.0.0.1"):
        """Answer /metrics at this port, in a thread. Raises EdgekitError where it is taken."""
        from prometheus_client import start_http_server

        try:
            return start_http_server(port, host, self.registry)
        except OSError as error:
            raise EdgekitError(f"--metrics {port}: {error.strerror}") from None


def _dropped(outbox: Outbox, kind: Kind) -> int:
    return outbox.dropped[kind]
