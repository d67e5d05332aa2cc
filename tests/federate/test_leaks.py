"""What leaves a client is arrays and counts, and what can be read out of them is found where it is there."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("tensorflow")
pytest.importorskip("flwr")
from edgekit.federate import leaks
from edgekit.federate.clients import Client, Fold
from edgekit.federate.flower import LocalDpMod
from edgekit.federate.grid import Sent
from edgekit.federate.plan import Plan
from edgekit.federate.trial import federation
from tests.federate.conftest import network_of

LINES, CLASSES = 24, 3


@pytest.fixture(scope="module")
def network():
    return network_of(LINES, CLASSES, width=32)


@pytest.fixture(scope="module")
def fold():
    """Four clients whose labels are drawn by lot: what is known of them can only have been memorized."""
    rng = np.random.default_rng(0)
    made = [
        Client(
            str(i), rng.normal(size=(36, 1, LINES, 1)).astype(np.float32), np.arange(36) % CLASSES
        )
        for i in range(5)
    ]
    return Fold(tuple(made[:4]), tuple(made[4:]), CLASSES)


STEP = Plan(rounds=1, epochs=1)


def test_messages_hold_arrays_and_counts_and_no_window(network, fold):
    _, grid = federation(network, fold.clients, CLASSES, STEP)
    told = leaks.contents(grid.sent)
    up = told[told.way == "client → server"]
    assert set(up.record) == {"statistics", "arrays", "metrics"}
    weights = sum(a.size for a in network.arrays())
    assert set(up["values"]) == {f"{CLASSES + 2 * LINES}", f"{weights:,}", "2"}
    assert leaks.windows_seen(grid.sent, fold.clients) == 0


def test_a_window_in_a_message_is_found(fold):
    stolen = fold.clients[2].X[5].tobytes()
    for part in (stolen, b"odd" + stolen[:40]):
        message = Sent("train", 2, True, 0, len(part), b"before" + part + b"after")
        assert leaks.windows_seen([message], fold.clients) == 1


def test_a_client_with_few_windows_does_not_tell_their_sums(network, fold):
    few = Client("few", fold.clients[0].X[:1], fold.clients[0].y[:1])
    found, grid = federation(network, (few, *fold.clients[1:]), CLASSES, STEP)
    assert found.statistics.counts.sum() == sum(len(c.y) for c in fold.clients[1:])
    assert leaks.windows_seen(grid.sent, [few]) == 0
    assert sum(m.kind == "train" and m.up for m in grid.sent) == 4  # it trains all the same


@pytest.mark.parametrize("updates", ["float32", "int8"])
def test_one_window_is_drawn_from_its_update_and_not_through_noise(network, fold, updates):
    plan = Plan(rounds=1, epochs=1, updates=updates)
    assert leaks.inversion(network, fold, plan, 1).likeness > 0.95
    if updates == "float32":
        noise = LocalDpMod(clipping_norm=1.0, sensitivity=2.0, epsilon=1.0, delta=1e-5)
        assert abs(leaks.inversion(network, fold, plan, 1, [noise]).likeness) < 0.8


def test_what_was_memorized_is_told_apart_and_nothing_else(network, fold):
    learnt = leaks.membership(network, fold, Plan(rounds=8, epochs=20, rate=0.2))
    fresh = leaks.membership(network, fold, Plan(rounds=1, epochs=1, rate=1e-6))
    assert fresh.auc < 0.65 < 0.8 < learnt.low


def test_the_halves_of_a_client_have_a_window_between_them():
    y = np.repeat([0, 1], [9, 6])
    client = Client("c", np.arange(15, dtype=np.float32).reshape(15, 1, 1, 1), y)
    first, rest = (set(c.X.ravel()) for c in leaks.halved(client))
    assert first == {0, 1, 2, 3, 9, 10, 11}
    assert rest == {5, 6, 7, 8, 13, 14}


def test_a_plan_of_a_use_case_is_checked():
    assert Plan.of({"epochs": 4}, rounds=3) == Plan(epochs=4, rounds=3)
    with pytest.raises(EdgekitError, match=r"no 'epoch'\. Did you mean"):
        Plan.of({"epoch": 4})
