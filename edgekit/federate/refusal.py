"""A reply that a round went on without."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """In `round` (0: before the first) the reply of `client` was left out: `why`, in one line.

    client: Flower's number of the node, or the name that it was admitted under.
    """

    round: int
    client: str
    why: str

    def __str__(self) -> str:
        return f"round {self.round}, client {self.client}: {self.why}"
