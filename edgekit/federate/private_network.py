"""Differential privacy of single windows: a client's own training by DP-SGD (Abadi et al., 2016).

Each window's gradient is cut to a length before they are added up, noise goes on the sum, and an accountant
adds up what all steps gave away about one window. It hides that a window was there, not that a client was.
Imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.federate.clients import Client
from edgekit.federate.network import Network
from edgekit.federate.plan import Plan
from edgekit.federate.privacy import window_epsilon
from edgekit.learn.legacy import cross_entropy, tf
from edgekit.usecases.usecase import UseCase


class PrivateNetwork(Network):
    """A `Network` whose steps are DP-SGD: `noise` in multiples of `clip`, the length of a window's gradient.

    A step draws each window by itself with the chance batch / windows, which is what the accountant counts;
    how many windows a client has is no secret here.
    Batch normalizations stay as they begin, since their statistics would be of windows. The noise comes from
    the plan's seed, so that a trial can be repeated; who means it draws noise that nobody else knows.
    """

    def __init__(
        self, case: UseCase, classes: int, noise: float, clip: float = 1.0,
        width: int | None = None, seed: int = 0,
    ):  # fmt: skip
        if noise <= 0 or clip <= 0:
            raise EdgekitError(f"noise={noise:g} and clip={clip:g} must be above 0")
        super().__init__(case, classes, width, seed)
        self.noise, self.clip = noise, clip
        self.expected = tf.Variable(1.0, trainable=False)  # windows of a step, in the mean

    def train(
        self, arrays: Sequence[np.ndarray], X: np.ndarray, y: np.ndarray, weights: np.ndarray, *,
        epochs: int, batch: int, rate: float, seed: int | Sequence[int], mu: float = 0.0,
    ) -> tuple[list[np.ndarray], float]:  # fmt: skip
        """As `Network.train`; the loss is 0, since that of these windows would tell of them."""
        rng, n = np.random.default_rng(seed), len(y)
        self.key.assign(rng.integers(0, 2**31 - 1, 2))
        self.expected.assign(min(batch, n))
        drawn = rng.random((epochs * -(-n // batch), n)) < batch / n
        rows = np.full((len(drawn), max(1, drawn.sum(axis=1).max())), n)
        for row, some in zip(rows, drawn, strict=True):
            row[: some.sum()] = np.flatnonzero(some)
        X = np.concatenate([X, np.zeros_like(X[:1])])
        weight = np.append(weights[y], np.float32(0))
        arrays, _ = self._run(arrays, X, np.append(y, 0), weight, rows, rate, mu)
        return arrays, 0.0

    def epsilon(self, clients: Sequence[Client], plan: Plan) -> float:
        """What all rounds of `plan` give away about one window of `clients`, where they give away most.

        Raises EdgekitError where what counts it is not installed.
        """
        steps = {len(c.y): plan.rounds * plan.epochs * -(-len(c.y) // plan.batch) for c in clients}
        return max(
            window_epsilon(self.noise, min(1.0, plan.batch / n), count)
            for n, count in steps.items()
        )

    def _step(self, i, x, y, weight, rate, mu):
        variables = self.model.trainable_variables

        def clipped(one):
            x, y, weight = one
            with tf.GradientTape() as tape:
                answer = self.model(x[None], training=False)
                loss = tf.reduce_sum(cross_entropy(y[None], answer)) * weight
            gradients = tape.gradient(loss, variables)
            length = tf.sqrt(tf.add_n([tf.reduce_sum(g**2) for g in gradients]))
            share = tf.minimum(1.0, self.clip / tf.maximum(length, 1e-12))
            return [g * share for g in gradients]

        each = tf.vectorized_map(clipped, (x, y, weight))
        with tf.GradientTape() as tape:  # of the weights alone: nothing of a window is in it
            decay = tf.add_n(self.model.losses) if self.model.losses else tf.constant(0.0)
        decays = tape.gradient(decay, variables, unconnected_gradients="zero")
        parts = zip(variables, each, decays, self.anchors, strict=True)
        for k, (v, g, own, anchor) in enumerate(parts):
            seed = self.key + tf.stack([i, k])
            noise = self.noise * self.clip * tf.random.stateless_normal(v.shape, seed)
            mean = (tf.reduce_sum(g, axis=0) + noise) / self.expected
            v.assign_sub(rate * (mean + own + mu * (v - anchor)))
        return tf.constant(0.0)
