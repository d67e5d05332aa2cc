"""What Flower costs in process, without training: CPU of 30 rounds of 10 clients, with each strategy.

The clients answer at once, with arrays as large as the student's of `activity`.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.bars import Bars
from edgekit.federate.clients import Client
from edgekit.federate.plan import STRATEGIES, Plan

CLIENTS, ROUNDS, LIMIT = 10, 30, 30.0
SHAPES = ((39, 24), (24,), (24, 7), (7,))


class Untrained:
    """In a network's place: answers a training with what it was sent and a little noise."""

    normalization: tuple[int, ...] = ()

    def train(self, arrays, X, y, weights, *, seed, **_):
        rng = np.random.default_rng(seed)
        return [a + rng.normal(0, 0.01, a.shape).astype(np.float32) for a in arrays], 0.0


def bars(bars: Bars, smoke: bool = False) -> None:
    """Add the bar of each strategy; a smoke has one."""
    from edgekit.federate.client import client_app
    from edgekit.federate.grid import InProcessGrid
    from edgekit.federate.server import federate

    rng, network = np.random.default_rng(0), Untrained()
    clients = [
        Client(str(i), rng.normal(size=(120, 1, 39, 1)).astype(np.float32), np.arange(120) % 7)
        for i in range(CLIENTS)
    ]
    start = [np.zeros(s, np.float32) for s in SHAPES]
    for name in STRATEGIES[:1] if smoke else STRATEGIES:
        app = client_app(
            lambda context: clients[int(context.node_config["partition-id"])],
            lambda: network, SHAPES[-1][0],
        )  # fmt: skip
        begun = time.process_time()
        grid = InProcessGrid(app, CLIENTS)
        found = federate(grid, Plan(strategy=name, rounds=ROUNDS), start)
        seconds = time.process_time() - begun
        trained = sum(s.up and s.kind == "train" for s in grid.sent)
        assert trained == ROUNDS * CLIENTS, f"{trained} replies"
        assert not found.refused, found.refused[0]
        what = f"{ROUNDS} rounds of {CLIENTS} clients, {name}: CPU without training"
        bars.add(what, f"<= {LIMIT:.0f} s", f"{seconds:.1f} s", seconds <= LIMIT)
