"""What Prometheus reads: sums only, in a registry of this application's own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, select

from edgekit.cloud.figures import open_labels
from edgekit.cloud.tables import devices, rollouts

TYPE = "text/plain; version=0.0.4; charset=utf-8"
RELEASES_MOST = 20  # with a line of their own
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics(Collector):
    """Counts what comes in, and looks the rest up when it is asked."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.registry = CollectorRegistry()

        def counter(name: str, what: str) -> Counter:
            return Counter(f"edgekit_{name}", what, registry=self.registry)

        self._stored = counter("events_stored", "events that were new")
        self._seen = counter("events_seen", "events that were there already")
        self._bytes = counter("ingest_bytes", "bytes of batches that were acknowledged")
        self._seconds = Histogram(
            "edgekit_ingest_seconds", "from a batch's header to its commit", buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.registry.register(self)

    def ingested(self, stored: int, seen: int, size: int, seconds: float) -> None:
        """One batch of `size` bytes was committed after `seconds`."""
        self._stored.inc(stored)
        self._seen.inc(seen)
        self._bytes.inc(size)
        self._seconds.observe(seconds)

    def page(self) -> tuple[bytes, int, None, str]:
        """Body, status, headers and media type."""
        return generate_latest(self.registry), 200, None, TYPE

    def describe(self) -> list[Metric]:
        """Nothing: a registry that asks must not wait for the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What the database says now."""
        with self.engine.connect() as connection:
            n = func.count()
            running = connection.execute(
                select(devices.c.release, n)
                .group_by(devices.c.release)
                .order_by(n.desc())
                .limit(RELEASES_MOST)
            ).all()
            states = connection.execute(
                select(rollouts.c.state, n).group_by(rollouts.c.state)
            ).all()
            waiting = open_labels(connection)
        field = GaugeMetricFamily("edgekit_devices", "devices by release", labels=["release"])
        for release, count in running:
            field.add_metric([str(release)], count)
        rolling = GaugeMetricFamily("edgekit_rollouts", "rollouts by state", labels=["state"])
        for state, count in states:
            rolling.add_metric([state], count)
        yield from (field, rolling)
        yield GaugeMetricFamily("edgekit_open_labels", "windows without a label", value=waiting)
