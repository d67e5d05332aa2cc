"""Flower's Grid of a deployment, with an order, a deadline, and patience with a node that starts anew.

Nodes are those that the run began with, in the order of their numbers, whether they are there or not: a
strategy that waits for all would wait for ever for one that is gone. Who has not answered in time is left
out of the round and named. Replies come in the order of the questions, so that sums are those of a run in
process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.federate.client import UNSCALED
from edgekit.federate.flower import Grid, Message, RecordDict
from edgekit.federate.refusal import Refusal


class PatientGrid(Grid):
    """`inner`, for `nodes` (Flower's id -> our name); a round waits `patience` seconds, at most.

    `seed` is of what Flower's strategies draw; `late` has each answer that never came. A node
    that was started anew has forgotten the scale: it is told again, and asked again.
    """

    def __init__(self, inner: Grid, nodes: Mapping[int, str], patience: float, seed: int = 0):
        self.inner, self.nodes, self.patience = inner, dict(nodes), patience
        self.late: list[Refusal] = []
        self._random = random.Random(seed).getstate()
        self._scale: RecordDict | None = None

    def set_run(self, run: Any) -> None:
        self.inner.set_run(run)

    @property
    def run(self):
        return self.inner.run

    def create_message(self, *how: Any, **named: Any) -> Message:
        return self.inner.create_message(*how, **named)

    def get_node_ids(self) -> Iterable[int]:
        random.setstate(
            self._random
        )  # Flower samples with it next, and its heartbeat draws from it, too
        return list(self.nodes)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return self.inner.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return self.inner.pull_messages(message_ids)

    def wait(self, seconds: float) -> None:
        """Until all nodes are there. Raises EdgekitError that names those who did not come in `seconds`."""
        until = time.monotonic() + seconds
        while away := set(self.nodes) - set(self.inner.get_node_ids()):
            if time.monotonic() > until:
                names = ", ".join(self.nodes[n] for n in self.nodes if n in away)
                raise EdgekitError(
                    f"{len(away)} of {len(self.nodes)} clients did not come within {seconds:g} s: {names}; "
                    "start them (`edgekit federate join`), then run again"
                )
            time.sleep(1)

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Sequence[Message]:
        """The answers that came in time. Raises EdgekitError where there is none at all."""
        if not (asked := list(messages)):
            return []
        if number := _round(asked):  # its nodes were drawn just now
            self._random = random.getstate()
        self._remember(asked)
        wait = min(timeout or self.patience, self.patience)
        answers = self._answers(asked, wait)
        forgot = [m for m in asked if _forgot(answers.get(m.metadata.dst_node_id))]
        if forgot and self._scale is not None:
            told = [self._copy(m, "query.scale", self._scale) for m in forgot]
            self._answers(told, wait)
            again = [self._copy(m, m.metadata.message_type, m.content) for m in forgot]
            answers.update(self._answers(again, wait))
        for m in asked:
            if (node := m.metadata.dst_node_id) not in answers:
                self.late.append(Refusal(number, str(node), f"no answer within {wait:g} s"))
            elif answers[node].metadata.src_node_id != node:  # Flower's answer in its place
                why = answers.pop(node).error.reason
                self.late.append(Refusal(number, str(node), str(why)))
        if all(a.has_error() for a in answers.values()):
            reasons = {str(a.error.reason) for a in answers.values()}
            why = "; ".join(sorted(reasons)) or "are they still running?"
            raise EdgekitError(f"no client of {len(asked)} trained within {wait:g} s: {why:.400}")
        return [a for m in asked if (a := answers.get(m.metadata.dst_node_id)) is not None]

    def _answers(self, asked: Sequence[Message], wait: float) -> dict[int, Message]:
        """Client -> its answer, told by the question, as Flower's own errors name no sender."""
        came = list(self.inner.send_and_receive(asked, timeout=wait))
        whose = {m.metadata.message_id: m.metadata.dst_node_id for m in asked}
        return {
            whose[a.metadata.reply_to_message_id]: a
            for a in came
            if a.metadata.reply_to_message_id in whose
        }

    def _copy(self, message: Message, kind: str, content: RecordDict) -> Message:
        data = message.metadata
        return self.inner.create_message(content, kind, data.dst_node_id, data.group_id)

    def _remember(self, asked: Sequence[Message]) -> None:
        for m in asked:
            if m.metadata.message_type == "query.scale":
                self._scale = m.content


def _forgot(answer: Message | None) -> bool:
    return answer is not None and answer.has_error() and answer.error.code == UNSCALED


def _round(asked: Sequence[Message]) -> int:
    """Of the server, or 0 for what comes before the first."""
    if "config" not in asked[0].content.config_records:
        return 0
    return int(asked[0].content.config_records["config"]["server-round"])  # type: ignore[arg-type]
