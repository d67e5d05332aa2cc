"""The three tiers on a desk: what a device says twice is there once, what it says anew is there, too."""

import pytest

from edgekit import fleet
from edgekit.core.errors import EdgekitError
from edgekit.telemetry import Kind

REPORTS = [(Kind.REPORT, bytes([n])) for n in range(3)]


def test_a_device_may_speak_again_through_a_gateway_that_was_killed(tmp_path):
    with fleet.tiers(tmp_path, ["device-001"]) as site:
        site.send("device-001", REPORTS)
        site.gateway.kill()
        with pytest.raises(EdgekitError, match="3 events of device-001 are still with it"):
            site.send("device-001", REPORTS, seconds=1)
        site.gateway.start()
        site.send("device-001", REPORTS)
        arrived = site.wait(6)
    assert not arrived.duplicated(["device", "epoch", "sequence"]).any()
    assert arrived.epoch.nunique() >= 2
