"""How a federation is run: everything that is not data, in one record that both sides read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.federate.updates import KINDS

STRATEGIES = (
    "FedAvg", "FedProx", "FedAvgM", "FedAdam", "FedMedian", "FedTrimmedAvg", "Krum", "MultiKrum", "Bulyan",
)  # fmt: skip
ATTACKS = ("sign-flipped", "scaled", "backdoor")


@dataclass(frozen=True)
class Plan:
    """`rounds` of a Flower `strategy`; in each a client trains `epochs` of `batch` at `rate`, which is
    `decay` times itself a round later.

    `scaled`: whether windows are brought to mean 0 and spread 1 of all clients; a network that was released
    is given them as it always was. `balance` weighs classes as `learn.fit` does, by all clients' counts; `mu`
    is FedProx's pull, `momentum` FedAvgM's, `server_rate` FedAdam's. `updates` is what is sent (see
    `updates`). With `own_normalization` (FedBN; Li et al., 2021) a client trains with the batch normalization
    it made itself, while the server's mean of them is what a client gets that was never there. `dropout` is
    the share of trainings that get lost, `noise` a multiple of `clip`, the length that updates are cut to
    (see `privacy`; 0: neither). `poisoned` clients (the first ones) carry out `attack`, and `suspected` is
    how many of them the robust strategies allow for.
    """

    strategy: str = "FedAvg"
    rounds: int = 30
    epochs: int = 2
    batch: int = 32
    rate: float = 0.05
    decay: float = 1.0
    scaled: bool = True
    balance: float = 1.0
    mu: float = 0.1
    momentum: float = 0.6
    server_rate: float = 0.02
    updates: str = "float32"
    own_normalization: bool = False
    dropout: float = 0.0
    noise: float = 0.0
    clip: float = 1.0
    poisoned: int = 0
    attack: str = "scaled"
    suspected: int = 1
    seed: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any], **changes: Any) -> Plan:
        """The plan of a use case's FEDERATE, with `changes`. Raises EdgekitError for a field it has not."""
        values, known = {**given, **changes}, [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                raise EdgekitError(f"a plan has no {name!r:.40}.{did_you_mean(name, known)}")
        return cls(**values)

    def rate_in(self, number: int) -> float:
        """The rate of SGD in round `number`, from 1 on."""
        return self.rate * self.decay ** (number - 1)

    def __post_init__(self) -> None:
        for name, known in (("strategy", STRATEGIES), ("updates", KINDS), ("attack", ATTACKS)):
            if (value := getattr(self, name)) not in known:
                raise EdgekitError(
                    f"{name}={value!r:.40} is not known.{did_you_mean(str(value), known)}"
                )
        for name in ("rounds", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise EdgekitError(f"{name}={getattr(self, name)} must be 1 or more")
        if not 0 < self.decay <= 1:
            raise EdgekitError(f"decay={self.decay:g} must be above 0 and at most 1")
        if self.noise < 0 or self.clip <= 0:
            raise EdgekitError(f"noise={self.noise:g} must be 0 or more, clip={self.clip:g} more")
        if self.noise and (self.strategy != "FedAvg" or self.dropout):
            raise EdgekitError(
                "noise is counted for a plain mean of all clients: take FedAvg, and no dropout"
            )
        if not 0 <= self.dropout < 1:
            raise EdgekitError(f"dropout={self.dropout:g} must be a share of replies below 1")
