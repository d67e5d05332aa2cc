"""The client's side: one Flower ClientApp, the same in this process and in a deployment.

It answers three questions. `query.statistics`: sums and counts, see `statistics`. `query.scale`: nothing, it
keeps the scale and the class weights of all clients. `train`: what its own windows make of the arrays sent.
Arrays and counts leave it, never a window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from edgekit.federate.attacks import poisoned_update, poisoned_windows
from edgekit.federate.clients import Client
from edgekit.federate.flower import (
    Array,
    ArrayRecord,
    ClientApp,
    Context,
    Error,
    Message,
    MetricRecord,
    RecordDict,
)
from edgekit.federate.statistics import LEAST, Statistics
from edgekit.federate.updates import encode

UNSCALED, FEW = 100, 101  # Flower's codes of its own end below


class Trainable(Protocol):
    """What clients train, see `network.Network` and `released.ReleasedNetwork`."""

    @property
    def normalization(self) -> tuple[int, ...]: ...

    def arrays(self) -> list[np.ndarray]: ...

    def train(
        self, arrays: Sequence[np.ndarray], X: np.ndarray, y: np.ndarray, weights: np.ndarray, *,
        epochs: int, batch: int, rate: float, seed: int | Sequence[int], mu: float = 0.0,
    ) -> tuple[list[np.ndarray], float]: ...  # fmt: skip


def client_app(
    own: Callable[[Context], Client],
    network: Callable[[], Trainable],
    classes: int,
    attacks: Mapping[str, str] | None = None,
    mods: Sequence[Callable] = (),
) -> ClientApp:
    """The app of all clients: `own` finds this one's windows by its context, `network` the model it trains.

    classes: how many the model tells apart. attacks: client's name -> what it does (see `attacks`), for a
    trial of defences. mods: Flower's own, around each training, as `LocalDpMod`.
    """
    app, attacks = ClientApp(), attacks or {}

    @app.query("statistics")
    def statistics(message: Message, context: Context) -> Message:
        client = own(context)
        if len(client.y) < LEAST:
            error = Error(
                FEW, f"it has {len(client.y)} windows, fewer than {LEAST} would show in their sums"
            )
            return Message(error, reply_to=message)
        found = Statistics.of(client.X, client.y, classes)
        record = ArrayRecord({name: Array(a) for name, a in vars(found).items()})
        return Message(RecordDict({"statistics": record}), reply_to=message)

    @app.query("scale")
    def scale(message: Message, context: Context) -> Message:
        context.state["scale"] = message.content.array_records["scale"]
        return Message(RecordDict(), reply_to=message)

    @app.train(mods=list(mods))
    def train(message: Message, context: Context) -> Message:
        if "scale" not in context.state:
            return Message(Error(UNSCALED, "this client was not told the scale"), reply_to=message)
        mean, spread, weights = (
            context.state.array_records["scale"][part].numpy()
            for part in ("mean", "spread", "weights")
        )
        client = own(context)
        config: dict[str, Any] = dict(message.content.config_records["config"])
        attack = attacks.get(client.name)
        X, y = (client.X - mean) / spread, client.y
        if attack:
            X, y = poisoned_windows(attack, X, y)
        sent = message.content.array_records["arrays"].to_numpy_ndarrays()
        begun = _with_own(sent, context, network().normalization, config["own-normalization"])
        trained, loss = network().train(
            begun, X, y, weights,
            epochs=config["epochs"], batch=config["batch"],
            rate=config["rate"] * config["decay"] ** (config["server-round"] - 1),
            mu=config.get("proximal-mu", 0.0),
            seed=[config["seed"], config["server-round"], int(context.node_config["partition-id"])],
        )  # fmt: skip
        if config["own-normalization"]:
            kept = [trained[i] for i in network().normalization]
            context.state["normalization"] = ArrayRecord(kept)
        update = [a - b for a, b in zip(trained, sent, strict=True)]
        if attack:
            update = poisoned_update(attack, update)
        record = _encoded(config["updates"], sent, update, context)
        metrics = MetricRecord({"num-examples": len(client.y), "loss": loss})
        return Message(RecordDict({"arrays": record, "metrics": metrics}), reply_to=message)

    return app


def _with_own(
    sent: Sequence[np.ndarray], context: Context, places: Sequence[int], wanted: bool
) -> list[np.ndarray]:
    arrays = list(sent)
    if wanted and "normalization" in context.state:
        own = context.state.array_records["normalization"].to_numpy_ndarrays()
        for place, a in zip(places, own, strict=True):
            arrays[place] = a
    return arrays


def _encoded(
    kind: str, sent: Sequence[np.ndarray], update: Sequence[np.ndarray], context: Context
) -> ArrayRecord:
    if kind == "float32":
        return ArrayRecord([a + u for a, u in zip(sent, update, strict=True)])
    if "left out" in context.state:
        left = context.state.array_records["left out"].to_numpy_ndarrays()
        update = [u + r for u, r in zip(update, left, strict=True)]
    data, left_out = encode(kind, update)
    context.state["left out"] = ArrayRecord(left_out)
    return ArrayRecord({"update": Array("uint8", (len(data),), f"edgekit.{kind}", data)})
