"""A federation whose updates are what devices learn: the core's bits, and a better network for all."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from tests.federate.networks import network, windows

pytest.importorskip("flwr")
from edgekit import firmware
from edgekit.emulate.parity import run_host
from edgekit.export import generate
from edgekit.federate.clients import Client
from edgekit.federate.device_model import features_of
from edgekit.federate.device_network import DeviceNetwork
from edgekit.federate.plan import Plan
from edgekit.federate.trial import federation

RATE = 0.02
PLAN = Plan(rounds=4, epochs=2, rate=RATE, scaled=False, balance=0.0)


@pytest.fixture(scope="module")
def released():
    """A network, windows whose labels it does not know, and three clients who know some of them."""
    graph = network(3, given=12, hidden=16, classes=4)
    X, _ = windows(graph, 240, 5)
    F = features_of(graph, X)
    y = ((F - F.mean(axis=0)) @ np.random.default_rng(0).normal(size=(16, 4))).argmax(axis=1)
    some = (slice(0, 50), slice(50, 90), slice(90, 160))
    group = tuple(Client(f"c{i}", F[s].astype(np.float32), y[s]) for i, s in enumerate(some))
    return graph, group, X[160:], y[160:]


def accuracy(graph, X, y):
    return (run_host(generate(graph, "model", slot=True), X).outputs.argmax(axis=1) == y).mean()


def test_who_never_labelled_is_served_better_by_those_who_did(released):
    graph, group, X, y = released
    own = DeviceNetwork(graph, RATE, every=5)
    found, _ = federation(own, group, 4, PLAN)
    assert not found.refused
    assert own.trainings == 3 * PLAN.rounds
    assert own.on_core == 3  # the first, the sixth, the eleventh: of three different rounds
    assert accuracy(own.graph_of(found.arrays), X, y) > accuracy(graph, X, y) + 0.2
    assert accuracy(own.graph_of(own.arrays()), X, y) == accuracy(graph, X, y)


def test_a_core_that_learns_otherwise_ends_the_round(released, monkeypatch):
    graph, group, *_ = released
    true = firmware.text

    def mutant(folder, name):
        return true(folder, name).replace("part * 1298", "part * 1290")

    monkeypatch.setattr(firmware, "text", mutant)
    own = DeviceNetwork(graph, RATE, every=1)
    with pytest.raises(EdgekitError, match="not what Python learns"):
        own.train(
            own.arrays(), group[0].X, group[0].y, np.ones(4), epochs=3, batch=1, rate=RATE, seed=0
        )


@pytest.mark.parametrize("how", [{"rate": 0.1}, {"strategy": "FedProx"}, {"balance": 1.0}])
def test_what_no_core_does_is_refused(released, how):
    graph, group, *_ = released
    own, plan = DeviceNetwork(graph, RATE), replace(PLAN, **how)
    with pytest.raises(EdgekitError, match="shipped with"):
        federation(own, group, 4, plan)
