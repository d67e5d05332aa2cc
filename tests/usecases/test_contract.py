"""Every use case of the kit keeps the contract that the chapters rely on. No network, no TensorFlow."""

import pytest

from edgekit import usecases
from edgekit.core.workspace import Workspace
from edgekit.testing.usecase import CONTRACT, Subject

NAMES = sorted(usecases.known(Workspace.find().folder))


@pytest.fixture(scope="module", params=NAMES)
def subject(request):
    return Subject(usecases.load(request.param, Workspace.find().folder))


@pytest.mark.parametrize("what", [what for what in CONTRACT if what != "networks"])
def test_it_keeps_the_contract(subject, what):
    CONTRACT[what](subject)


def test_a_use_case_of_the_kit_gives_a_search_something_to_try(subject):
    assert subject.case.SEARCH["features"]
