"""What leaves a device of each use case, counted on the wire: what SENDS says, and not a byte more."""

import pytest

pytest.importorskip("prometheus_client")
pytest.importorskip("amqtt")

from benchmarks.fleet import wire
from edgekit.telemetry import Kind


@pytest.fixture(scope="module")
def line():
    with wire.line("amqtt") as found:
        yield found


@pytest.mark.parametrize("name", wire.USE_CASES)
def test_what_may_not_leave_costs_no_byte_and_what_may_arrives(line, name):
    tried = wire.private(line, wire.use_case(name))
    assert tried.held > 0
    assert (tried.bytes_held, tried.astray) == (0, 0)
    assert tried.arrived == tried.wanted > 0


def test_the_relay_counts_what_an_event_costs_beside_its_body(line):
    small, large = (line.each(Kind.REPORT, bytes(n), 2) for n in (12, 52))
    assert large - small == pytest.approx(40, abs=2)  # CBOR's head of a longer body, no more
    assert 100 < small < 300  # TLS, MQTT's topic and both acknowledgements
