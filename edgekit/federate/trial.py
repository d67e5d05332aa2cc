"""Does a federation serve the next client, and what does it cost? Beside every row stand the centralized one,
which sees all windows, and the local one, in which each client trains alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgekit.federate.attacks import triggered
from edgekit.federate.client import Trainable, client_app
from edgekit.federate.clients import Client, Fold, pooled
from edgekit.federate.flower import Context
from edgekit.federate.grid import InProcessGrid, Sent
from edgekit.federate.network import Network
from edgekit.federate.plan import Plan
from edgekit.federate.refusal import Refusal
from edgekit.federate.server import Federated, federate
from edgekit.federate.statistics import Statistics
from edgekit.learn import bootstrap, scores

if TYPE_CHECKING:
    import pandas as pd

Metric = Callable[[np.ndarray], float]


@dataclass
class Row:
    """One way to train: `confusions`, for each fold (models, held-out clients, true class, answered class).

    `found`: what came of each federation. `sent` are the messages of all folds, `refused` what the server
    left out, `seconds` of CPU.
    """

    name: str
    confusions: list[np.ndarray] = field(default_factory=list, repr=False)
    found: list[Federated] = field(default_factory=list, repr=False)
    sent: list[Sent] = field(default_factory=list, repr=False)
    refused: list[Refusal] = field(default_factory=list)
    fooled: list[float] = field(default_factory=list)
    epsilon: float | None = None
    seconds: float = 0.0

    def score(self, metric: Metric) -> float:
        """The mean over folds, and over a fold's models, of `metric` on all held-out windows."""
        return float(
            np.mean([np.mean([metric(m.sum(axis=0)) for m in fold]) for fold in self.confusions])
        )

    def interval(self, metric: Metric, draws: int = 500, seed: int = 0) -> tuple[float, float]:
        """95 % of `score` where the held-out clients of each fold are drawn anew."""
        low, high = bootstrap.bounds(self._drawn(metric, draws, seed))
        return float(low), float(high)

    def above(
        self, other: Row, metric: Metric, draws: int = 500, seed: int = 0
    ) -> tuple[float, float, float]:
        """By how much `score` is above that of `other`, and its 95 %: (difference, low, high).

        Paired: both are asked of the same folds' held-out clients, which are drawn alike.
        """
        pairs = self._drawn(metric, draws, seed) - other._drawn(metric, draws, seed)
        low, high = bootstrap.bounds(pairs)
        return self.score(metric) - other.score(metric), float(low), float(high)

    def _drawn(self, metric: Metric, draws: int, seed: int) -> np.ndarray:
        """(draws,) scores; same seed and folds, same clients."""
        rng, drawn = np.random.default_rng(seed), np.zeros(draws)
        for fold in self.confusions:
            for k, some in enumerate(bootstrap.resample(np.arange(fold.shape[1]), draws, rng)):
                drawn[k] += np.mean([metric(m[some].sum(axis=0)) for m in fold])
        return drawn / len(self.confusions)

    def update_bytes(self) -> tuple[float, float]:
        """(payload, wire) bytes of one client's update, in the mean."""
        up = [s for s in self.sent if s.up and s.kind == "train"]
        return float(np.mean([s.payload for s in up])), float(np.mean([s.wire for s in up]))


def table(rows: Sequence[Row], metric: Metric) -> pd.DataFrame:
    """The rows' scores in `metric` with their 95 %, and the bytes of an update and of its message."""
    import pandas as pd

    def line(row: Row) -> dict[str, object]:
        low, high = row.interval(metric)
        values, wire = row.update_bytes() if row.sent else (float("nan"), float("nan"))
        return {"row": row.name, "score": row.score(metric), "low": low, "high": high,
                "update_bytes": values, "message_bytes": wire}  # fmt: skip

    return pd.DataFrame(map(line, rows)).round(3)


balanced_accuracy, macro_f1 = (
    scores.mean_recall,
    scores.macro_f1,
)  # of a row's confusion: a `Metric`


def centralized(network: Network, folds: Sequence[Fold], plan: Plan) -> Row:
    """For each of `folds` its clients' windows in one place, for as many epochs as the plan's rounds have."""
    return _alone("centralized", network, folds, plan, lambda fold: (pooled(fold.clients),))


def local(network: Network, folds: Sequence[Fold], plan: Plan) -> Row:
    """Each client of `folds` alone with its windows, scale and class counts; the row is the mean of all."""
    return _alone("local only", network, folds, plan, lambda fold: fold.clients)


def federated(
    name: str, network: Network, folds: Sequence[Fold], plan: Plan, mods: Sequence[Callable] = ()
) -> Row:
    """The plan, in process, on each of `folds`; `mods` as `client_app` takes them, `name` the row's."""
    row, begun = Row(name), time.process_time()
    for fold in folds:
        found, grid = federation(network, fold.clients, fold.classes, plan, mods)
        row.confusions.append(_confusions(network, [found.arrays], [found.statistics], fold))
        if plan.poisoned and plan.attack == "backdoor":
            row.fooled.append(_fooled(network, found.arrays, found.statistics, fold))
        row.found.append(found)
        row.sent += grid.sent
        row.refused += found.refused
        row.epsilon = found.epsilon  # the same in each fold of as many clients
    row.seconds = time.process_time() - begun
    return row


def federation(
    network: Trainable, clients: Sequence[Client], classes: int, plan: Plan,
    mods: Sequence[Callable] = (),
) -> tuple[Federated, InProcessGrid]:  # fmt: skip
    """`clients` by `plan`, in process, from the `network`'s arrays on; the grid has the messages.

    classes: how many the network tells apart. mods: as `client_app` takes them.
    """
    grid = in_process(network, clients, classes, plan, mods)
    return federate(grid, plan, network.arrays()), grid


def in_process(
    network: Trainable, clients: Sequence[Client], classes: int, plan: Plan,
    mods: Sequence[Callable] = (),
) -> InProcessGrid:  # fmt: skip
    """The nodes of a federation, which asks them nothing yet: one for each of the `clients`, who know
    `classes` classes; `mods` are Flower's, between each and the server. `plan`: who lies, who is away."""
    bad = {c.name: plan.attack for c in clients[: plan.poisoned]}
    app = client_app(partial(_own, clients), lambda: network, classes, bad, mods)
    return InProcessGrid(app, len(clients), dropout=plan.dropout, seed=plan.seed)


def _own(clients: Sequence[Client], context: Context) -> Client:
    return clients[int(context.node_config["partition-id"])]


def _alone(name: str, network: Network, folds: Sequence[Fold], plan: Plan, split: Callable) -> Row:
    row, begun = Row(name), time.process_time()
    start = network.arrays()
    for fold in folds:
        made, known = [], []
        for client in split(fold):
            own = Statistics.of(client.X, client.y, fold.classes)
            arrays, X = start, own.scaled(client.X)
            for number in range(1, plan.rounds + 1):
                arrays, _ = network.train(
                    arrays, X, client.y, own.class_weights(plan.balance), epochs=plan.epochs,
                    batch=plan.batch, rate=plan.rate_in(number), seed=[plan.seed, number],
                )  # fmt: skip
            made.append(arrays)
            known.append(own)
        row.confusions.append(_confusions(network, made, known, fold))
    row.seconds = time.process_time() - begun
    return row


def _confusions(
    network: Network, models: Sequence, known: Sequence[Statistics], fold: Fold
) -> np.ndarray:
    """(models, held-out clients, true class, answered class)."""
    everyone, k = pooled(fold.held_out), fold.classes
    whose = np.repeat(np.arange(len(fold.held_out)), [len(c.y) for c in fold.held_out])
    shape = (len(fold.held_out), k, k)
    counted = []
    for arrays, statistics in zip(models, known, strict=True):
        answers = network.predict(arrays, statistics.scaled(everyone.X))
        cells = np.ravel_multi_index((whose, everyone.y, answers), shape)
        counted.append(np.bincount(cells, minlength=np.prod(shape)).reshape(shape))
    return np.array(counted)


def _fooled(network: Network, arrays, statistics: Statistics, fold: Fold, target: int = 0) -> float:
    everyone = pooled(fold.held_out)
    other = triggered(statistics.scaled(everyone.X))[everyone.y != target]
    return float((network.predict(arrays, other) == target).mean())
