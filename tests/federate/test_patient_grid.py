"""A deployment's grid, over nodes in this process: order, deadline, and a node that starts anew."""

import random

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("flwr")
from benchmarks.federate.deployed import CLASSES, Softmax
from benchmarks.federate.deployment import clients
from edgekit.federate.client import client_app
from edgekit.federate.deployment.patient_grid import PatientGrid
from edgekit.federate.flower import Error, Message, RecordDict
from edgekit.federate.grid import InProcessGrid
from edgekit.federate.plan import Plan
from edgekit.federate.refusal import Refusal
from edgekit.federate.server import federate

PLAN = Plan(rounds=3, epochs=2, rate=0.2, seed=4)


class Unsteady(InProcessGrid):
    """As over a network: answers in any order, somebody else draws too, and whom `happens` affects."""

    def __init__(self, happens=lambda grid, replies: replies):
        own, network = clients(), Softmax()
        app = client_app(
            lambda c: own[int(c.node_config["partition-id"])], lambda: network, CLASSES
        )
        super().__init__(app, len(own))
        self.happens, self.trainings = happens, 0

    def send_and_receive(self, messages, *, timeout=None):
        messages = list(messages)
        self.trainings += any(m.metadata.message_type == "train" for m in messages)
        replies = super().send_and_receive(messages)
        random.random()  # Flower's heartbeat
        return self.happens(self, replies)[::-1]


def patient(inner, patience=5.0):
    return PatientGrid(
        inner, {n: f"node-{i}" for i, n in enumerate(inner.nodes)}, patience, PLAN.seed
    )


@pytest.fixture(scope="module")
def in_process():
    grid = Unsteady()
    plain = InProcessGrid(grid.app, len(grid.nodes), seed=PLAN.seed)
    return federate(plain, PLAN, Softmax().arrays())


def same(found, other):
    return all((a == b).all() for a, b in zip(found.arrays, other.arrays, strict=True))


def test_the_result_is_that_of_the_run_in_process_to_the_last_bit(in_process):
    assert same(federate(patient(Unsteady()), PLAN, Softmax().arrays()), in_process)


def test_a_node_that_started_anew_is_told_the_scale_again_and_trains(in_process):
    def anew(grid, replies):
        if grid.trainings == 1:
            grid.contexts[grid.nodes[1]].state = RecordDict()
        return replies

    grid = patient(Unsteady(anew))
    found = federate(grid, PLAN, Softmax().arrays())
    assert not found.refused
    assert not grid.late
    assert same(found, in_process)


def test_who_is_silent_is_left_out_and_named(in_process):
    def silent(grid, replies):
        gone = grid.nodes[2] if grid.trainings > 1 else None
        return [r for r in replies if r.metadata.src_node_id != gone]

    grid = patient(inner := Unsteady(silent))
    found = federate(grid, PLAN, Softmax().arrays())
    name = str(inner.nodes[2])
    assert grid.late == [Refusal(n, name, "no answer within 5 s") for n in (2, 3)]
    assert np.isfinite(found.arrays[0]).all()
    assert not same(found, in_process)


def test_what_flower_answers_for_one_that_is_gone_names_the_one():
    def gone(grid, replies):
        if grid.trainings < 2:
            return replies
        node = grid.nodes[2]
        lost = next(r for r in replies if r.metadata.src_node_id == node)
        error = Message(Error(9, "node unavailable"), reply_to=lost)  # from the SuperLink itself
        error.metadata.__dict__["_reply_to_message_id"] = lost.metadata.reply_to_message_id
        return [r for r in replies if r.metadata.src_node_id != node] + [error]

    grid = patient(inner := Unsteady(gone))
    found = federate(grid, PLAN, Softmax().arrays())
    assert grid.late == [Refusal(n, str(inner.nodes[2]), "node unavailable") for n in (2, 3)]
    assert not found.refused


def test_where_nobody_answers_the_run_ends_with_a_line():
    with pytest.raises(EdgekitError, match="no client of 3 trained within 5 s"):
        federate(patient(Unsteady(lambda grid, _: [])), PLAN, Softmax().arrays())


def test_who_does_not_come_is_named():
    grid = patient(Unsteady())
    grid.nodes[99] = "annas-watch"
    with pytest.raises(EdgekitError, match=r"1 of 4 clients did not come within 0 s: annas-watch"):
        grid.wait(0)
