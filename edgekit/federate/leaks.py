"""What leaves a client, and what somebody who reads it could learn: the server, or who listens on the way.

`contents` opens the messages. `inversion` tries to draw a window from an update: another input is moved until
it would have given the same (Geiping et al., "Inverting Gradients", 2020; the label by Zhao et al., "iDLG",
2020). `membership` tries to tell the windows that were trained on from those that were not, by their loss
(Yeom et al., 2018). Both are the simple form of what is known: that one fails proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.federate.clients import Client, Fold
from edgekit.federate.flower import Array, WireMessage, message_from_proto
from edgekit.federate.grid import Sent
from edgekit.federate.network import Network
from edgekit.federate.trial import federation
from edgekit.federate.updates import decode
from edgekit.learn.bootstrap import bounds, resample
from edgekit.learn.legacy import cross_entropy, tf

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.federate.plan import Plan

STEPS, STARTS, RATE = 400, 3, 0.1  # of the search for a window
SEEN = 16  # bytes in a row that are looked for: four values


def contents(sent: Iterable[Sent]) -> pd.DataFrame:
    """What the messages `sent` hold, a row for each kind of record: way, its arrays, values, and how often.

    `values`: of one message, the fewest and the most.
    """
    import pandas as pd

    found: dict[tuple, list[int]] = {}
    for message in sent:
        content = message_from_proto(WireMessage.FromString(message.encoded)).content
        way = "client → server" if message.up else "server → client"
        for name, record in content.items():
            arrays = [a for a in record.values() if isinstance(a, Array)]
            types = ", ".join(sorted({a.dtype for a in arrays})) or "numbers and words"
            size = sum(int(np.prod(a.shape)) for a in arrays) if arrays else len(record)
            found.setdefault((way, message.kind, name, types), []).append(size)
    return pd.DataFrame(
        {
            "way": way, "message": kind, "record": name, "type": types,
            "values": f"{min(n):,}" if min(n) == max(n) else f"{min(n):,} to {max(n):,}",
            "messages": len(n),
        }
        for (way, kind, name, types), n in found.items()
    )  # fmt: skip


def windows_seen(sent: Iterable[Sent], clients: Iterable[Client]) -> int:
    """In how many of the messages `sent` a part of a window of `clients` stands: SEEN bytes in a row, as it
    is kept."""
    rows = [x.astype("<f4").tobytes() for c in clients for x in c.X]
    parts = {r[i : i + SEEN] for r in rows for i in range(0, max(1, len(r) - SEEN + 1), SEEN)}
    parts = {p for p in parts if len(set(p)) > 4}  # zeros and the like stand in everything

    def tells(m: bytes) -> bool:
        return any(m[i : i + SEEN] in parts for i in range(len(m) - SEEN + 1))

    return sum(tells(m.encoded) for m in sent)


@dataclass(frozen=True)
class Update:
    """What one training brought: the arrays `before` that a client was sent, the `change` it sent back."""

    before: list[np.ndarray]
    change: list[np.ndarray]

    @property
    def after(self) -> list[np.ndarray]:
        """The client's own model, which whoever reads the message has."""
        return [a + b for a, b in zip(self.before, self.change, strict=True)]


def updates(sent: Iterable[Sent]) -> dict[int, list[Update]]:
    """By client, what the messages of its trainings, of all that were `sent`, tell, in their order."""
    given: dict[int, list[np.ndarray]] = {}
    found: dict[int, list[Update]] = {}
    for message in (m for m in sent if m.kind == "train"):
        content = message_from_proto(WireMessage.FromString(message.encoded)).content
        record = content.array_records["arrays"]
        if not message.up:
            given[message.client] = record.to_numpy_ndarrays()
            continue
        before = given[message.client]
        if "update" in record:
            kind = record["update"].stype.rpartition(".")[2]
            change = decode(kind, record["update"].data, [a.shape for a in before])
        else:
            change = [a - b for a, b in zip(record.to_numpy_ndarrays(), before, strict=True)]
        found.setdefault(message.client, []).append(Update(before, change))
    return found


def invert(network: Network, update: Update, seed: int = 0) -> np.ndarray:
    """A scaled window (1, position, channel) that would have given the `update`, as nearly as one was found:
    the best of STARTS searches of STEPS, which begin by `seed`."""
    model, trained = network.model, _trained(network)
    network.load(update.before)
    wanted = [-tf.constant(update.change[i]) for i in trained]
    label = int(np.argmin(wanted[-1].numpy()))  # of the last bias: only the true class's falls
    rng = np.random.default_rng(seed)
    x = tf.Variable(tf.zeros((1, *model.input_shape[1:])))
    m, v = tf.Variable(tf.zeros_like(x)), tf.Variable(tf.zeros_like(x))
    size = tf.sqrt(tf.add_n([tf.reduce_sum(w**2) for w in wanted])) + 1e-12

    @tf.function(autograph=False)
    def search():
        def step(i, _):
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    loss = tf.reduce_mean(cross_entropy(tf.constant([label]), model(x)))
                own = inner.gradient(loss, model.trainable_variables)
                along = tf.add_n([tf.reduce_sum(a * b) for a, b in zip(own, wanted, strict=True)])
                length = tf.sqrt(tf.add_n([tf.reduce_sum(a**2) for a in own]) + 1e-12)
                away = 1 - along / (length * size)
            g = outer.gradient(away, x)
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.99 * v + 0.01 * g**2)
            t = tf.cast(i + 1, tf.float32)
            fall = RATE * (1 - tf.cast(i, tf.float32) / STEPS)
            x.assign_sub(fall * m / (1 - 0.9**t) / (tf.sqrt(v / (1 - 0.99**t)) + 1e-8))
            return i + 1, away

        return tf.while_loop(
            lambda i, _: i < STEPS, step, (tf.constant(0), tf.constant(2.0)), parallel_iterations=1
        )[1]

    best = (np.inf, np.zeros(x.shape[1:], np.float32))
    for _ in range(STARTS):
        x.assign(rng.normal(0, 0.5, x.shape).astype(np.float32))
        m.assign(tf.zeros_like(x))
        v.assign(tf.zeros_like(x))
        away = float(search())
        best = min(best, (away, x.numpy()[0]), key=lambda found: found[0])
    return best[1]


def _trained(network: Network) -> list[int]:
    """Which of `arrays()` are trained by a gradient."""
    own = {id(v) for v in network.model.trainable_variables}
    return [i for i, v in enumerate(network.model.weights) if id(v) in own]


@dataclass(frozen=True)
class Inverted:
    """A window that was drawn from an update, beside the client's own that it is most like.

    `likeness`: their correlation; `chance`: of the same window with the one of other people's that it is most
    like. What is not above chance is not the client's window.
    """

    drawn: np.ndarray
    true: np.ndarray
    likeness: float
    chance: float


def inversion(
    network: Network, fold: Fold, plan: Plan, windows: int = 0, mods: Sequence[Callable] = ()
) -> Inverted:
    """Draw a window from what a fold's first client sends in the first round of `plan`, with `mods`; it has
    `windows` of its own, all unless told. `chance` asks as many windows of the others."""
    one, *rest = fold.clients
    rows = np.linspace(0, len(one.y) - 1, windows or len(one.y)).astype(int)
    one = Client(one.name, one.X[rows], one.y[rows])
    found, grid = federation(network, (one, *rest), fold.classes, replace(plan, rounds=1), mods)
    drawn = invert(network, updates(grid.sent)[grid.nodes[0]][0], plan.seed)
    others = np.concatenate([c.X for c in rest])
    others = others[np.random.default_rng(plan.seed).permutation(len(others))[: len(rows)]]
    own, others = (found.statistics.scaled(X) for X in (one.X, others))
    mine, theirs = (_correlations(drawn, X) for X in (own, others))
    best = int(np.argmax(mine))
    return Inverted(drawn, own[best], float(mine[best]), float(theirs.max()))


def _correlations(one: np.ndarray, X: np.ndarray) -> np.ndarray:
    a, b = one.reshape(1, -1), X.reshape(len(X), -1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return (a * b).sum(axis=1) / (np.linalg.norm(a) * np.linalg.norm(b, axis=1) + 1e-12)


def halved(client: Client) -> tuple[Client, Client]:
    """The client with the first half of its windows of each class, and with the others but for one between
    them, as windows overlap."""
    first, rest = [], []
    for c in np.unique(client.y):
        rows = np.flatnonzero(client.y == c)
        first.append(rows[: len(rows) // 2])
        rest.append(rows[len(rows) // 2 + 1 :])
    parts = (np.sort(np.concatenate(rows)) for rows in (first, rest))
    a, b = (Client(client.name, client.X[rows], client.y[rows]) for rows in parts)
    return a, b


@dataclass(frozen=True)
class Membership:
    """How well an update's reader tells windows that were trained on from others of the same client: the area
    under the curve `auc`, .5 where it cannot, with its 95 % over clients. `accuracy` of the federation's own
    model on the windows that were not trained on: what protection costs."""

    auc: float
    low: float
    high: float
    accuracy: float


def membership(
    network: Network, fold: Fold, plan: Plan, mods: Sequence[Callable] = ()
) -> Membership:
    """Train on half of each client's windows, by `plan` and `mods`; then, from what each sent last, tell the
    halves apart. Of clients with both halves."""
    from sklearn.metrics import roc_auc_score

    halves = [halved(c) for c in fold.clients]
    halves = [h for h in halves if len(h[1].y)]
    members = tuple(h[0] for h in halves)
    found, grid = federation(network, members, fold.classes, plan, mods)
    scaled = found.statistics.scaled
    sent, each, right = updates(grid.sent), [], []
    for node, (own, other) in zip(grid.nodes, halves, strict=True):
        losses = [_losses(network, sent[node][-1].after, scaled(c.X), c.y) for c in (own, other)]
        truth = np.repeat([1, 0], [len(own.y), len(other.y)])
        each.append(float(roc_auc_score(truth, -np.concatenate(losses))))
        right.append(network.predict(found.arrays, scaled(other.X)) == other.y)
    drawn = resample(np.array(each), 2000, np.random.default_rng(plan.seed)).mean(axis=1)
    low, high = bounds(drawn)
    return Membership(
        float(np.mean(each)), float(low), float(high), float(np.concatenate(right).mean())
    )


def _losses(network: Network, arrays, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    network.load(arrays)
    return cross_entropy(tf.constant(y), network.model(X, training=False)).numpy()
