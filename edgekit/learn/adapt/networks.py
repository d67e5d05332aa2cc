"""Adaptation of a network: its batch normalization, an adversary, a few labelled windows.

The network is a perceptron with two hidden layers on the descriptor (n, d), each followed by batch
normalization: small enough to be trained dozens of times in one chapter, and with everything that
these methods take hold of. Importing this file imports TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgekit.learn.legacy import as_written, keras, reverse_gradient, seed_everything, tf

WIDTHS = (64, 32)  # of the hidden layers
STEPS, BATCH, RATE = 240, 128, 3e-3
TUNING_STEPS, TUNING_RATE = 120, 2e-3  # of fine-tuning: short and careful, there is little to see
DECAY = 1e-3  # of the weights: tables are small


@dataclass(frozen=True)
class Network:
    """A trained network for `k` classes: `weights` of the layers, `scale` (mean, spread) of the lab.

    `X` (n, d), `y` (n,): the labelled windows it was trained on.
    """

    weights: list
    scale: tuple
    X: np.ndarray
    y: np.ndarray
    k: int

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """(n, d) descriptors of field windows -> (n, k)."""
        trainer = _trainer(X.shape[1], self.k)
        trainer.model.set_weights(self.weights)
        logits = trainer.model(_scaled(X, self.scale), training=False)
        return tf.nn.softmax(logits).numpy().astype(np.float64)

    def with_labels(self, X: np.ndarray, y: np.ndarray, seed: int = 0) -> Network:
        """Fine-tuned: half of each batch is drawn from field windows (j, d) with labels `y` (j,).

        The other half is lab, so that what they have in common is not forgotten.
        """
        trainer = _trainer(X.shape[1], self.k)
        trainer.model.set_weights(self.weights)
        rows = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        chances = np.concatenate(
            [_fair(self.y) / 2, _fair(y) / 2]  # each class, and each world, as often
        )
        X, y = rows
        trainer.train(
            _scaled(X, self.scale), y, chances, seed, steps=TUNING_STEPS, rate=TUNING_RATE
        )
        return Network(trainer.model.get_weights(), self.scale, *rows, self.k)


def source_only(X: np.ndarray, y: np.ndarray, k: int, seed: int) -> Network:
    """The network trained on the lab, (n, d) and (n,)."""
    trainer, scale = _trainer(X.shape[1], k), (X.mean(axis=0), np.maximum(X.std(axis=0), 1e-9))
    trainer.begin(seed)
    trainer.train(_scaled(X, scale), y, _fair(y), seed)
    return Network(trainer.model.get_weights(), scale, X, y, k)


def adabn(source: Network, target: np.ndarray) -> Network:
    """`source` with every batch normalization's mean and variance measured on `target` (m, d).

    Li et al., "Revisiting Batch Normalization For Practical Domain Adaptation" (2016). No weight moves.
    """
    trainer = _trainer(target.shape[1], source.k)
    trainer.model.set_weights(source.weights)
    trainer.normalize(_scaled(target, source.scale))
    return Network(trainer.model.get_weights(), source.scale, source.X, source.y, source.k)


def dann(X: np.ndarray, y: np.ndarray, target: np.ndarray, k: int, seed: int) -> Network:
    """Trained on the lab against an adversary who tells the lab from `target` (m, d) by the last layer.

    Ganin et al., "Domain-Adversarial Training of Neural Networks" (JMLR 2016): the adversary's
    gradient is reversed, with the paper's schedule of its strength.
    """
    trainer, scale = _trainer(X.shape[1], k), (X.mean(axis=0), np.maximum(X.std(axis=0), 1e-9))
    trainer.begin(seed)
    trainer.train(_scaled(X, scale), y, _fair(y), seed, target=_scaled(target, scale))
    return Network(trainer.model.get_weights(), scale, X, y, k)


def _scaled(X: np.ndarray, scale: tuple) -> np.ndarray:
    return ((X - scale[0]) / scale[1]).astype(np.float32)


def _fair(y: np.ndarray) -> np.ndarray:
    """(n,) chances with which each class is drawn as often; they sum to 1."""
    present, index, counts = np.unique(y, return_inverse=True, return_counts=True)
    return 1 / (len(present) * counts[index])


@lru_cache(maxsize=4)
def _trainer(d: int, k: int) -> _Trainer:
    """Built once for each shape, because tracing it takes longer than training it."""
    return _Trainer(d, k)


class _Trainer:
    """The layers, the adversary, Adam, and two compiled training loops, used again and again."""

    def __init__(self, d: int, k: int):
        seed_everything(0)
        layers, given = keras.layers, keras.layers.Input((d,))
        x = given
        for width in WIDTHS:
            x = layers.Dense(width, use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        self.model = keras.Model(given, layers.Dense(k)(x))
        self.both = keras.Model(given, [x, self.model.output])
        self.adversary = keras.Sequential(
            [layers.Input((WIDTHS[-1],)), layers.Dense(32, activation="relu"), layers.Dense(1)]
        )
        self.norms = [y for y in self.model.layers if isinstance(y, layers.BatchNormalization)]
        variables = self.model.trainable_variables + self.adversary.trainable_variables
        self.adam = keras.optimizers.Adam(RATE)
        self.adam.build(variables)
        self.fresh = [v.numpy() for v in self.adam.variables]
        kinds = [(None, d), (None,), (None, None), (None, d), (None, None), (None,), (None,)]
        types = [tf.float32, tf.int32, tf.int32, tf.float32, tf.int32, tf.float32, tf.float32]
        signature = [tf.TensorSpec(s, t) for s, t in zip(kinds, types, strict=True)]

        def compiled(against: bool):
            return tf.function(lambda *args: self._loop(*args, against=against), signature)

        self.loops = {against: compiled(against) for against in (False, True)}

    def begin(self, seed: int) -> None:
        """Fresh weights (Glorot's), the same for the same seed."""
        rng = np.random.default_rng(seed)
        for model in (self.model, self.adversary):
            for v in model.trainable_variables:
                limit = np.sqrt(6 / sum(v.shape)) if len(v.shape) == 2 else 0
                v.assign(rng.uniform(-limit, limit, v.shape) + ("gamma" in v.name))
        for norm in self.norms:
            norm.moving_mean.assign(tf.zeros_like(norm.moving_mean))
            norm.moving_variance.assign(tf.ones_like(norm.moving_variance))

    def train(self, X, y, chances, seed, steps: int = STEPS, rate: float = RATE, target=None):
        """`steps` batches drawn by `chances` (n,); with `target` (m, d) against the adversary."""
        for v, start in zip(self.adam.variables, self.fresh, strict=True):
            v.assign(start)
        rng = np.random.default_rng([seed, 1])
        rows = rng.choice(len(X), (steps, BATCH), p=chances)
        unlabelled = np.zeros((1, X.shape[1]), np.float32) if target is None else target
        others = rng.integers(0, len(unlabelled), (steps, BATCH))
        part = np.arange(steps) / steps
        strength = 2 / (1 + np.exp(-10 * part)) - 1
        rates = rate * 0.5 * (1 + np.cos(np.pi * part))
        loop = self.loops[target is not None]
        loop(X, y.astype(np.int32), rows.astype(np.int32), unlabelled, others.astype(np.int32),
             strength.astype(np.float32), rates.astype(np.float32))  # fmt: skip

    def normalize(self, X) -> None:
        """Batch normalization's statistics as they are on all of `X` (m, d), layer after layer."""
        for norm in self.norms:
            norm.momentum = 0.0
        self.model(X, training=True)
        for norm in self.norms:
            norm.momentum = 0.9

    def _loop(self, X, y, rows, unlabelled, others, strength, rates, *, against):
        for i in tf.range(tf.shape(rows)[0]):
            self.adam.learning_rate.assign(rates[i])
            x, labels = tf.gather(X, rows[i]), tf.gather(y, rows[i])
            if against:
                x = tf.concat([x, tf.gather(unlabelled, others[i])], 0)
            self._batch(x, labels, strength[i], against)

    @as_written
    def _batch(self, x, labels, strength, against):
        variables = self.model.trainable_variables
        if against:
            variables = variables + self.adversary.trainable_variables
        with tf.GradientTape() as tape:
            deep, logits = self.both(x, training=True)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits[:BATCH])
            loss = tf.reduce_mean(loss)
            loss += DECAY * tf.add_n([tf.nn.l2_loss(v) for v in variables if len(v.shape) > 1])
            if against:
                guess = self.adversary(reverse_gradient(deep, strength))[:, 0]
                of = tf.repeat([0.0, 1.0], BATCH)
                domain = tf.nn.sigmoid_cross_entropy_with_logits(of, guess)
                loss += tf.reduce_mean(domain)
        grads = tape.gradient(loss, variables)
        self.adam.apply_gradients(zip(grads, variables, strict=True))
