"""Noise hides a client, its price is counted as theory says, and a plan that would break it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("flwr")
pytest.importorskip("dp_accounting")
from edgekit.federate.plan import Plan
from edgekit.federate.privacy import DELTA
from edgekit.federate.trial import federation

PLAN = Plan(rounds=3, epochs=1, noise=1.0, clip=0.5)


def gaussian(noise, rounds):
    """Epsilon of so many Gaussian releases at DELTA, by Rényi's divergence, in closed form."""
    order = np.linspace(1.01, 200, 200_000)
    divergence = rounds * order / (2 * noise**2)
    slack = np.log1p(-1 / order) - (np.log(DELTA) + np.log(order)) / (order - 1)
    return (divergence + slack).min()


@pytest.mark.parametrize(("noise", "rounds"), [(1.0, 3), (4.0, 2), (0.5, 1)])
def test_what_the_rounds_give_away_is_counted(clients, network, noise, rounds):
    plan = replace(PLAN, noise=noise, rounds=rounds)
    found, _ = federation(network, clients, 2, plan)
    assert gaussian(noise, rounds) * 0.999 <= found.epsilon <= gaussian(noise, rounds) * 1.05
    assert not found.refused


def test_without_noise_nothing_is_promised(clients, network):
    assert federation(network, clients, 2, replace(PLAN, noise=0.0))[0].epsilon is None


def test_nobody_moves_the_model_further_than_the_clip(clients, network):
    """A liar among four, with next to no noise: the mean of what was cut moves by the clip at most."""
    plan = replace(PLAN, rounds=1, noise=1e-6, clip=0.1, poisoned=1, attack="scaled")
    start, one = network.arrays(), clients[0]
    unequal = (replace(one, X=one.X[:20], y=one.y[:20]), *clients[1:])
    found, _ = federation(network, unequal, 2, plan)
    moved = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(found.arrays, start, strict=True)))
    assert moved <= 0.1 + 1e-4


@pytest.mark.parametrize(
    "how", [{"strategy": "FedMedian"}, {"dropout": 0.3}, {"noise": -1.0}, {"clip": 0.0}]
)
def test_a_plan_whose_privacy_nobody_counts_is_refused(how):
    with pytest.raises(EdgekitError, match="noise"):
        replace(PLAN, **how)
