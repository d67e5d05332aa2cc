"""A federation in process: what is learnt, what leaves a client, who is left out."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("flwr")
from edgekit.federate.client import client_app
from edgekit.federate.clients import pooled
from edgekit.federate.flower import (
    Array,
    ArrayRecord,
    Message,
    MetricRecord,
    RecordDict,
    WireMessage,
    message_from_proto,
)
from edgekit.federate.grid import InProcessGrid
from edgekit.federate.plan import STRATEGIES, Plan
from edgekit.federate.server import federate

SHORT = {"rounds": 3, "epochs": 2, "rate": 0.2}


@pytest.fixture
def run(clients, network, start):
    def run(attacks=None, **how):
        app = client_app(
            lambda c: clients[c.node_config["partition-id"]], lambda: network, 2, attacks
        )
        plan = Plan(**{**SHORT, **how})
        grid = InProcessGrid(app, len(clients), dropout=plan.dropout, seed=plan.seed)
        return federate(grid, plan, start), grid

    return run


def accuracy(network, found, clients):
    mean, spread = found.statistics.scale()
    everyone = pooled(clients)
    return (network.predict(found.arrays, (everyone.X - mean) / spread) == everyone.y).mean()


def test_it_learns_and_the_same_seed_gives_the_same_arrays(run, clients, network):
    first, second = run(rounds=6)[0], run(rounds=6)[0]
    assert accuracy(network, first, clients) > 0.85
    assert all((a == b).all() for a, b in zip(first.arrays, second.arrays, strict=True))


def test_one_round_of_fedavg_is_the_weighted_mean_of_what_the_clients_train(
    run, clients, network, start
):
    found, _ = run(rounds=1)
    mean, spread = found.statistics.scale()
    weights, plan = found.statistics.class_weights(1.0), Plan(**SHORT)
    trained = [
        network.train(
            start, (c.X - mean) / spread, c.y, weights, epochs=2, batch=plan.batch, rate=0.2,
            seed=[plan.seed, 1, i],
        )[0]
        for i, c in enumerate(clients)
    ]  # fmt: skip
    for got, *each in zip(found.arrays, *trained, strict=True):
        np.testing.assert_allclose(got, np.mean(each, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    "name", [s for s in STRATEGIES if s not in ("Bulyan", "Krum", "MultiKrum")]
)
def test_each_strategy_of_flower_runs_on_the_same_app(run, start, name):
    found, grid = run(strategy=name, rounds=2)
    assert all(np.isfinite(a).all() for a in found.arrays)
    down = {s.payload for s in grid.sent if not s.up and s.kind == "train"}
    assert down == {sum(a.nbytes for a in start)}  # float32 in every round


def test_the_proximal_term_reaches_the_clients(run):
    free, held = run()[0], run(strategy="FedProx", mu=5.0)[0]
    assert any((a != b).any() for a, b in zip(free.arrays, held.arrays, strict=True))


def test_too_few_clients_for_a_defence_is_said(run):
    with pytest.raises(EdgekitError, match="Bulyan against 1 poisoned client"):
        run(strategy="Bulyan")


def test_what_leaves_a_client_are_arrays_and_counts(run, clients):
    """Of every message up: the records are the known ones, and no window's bytes are anywhere in it."""
    _, grid = run()
    for sent in (s for s in grid.sent if s.up):
        content = message_from_proto(WireMessage.FromString(sent.encoded)).content
        assert set(content) <= {"arrays", "metrics", "statistics"}
        for metrics in content.metric_records.values():
            assert set(metrics) == {"num-examples", "loss"}
        assert not any(row.tobytes() in sent.encoded for c in clients for row in c.X)


@pytest.mark.parametrize(("kind", "times"), [("int8", 2.5), ("top", 5)])
def test_encoded_updates_learn_as_well_in_fewer_bytes(run, clients, network, kind, times):
    (whole, plain), (found, grid) = run(rounds=8), run(rounds=8, updates=kind)

    def payload(grid):
        return np.mean([s.payload for s in grid.sent if s.up and s.kind == "train"])

    assert payload(plain) / payload(grid) > times
    assert accuracy(network, found, clients) > accuracy(network, whole, clients) - 0.06


class Steady:
    """In a network's place: every training moves every value, one of them ten times as far."""

    normalization = ()

    def train(self, arrays, *_, **__):
        return [arrays[0] + np.float32([1.0] + 19 * [0.1])], 0.0


def test_a_client_adds_what_it_left_out_to_its_next_update(clients):
    app = client_app(lambda c: clients[c.node_config["partition-id"]], lambda: Steady(), 2)
    plan = Plan(rounds=40, updates="top")  # two of twenty values a round
    found = federate(InProcessGrid(app, 2), plan, [np.zeros(20, np.float32)])
    assert (found.arrays[0][1:] > 2).all()  # of 4 that it went


def test_dropout_loses_replies_and_not_the_run(run):
    _, grid = run(dropout=0.5, rounds=8)
    replies = [s for s in grid.sent if s.up and s.kind == "train"]
    assert 8 < len(replies) < 24


def test_a_median_stands_where_a_mean_falls(run, clients, network):
    attack = {"c0": "scaled"}
    clean, undefended, median = (
        accuracy(network, run(who, rounds=8, strategy=how)[0], clients)
        for who, how in ((None, "FedAvg"), (attack, "FedAvg"), (attack, "FedMedian"))
    )
    assert undefended + 0.15 < median < clean + 0.05


def test_own_normalization_stays_with_its_client(run, network, start):
    _, grid = run(own_normalization=True)
    kept = [c.state["normalization"].to_numpy_ndarrays() for c in grid.contexts.values()]
    assert len(network.normalization) == 4
    assert any((a != b).any() for a, b in zip(kept[0], kept[1], strict=True))


def answering(content):
    """A grid whose second client answers trainings with `content(its honest reply)`."""

    class Hostile(InProcessGrid):
        def _carry(self, message, node, kind, up):
            if up and kind == "train" and node == self.nodes[1]:
                message = Message(content(message.content), reply_to=self._asked)
            if not up:
                self._asked = message
            return super()._carry(message, node, kind, up)

    return Hostile


def replaced(**records):
    return lambda honest: RecordDict({**dict(honest), **records})


def nan(honest):
    arrays = [a * np.nan for a in honest["arrays"].to_numpy_ndarrays()]
    return RecordDict({**dict(honest), "arrays": ArrayRecord(arrays)})


@pytest.mark.parametrize(
    "content",
    [
        nan,
        replaced(arrays=ArrayRecord([np.zeros(3, np.float32)])),
        replaced(arrays=ArrayRecord({"x": Array("float32", (9999,), "numpy.ndarray", b"none")})),
        replaced(metrics=MetricRecord({"num-examples": -5, "loss": 0.0})),
        replaced(metrics=MetricRecord({"loss": 0.0})),
        lambda honest: RecordDict(),
    ],
)
def test_a_hostile_reply_is_left_out_and_named(clients, network, start, content):
    app = client_app(lambda c: clients[c.node_config["partition-id"]], lambda: network, 2)
    grid = answering(content)(app, len(clients))
    found = federate(grid, Plan(**SHORT), start)
    assert [r.round for r in found.refused] == [*range(1, SHORT["rounds"] + 1)]
    assert {r.client for r in found.refused} == {str(grid.nodes[1])}
    assert not any("\n" in r.why for r in found.refused)
    assert all(np.isfinite(a).all() for a in found.arrays)


def test_a_plan_that_nobody_knows_is_one_line():
    with pytest.raises(EdgekitError, match="Did you mean 'FedAvg'"):
        Plan(strategy="FedAvgg")
    with pytest.raises(EdgekitError, match="dropout"):
        Plan(dropout=1.0)
