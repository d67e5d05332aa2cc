"""What all tests share: a slow machine is no failure."""

import pytest
from hypothesis import HealthCheck, settings

from tests.toy import project
from tests.updates_fixtures import es256, releases, signer  # noqa: F401  (fixtures)

settings.register_profile("edgekit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("edgekit")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project of two tiny chapters and one use case; the working directory is in it."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEKIT_RUNS", raising=False)
    return tmp_path
