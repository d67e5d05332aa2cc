"""Noise hides a client, its price is counted as theory says, and a plan that would break it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("flwr")
pytest.importorskip("dp_accounting")
from edgekit.federate.plan import Plan
from edgekit.federate.privacy import DELTA, window_epsilon
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


def private(noise, clip=1.0):
    from tests.federate.conftest import private_network_of

    return private_network_of(6, 2, 5, noise, clip)


@pytest.mark.parametrize(("noise", "steps"), [(1.0, 3), (4.0, 20)])
def test_what_steps_give_away_of_a_window_is_counted(noise, steps):
    whole = window_epsilon(noise, 1.0, steps)
    assert gaussian(noise, steps) * 0.999 <= whole <= gaussian(noise, steps) * 1.05
    assert window_epsilon(noise, 0.1, steps) < whole / 3  # who is seldom there gives away less


def test_no_window_moves_a_step_further_than_the_clip(clients):
    """Without noise to speak of: a window that shouts, in the place of another, moves it by both clips."""
    network, one = private(1e-9, clip=0.1), clients[0]
    loud = one.X.copy()
    loud[7] *= 1e4
    how = {"epochs": 1, "batch": len(one.y), "rate": 1.0, "seed": 0}
    weights, start = np.ones(2, np.float32), network.arrays()
    plain, other = (network.train(start, X, one.y, weights, **how)[0] for X in (one.X, loud))
    apart = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(plain, other, strict=True)))
    assert 0 < apart <= 2 * 0.1 / len(one.y) + 1e-6


def test_the_noise_of_a_step_is_as_large_as_was_counted(clients):
    """Windows that weigh nothing: what is left of a step is the noise."""
    network, one = private(noise=3.0, clip=0.5), clients[0]
    start, how = network.arrays(), {"epochs": 40, "batch": 20, "rate": 1.0}
    moved = []
    for seed in (*range(8), 7):
        got, _ = network.train(start, one.X, one.y, np.zeros(2, np.float32), seed=seed, **how)
        moved.append(np.concatenate([(a - b).ravel() for a, b in zip(got, start, strict=True)]))
    assert (moved[7] == moved.pop()).all()
    moved = np.array(moved)[:, np.abs(moved).max(axis=0) > 0]  # batch statistics stay
    steps = 40 * 3
    assert moved.std() == pytest.approx(3.0 * 0.5 / 20 * np.sqrt(steps), rel=0.1)


def test_a_federation_of_private_steps_learns_and_says_its_epsilon(clients, network):
    plan = Plan(rounds=6, epochs=2, rate=0.5)
    own = private(1.0)
    found, _ = federation(own, clients, 2, plan)
    mine = np.concatenate(
        [own.predict(found.arrays, found.statistics.scaled(c.X)) for c in clients]
    )
    assert (mine == np.concatenate([c.y for c in clients])).mean() > 0.75
    share, steps = 32 / 60, 6 * 2 * 2
    assert own.epsilon(clients, plan) == pytest.approx(window_epsilon(1.0, share, steps))
