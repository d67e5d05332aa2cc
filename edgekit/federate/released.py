"""A released int8 network, taught further by clients on its own grid: what comes out is a small update.

What the clients train are steps of the released file's integers; scales and zero points stay, so nobody needs
windows to calibrate with. First all may move; then the server keeps the largest moves that the update's bytes
allow, and the clients go on with these alone: to cut at the end would destroy what was learnt.
Imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.federate.clients import FEWEST, Client, by_group
from edgekit.federate.grid import Sent
from edgekit.federate.plan import Plan
from edgekit.federate.refusal import Refusal
from edgekit.federate.server import federate
from edgekit.federate.trial import in_process
from edgekit.learn import int8_training, litert
from edgekit.learn.legacy import keras, tf

FREE = 0.5  # of the rounds: until then all may change
ROOM = 0.9  # of the bytes, as what is left goes on growing


class ReleasedNetwork:
    """An int8 `.tflite` as clients train it, in the place of `network.Network`."""

    normalization: tuple[int, ...] = ()  # a released network has folded them

    def __init__(self, tflite: bytes):
        self.network = int8_training.Network(tflite)
        self.training = int8_training.Training(self.network, 1.0, 1)
        adam = keras.optimizers.Adam(1.0)  # as its rate is told round by round, it follows no curve
        adam.build(self.training.steps)
        self.training.loop.adam = adam

    def arrays(self) -> list[np.ndarray]:
        """Steps from the released integers, float32, an array for each constant: zeros."""
        return [np.zeros(s.shape, np.float32) for s in self.training.steps]

    def keep(self, masks: Sequence[np.ndarray]) -> None:
        """Let only those integers move, from now on, of which `masks` has a 1."""
        for kept, mask in zip(self.training.kept, masks, strict=True):
            kept.assign(mask)

    def train(
        self, arrays: Sequence[np.ndarray], X: np.ndarray, y: np.ndarray, weights: np.ndarray, *,
        epochs: int, batch: int, rate: float, seed: int | Sequence[int], mu: float = 0.0,
    ) -> tuple[list[np.ndarray], float]:  # fmt: skip
        """What `epochs` over int8 inputs `X` (n, …), as float32, and `y` (n,) make of `arrays`; last loss.

        `weights` (classes,) of the loss; `rate` in steps a batch, of an Adam that starts anew. Raises
        EdgekitError for a pull (`mu`), which it does not know.
        """
        if mu:
            raise EdgekitError(
                "a released network is taught without a pull: take FedAvg or FedAvgM"
            )
        training, rng = self.training, np.random.default_rng(seed)
        for variable in training.loop.adam.variables:
            variable.assign(tf.zeros_like(variable))
        training.loop.adam.learning_rate.assign(rate)
        for steps, kept, a in zip(training.steps, training.kept, arrays, strict=True):
            steps.assign(a * kept)
        loss, whole = 0.0, -(-len(y) // batch) * batch
        for _ in range(epochs):
            rows = np.resize(rng.permutation(len(y)), whole)
            loss = training.epoch(X[rows], y[rows], weights[y[rows]], batch)
        return [s.numpy() for s in training.steps], loss

    def file(self, arrays: Sequence[np.ndarray]) -> bytes:
        """The `.tflite` that `arrays` make of the released one."""
        integers = [
            np.clip(np.round(c.base + np.float64(c.unit) * a), *c.limits)
            for c, a in zip(self.network.constants, arrays, strict=True)
        ]
        return self.network.written(integers)

    def predict(self, arrays: Sequence[np.ndarray], X: np.ndarray) -> np.ndarray:
        """(n,) class indices for int8 inputs `X` (n, …)."""
        return self.network.logits(self.file(arrays), X).argmax(axis=1)


def int8_clients(tflite: bytes, windows: Windows, preprocess: Callable) -> tuple[Client, ...]:
    """Each group of `windows` with what `preprocess` makes of them: int8 inputs of `tflite`, as float32."""
    return by_group(windows, lambda X: litert.int8_inputs(tflite, preprocess(X)))


@dataclass(frozen=True)
class Taught:
    """A released network that clients taught: its `tflite`, the `bytes` of its update, the share of integers
    `changed`; the messages `sent` and the replies `refused`, of both halves of the rounds."""

    tflite: bytes
    bytes: int
    changed: float
    sent: list[Sent]
    refused: list[Refusal]

    def _repr_html_(self) -> str:
        return f"<b>{self.bytes:,} bytes</b> of update, {self.changed:.1%} of the integers changed"


def teach(
    released: bytes,
    clients: Sequence[Client],
    classes: int,
    plan: Plan,
    cost: Callable[[bytes], int],
    allowed: float,
) -> Taught:
    """The int8 `.tflite` `released`, taught in `plan.rounds` by `clients`, whose X are int8 inputs.

    classes: how many it tells apart. cost: of a new file, the bytes of its update, of which `allowed` are
    there. Raises EdgekitError where there are too few clients, or not even an unchanged file keeps to the
    bytes.
    """
    if len(clients) < FEWEST:
        raise EdgekitError(f"a federation needs {FEWEST} clients, there are {len(clients)}")
    if (least := cost(released)) > allowed:
        raise EdgekitError(
            f"an update that changes nothing takes {least:,} bytes, allowed are {allowed:,.0f}"
        )
    network = ReleasedNetwork(released)
    grid = in_process(network, clients, classes, plan)
    free = max(1, round(FREE * plan.rounds))
    halves = (
        replace(plan, rounds=free, scaled=False),
        replace(plan, rounds=max(1, plan.rounds - free), scaled=False,
                rate=plan.rate_in(free + 1), seed=plan.seed + 1),
    )  # fmt: skip
    found = federate(grid, halves[0], network.arrays())
    arrays, refused = found.arrays, found.refused
    arrays = _within(network, arrays, cost, ROOM * allowed)
    network.keep([(a != 0).astype(np.float32) for a in arrays])
    found = federate(grid, halves[1], arrays)
    arrays = _within(network, found.arrays, cost, allowed)
    tflite = network.file(arrays)
    return Taught(
        tflite, cost(tflite), network.network.changed(tflite), grid.sent, refused + found.refused
    )


def _within(
    network: ReleasedNetwork,
    arrays: Sequence[np.ndarray],
    cost: Callable[[bytes], int],
    allowed: float,
) -> list[np.ndarray]:
    """`arrays` with as many of their largest moves as `allowed` bytes of update have room for."""
    flat = np.concatenate([a.ravel() for a in arrays])
    order = np.argsort(-np.abs(flat), kind="stable")
    cuts = np.cumsum([a.size for a in arrays])[:-1]

    def kept(count: int) -> list[np.ndarray]:
        some = np.zeros_like(flat)
        some[order[:count]] = flat[order[:count]]
        return np.split(some, cuts)

    low, high = 0, int((np.abs(flat) >= 0.5).sum())  # what rounds to no change costs nothing
    if cost(network.file(arrays)) <= allowed:
        return list(arrays)
    while low < high:
        middle = (low + high + 1) // 2
        fits = cost(network.file(kept(middle))) <= allowed
        low, high = (middle, high) if fits else (low, middle - 1)
    return kept(low)
