"""The server's side: rounds of a Flower strategy over whatever Grid it is given.

What clients report is checked before a strategy sees it: one that sends another model, or what is not
finite, is left out of the round and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.federate.flower import (
    Array,
    ArrayRecord,
    ConfigRecord,
    Grid,
    Message,
    MetricRecord,
    RecordDict,
    strategy,
)
from edgekit.federate.plan import Plan
from edgekit.federate.privacy import epsilon, with_noise
from edgekit.federate.refusal import Refusal
from edgekit.federate.statistics import Statistics
from edgekit.federate.updates import decode


@dataclass(frozen=True)
class Federated:
    """The `arrays` that came out, the clients' `statistics`, the replies that were `refused`, and what
    the rounds gave away, `epsilon`, where the plan has noise."""

    arrays: list[np.ndarray]
    statistics: Statistics
    refused: list[Refusal] = field(default_factory=list)
    epsilon: float | None = None


def federate(grid: Grid, plan: Plan, arrays: Sequence[np.ndarray]) -> Federated:
    """All rounds of `plan`, from the model's `arrays` on, float32 (n, …) each, over the clients of `grid`.

    Raises EdgekitError where nobody has anything to train, or no round brought a model.
    """
    nodes = list(grid.get_node_ids())
    reported = [_statistics(r) for r in _ask(grid, nodes, "query.statistics", RecordDict())]
    known = Statistics.total([s for s in reported if s is not None])
    mean, spread = known.scale() if plan.scaled else known.unscaled()
    told = {"mean": mean, "spread": spread, "weights": known.class_weights(plan.balance)}
    scale = ArrayRecord({name: Array(a) for name, a in told.items()})
    _ask(grid, nodes, "query.scale", RecordDict({"scale": scale}))
    inner = build(plan, len(nodes))
    shapes = [np.shape(a) for a in arrays]
    checked = CheckedStrategy(inner, plan.updates, shapes, alike=plan.noise > 0)
    config: dict[str, Any] = {
        "epochs": plan.epochs, "batch": plan.batch, "rate": plan.rate, "decay": plan.decay, "seed": plan.seed,
        "updates": plan.updates, "own-normalization": plan.own_normalization,
    }  # fmt: skip
    result = checked.start(
        grid, ArrayRecord(list(arrays)), num_rounds=plan.rounds, train_config=ConfigRecord(config)
    )
    if not result.arrays:
        lines = "; ".join(map(str, checked.refused[:3])) or "no reply arrived"
        raise EdgekitError(f"no round of {plan.rounds} brought a model: {lines}")
    return Federated(result.arrays.to_numpy_ndarrays(), known, checked.refused, epsilon(inner))


def build(plan: Plan, clients: int) -> strategy.Strategy:
    """Flower's own strategy that `plan` names, for so many `clients`.

    Raises EdgekitError where they are too few for what it promises: Bulyan needs four for each poisoned one,
    and three (El Mhamdi et al., 2018), Krum two and three (Blanchard et al., 2017).
    """
    bad = plan.suspected
    least = {"Bulyan": 4 * bad + 3, "Krum": 2 * bad + 3, "MultiKrum": 2 * bad + 3}
    if clients < least.get(plan.strategy, 2):
        raise EdgekitError(
            f"{plan.strategy} against {bad} poisoned client(s) needs {least.get(plan.strategy, 2)} clients, "
            f"there are {clients}: take FedMedian"
        )
    more: dict[str, dict[str, Any]] = {
        "FedProx": {"proximal_mu": plan.mu},
        "FedAvgM": {"server_momentum": plan.momentum},
        "FedAdam": {"eta": plan.server_rate},
        # Flower cuts int(beta · n) at each end: a half more, so that rounding never leaves one in
        "FedTrimmedAvg": {"beta": min(0.49, (bad + 0.5) / clients)},
        "Krum": {"num_malicious_nodes": bad},
        "MultiKrum": {"num_malicious_nodes": bad, "num_nodes_to_select": clients - bad},
        "Bulyan": {"num_malicious_nodes": bad},
    }
    kind = getattr(strategy, plan.strategy)
    made = kind(fraction_evaluate=0.0, min_available_nodes=clients, **more.get(plan.strategy, {}))
    return with_noise(made, plan, clients) if plan.noise else made


class CheckedStrategy(strategy.Strategy):
    """`inner`, which is given checked and decoded replies only; `kind` and `shapes` say what they must be.

    `alike`: each client counts as much as any other, however many windows it has.
    """

    def __init__(
        self,
        inner: strategy.Strategy,
        kind: str,
        shapes: Sequence[tuple[int, ...]],
        alike: bool = False,
    ):
        self.inner, self.kind, self.shapes, self.alike = inner, kind, list(shapes), alike
        self.refused: list[Refusal] = []
        self.sent: list[np.ndarray] = []

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        self.sent = arrays.to_numpy_ndarrays()
        return self.inner.configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        good = []
        for reply in replies:
            try:
                good.append(self._checked(reply))
            except EdgekitError as error:
                client = str(reply.metadata.src_node_id)
                self.refused.append(Refusal(server_round, client, str(error)))
        if not good:
            return None, None
        arrays, metrics = self.inner.aggregate_train(server_round, good)
        if arrays is not None:  # some strategies return float64: twice the bytes down
            arrays = ArrayRecord([a.astype(np.float32) for a in arrays.to_numpy_ndarrays()])
        return arrays, metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        return self.inner.configure_evaluate(server_round, arrays, config, grid)

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        return self.inner.aggregate_evaluate(server_round, replies)

    def summary(self) -> None:
        self.inner.summary()

    def _checked(self, reply: Message) -> Message:
        if reply.has_error():
            raise EdgekitError(reply.error.reason)
        try:
            count = reply.content.metric_records["metrics"]["num-examples"]
            record = reply.content.array_records["arrays"]
            if self.kind == "float32":
                arrays = record.to_numpy_ndarrays()
            else:
                update = decode(self.kind, record["update"].data, self.shapes)
                arrays = [a + b for a, b in zip(self.sent, update, strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise EdgekitError("its reply is not what a client of this kit sends") from None
        if not isinstance(count, int) or not 0 < count < 1 << 32:
            raise EdgekitError(f"it reports {count!r:.20} windows")
        if [a.shape for a in arrays] != self.shapes or any(a.dtype != np.float32 for a in arrays):
            raise EdgekitError("its arrays have other shapes or another type than this model's")
        if not all(np.isfinite(a).all() for a in arrays):
            raise EdgekitError("its arrays are not finite")
        reply.content["arrays"] = ArrayRecord(arrays)
        if self.alike:
            reply.content.metric_records["metrics"]["num-examples"] = 1
        return reply


def _ask(grid: Grid, nodes: Sequence[int], kind: str, content: RecordDict) -> list[Message]:
    asked = [grid.create_message(content, kind, node, "0") for node in nodes]
    return [m for m in grid.send_and_receive(asked) if not m.has_error()]


def _statistics(reply: Message) -> Statistics | None:
    try:
        record = reply.content.array_records["statistics"]
        return Statistics(*(record[name].numpy() for name in ("counts", "sums", "squares")))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
