"""A row's figures are of each held-out client by itself, whoever else was asked at the same time."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("flwr")
from edgekit.federate import trial
from edgekit.federate.clients import Client, Fold
from edgekit.federate.plan import Plan


def test_each_held_out_client_is_counted_by_itself(clients, network):
    short = Client("short", clients[3].X[:11], clients[3].y[:11])
    fold = Fold(clients[:2], (clients[2], short), 2)
    row = trial.federated("row", network, [fold], Plan(rounds=2, epochs=1))
    (found,), (counted,) = row.found, row.confusions
    assert counted.shape == (1, 2, 2, 2)
    for client, confusion in zip(fold.held_out, counted[0], strict=True):
        answers = network.predict(found.arrays, found.statistics.scaled(client.X))
        expected = [[((client.y == t) & (answers == a)).sum() for a in (0, 1)] for t in (0, 1)]
        assert (confusion == np.array(expected)).all()
    assert trial.local(network, [fold], Plan(rounds=1)).confusions[0].shape == (2, 2, 2, 2)


def test_a_difference_is_paired_client_by_client():
    rng = np.random.default_rng(0)
    easy_and_hard = rng.integers(1, 40, (2, 1, 6, 3, 3))  # folds, models, clients: they differ much
    better = easy_and_hard + 20 * np.eye(3, dtype=int)
    one, other = (trial.Row("row", list(c)) for c in (better, easy_and_hard))
    difference, low, high = one.above(other, trial.balanced_accuracy)
    assert difference == pytest.approx(
        one.score(trial.balanced_accuracy) - other.score(trial.balanced_accuracy)
    )
    assert one.above(one, trial.balanced_accuracy) == (0, 0, 0)
    assert low < difference < high
    assert high - low < np.diff(one.interval(trial.balanced_accuracy))[0]


def test_what_a_network_was_trained_on_before_is_in_no_later_row(clients, network):
    fold, plan = Fold(clients[:2], clients[2:], 2), Plan(rounds=1, epochs=1)
    rows = (trial.federated, trial.centralized, trial.local)
    how = [(("row",) if f is trial.federated else ()) for f in rows]
    first = [f(*h, network, [fold], plan).confusions[0] for f, h in zip(rows, how, strict=True)]
    trained = trial.federated("row", network, [fold], Plan(rounds=4, rate=0.3)).found[0].arrays
    network.load(trained)
    again = [f(*h, network, [fold], plan).confusions[0] for f, h in zip(rows, how, strict=True)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
