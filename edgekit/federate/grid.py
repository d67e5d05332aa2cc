"""Flower in this process: a Grid that calls the ClientApp, without Ray, other processes or a network.

Messages go through Flower's wire form and back, both ways: nothing is shared by accident, and what a client
sends can be counted and looked at.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.federate.flower import (
    ClientApp,
    Context,
    Grid,
    Message,
    RecordDict,
    TaskIdentity,
    WireMessage,
    message_from_proto,
    message_to_proto,
)

SERVER = 1  # Flower's own node id of the server side


@dataclass(frozen=True)
class Sent:
    """One message: its `kind` ("train", "query" …), the client, and whether it went `up` to the server.

    `payload` are the bytes of its arrays' values, `wire` those of the whole message in Flower's form;
    `encoded` is that form itself, for who wants to look.
    """

    kind: str
    client: int
    up: bool
    payload: int
    wire: int
    encoded: bytes


class InProcessGrid(Grid):
    """`clients` nodes that all run `app`; a share `dropout` of what they train never arrives.

    Who is lost is drawn from `seed`, round by round: the client has trained, the server has nothing of it.
    `sent` has every message. As Flower samples with Python's own generator, `seed` sets that, too.
    """

    def __init__(self, app: ClientApp, clients: int, *, dropout: float = 0.0, seed: int = 0):
        if not 0 <= dropout < 1:
            raise EdgekitError(f"dropout={dropout:g} must be a share of replies below 1")
        self.app, self.dropout = app, dropout
        self.nodes = range(SERVER + 1, SERVER + 1 + clients)
        self.contexts = {node: _context(node, clients) for node in self.nodes}
        self.sent: list[Sent] = []
        self._rng, self._number, self._run = np.random.default_rng(seed), itertools.count(1), None
        random.seed(seed)
        self._speak_as(SERVER)

    def _speak_as(self, node: int) -> None:
        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, node

    def set_run(self, run: Any) -> None:
        self._run = run

    @property
    def run(self):
        return self._run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message from the server, as Flower's strategies ask for it."""
        return Message(
            content, dst_node_id=dst_node_id, message_type=message_type, group_id=group_id, ttl=ttl
        )

    def get_node_ids(self) -> Iterable[int]:
        return list(self.nodes)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        raise NotImplementedError("in process, messages are answered at once: send_and_receive")

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        raise NotImplementedError("in process, messages are answered at once: send_and_receive")

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Sequence[Message]:
        """The clients' answers, in their order; nobody is waited for, so `timeout` says nothing here."""
        return [reply for m in messages if (reply := self._ask(m)) is not None]

    def _ask(self, message: Message) -> Message | None:
        node, kind = message.metadata.dst_node_id, message.metadata.message_type
        message.metadata.__dict__["_message_id"] = str(next(self._number))
        arrived = self._carry(message, node, kind, up=False)
        self._speak_as(node)
        try:
            reply = self.app(arrived, self.contexts[node])
        finally:
            self._speak_as(SERVER)
        if kind.startswith("train") and self._rng.random() < self.dropout:
            return None
        return self._carry(reply, node, kind, up=True)

    def _carry(self, message: Message, node: int, kind: str, up: bool) -> Message:
        encoded = message_to_proto(message).SerializeToString()
        records = message.content.array_records.values() if message.has_content() else ()
        payload = sum(
            math.prod(a.shape) * np.dtype(a.dtype).itemsize for r in records for a in r.values()
        )
        self.sent.append(Sent(kind, node, up, payload, len(encoded), encoded))
        return message_from_proto(WireMessage.FromString(encoded))


def _context(node: int, clients: int) -> Context:
    place: dict[str, bool | float | int | str] = {
        "partition-id": node - SERVER - 1,
        "num-partitions": clients,
    }
    return Context(run_id=1, node_id=node, node_config=place, state=RecordDict(), run_config={})
