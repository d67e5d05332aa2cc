"""Flower's simulation in Ray, where Ray is; that it is missing is said in one line where it is not."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr")
from edgekit.core.errors import EdgekitError
from edgekit.federate import simulation
from edgekit.federate.clients import Client
from edgekit.federate.deployment import apps
from edgekit.federate.offline import SILENT
from edgekit.federate.plan import Plan

ROOT = Path(__file__).parents[2]


def test_without_ray_one_line_says_what_to_install(clients, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EdgekitError, match="pip install ray=="):
        simulation.simulated(clients, {"classes": 2}, Plan(rounds=1))


def test_what_only_the_grid_in_process_does_is_refused(clients):
    for how in ({"dropout": 0.3}, {"poisoned": 1}):
        with pytest.raises(EdgekitError, match="in process"):
            simulation.simulated(clients, {"classes": 2}, Plan(**how))


def test_ray_does_not_phone_home():
    assert SILENT["RAY_USAGE_STATS_ENABLED"] == "0"


def test_ray_brings_what_a_run_in_process_brings():
    pytest.importorskip("ray")
    pytest.importorskip("tensorflow")
    from edgekit import usecases
    from edgekit.federate.network import Network
    from edgekit.federate.trial import federation

    case, rng = usecases.load("activity", ROOT), np.random.default_rng(0)
    some = [
        Client(f"c{i}", rng.normal(size=(40, *case.features.shape)).astype(np.float32), np.arange(40) % 7)
        for i in range(3)
    ]  # fmt: skip
    plan = Plan.of(case.FEDERATE, rounds=2)
    there = simulation.simulated(some, apps.settings("activity", ROOT, 7), plan)
    here, _ = federation(Network(case, 7), some, 7, plan)
    assert not there.refused
    for a, b in zip(there.arrays, here.arrays, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
