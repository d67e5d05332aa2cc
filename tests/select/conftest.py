from importlib import resources

import pytest

from edgekit import design, select


@pytest.fixture(scope="module")
def bearing():
    return design.load(resources.files("edgekit") / "usecases/bearing/design.toml")


@pytest.fixture(scope="module")
def selection(bearing):
    return select.select(bearing)
