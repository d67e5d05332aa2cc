"""The device's slots, compiled for this machine."""

import pytest

from edgekit.assurance.powercut_targets import HostTarget


@pytest.fixture(scope="session")
def host():
    return HostTarget()
