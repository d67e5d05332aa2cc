"""The use case's student as clients train it: plain SGD from the arrays they are sent. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.learn.legacy import cross_entropy, keras, tf
from edgekit.usecases.usecase import UseCase

AT_ONCE = 512  # windows that are classified together


class Drawn(keras.layers.Dropout):
    """Dropout that draws by `key` (2,), a variable, and its own `number`, and not by what the process drew
    before: a client's training is the same wherever and whenever it is done."""

    def __init__(self, rate: float, key: tf.Variable, number: int, name: str):
        super().__init__(rate, name=name)
        self.draws_by = lambda: key + tf.constant([0, number])

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if not training:
            return inputs
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, self.draws_by())


class Network:
    """One Keras model that all clients of a process train in turn; what differs are its arrays.

    A client's steps are one loop in TensorFlow, traced once for all clients and rounds: there are thousands
    of them, each so small that calling it from Python would be most of the time.
    """

    def __init__(self, case: UseCase, classes: int, width: int | None = None, seed: int = 0):
        width = case.WIDTHS["student"] if width is None else width
        self.key = tf.Variable([0, 0], trainable=False, dtype=tf.int32)
        self.model = self._drawing(case.student(case.features.shape, classes, width, seed))
        self.begun = self.model.get_weights()
        variables = self.model.trainable_variables
        self.anchors = [tf.Variable(v, trainable=False) for v in variables]
        self.steps = tf.function(self._steps, autograph=False, reduce_retracing=True)
        self.scores = tf.function(
            lambda X: self.model(X, training=False), autograph=False, reduce_retracing=True
        )

    def _drawing(self, student):
        def by_key(layer):
            if not isinstance(layer, keras.layers.Dropout):
                return layer.__class__.from_config(layer.get_config())
            return Drawn(layer.rate, self.key, student.layers.index(layer), layer.name)

        model = keras.models.clone_model(student, clone_function=by_key)
        model.set_weights(student.get_weights())
        return model

    @property
    def normalization(self) -> tuple[int, ...]:
        """Which of `arrays()` belong to batch normalizations."""
        of, places = keras.layers.BatchNormalization, []
        for layer in self.model.layers:
            places += [isinstance(layer, of)] * len(layer.weights)
        return tuple(np.flatnonzero(places).tolist())

    def arrays(self) -> list[np.ndarray]:
        """Weights and batch statistics that a training begins with, float32, layer by layer.

        They are those of the seed, whatever was loaded or trained since.
        """
        return list(self.begun)

    def train(
        self,
        arrays: Sequence[np.ndarray],
        X: np.ndarray,
        y: np.ndarray,
        weights: np.ndarray,
        *,
        epochs: int,
        batch: int,
        rate: float,
        seed: int | Sequence[int],
        mu: float = 0.0,
    ) -> tuple[list[np.ndarray], float]:
        """What `epochs` over `X` (n, …) scaled, `y` (n,) make of `arrays`, and the last epoch's mean loss.

        `weights` (classes,) of the loss; `rate` of SGD; `mu` pulls back to `arrays` (FedProx; Li et al.,
        2020). The last batch of an epoch is filled with its first windows, so that all have one shape.
        """
        rng, per_epoch = np.random.default_rng(seed), -(-len(y) // batch)
        rows = [np.resize(rng.permutation(len(y)), (per_epoch, batch)) for _ in range(epochs)]
        self.key.assign(rng.integers(0, 2**31 - 1, 2))
        trained, losses = self._run(arrays, X, y, weights[y], np.concatenate(rows), rate, mu)
        return trained, float(losses[-per_epoch:].mean())

    def _run(self, arrays, X, y, weight, rows, rate, mu) -> tuple[list[np.ndarray], np.ndarray]:
        """`arrays` after a step for each of `rows` (steps, batch), and the steps' losses (steps,)."""
        self.load(arrays)
        for anchor, v in zip(self.anchors, self.model.trainable_variables, strict=True):
            anchor.assign(v)
        given = X.astype(np.float32), y, weight, rows
        losses = self.steps(
            *map(tf.constant, given), *(tf.constant(v, tf.float32) for v in (rate, mu))
        )
        return self.model.get_weights(), losses.numpy()

    def load(self, arrays: Sequence[np.ndarray]) -> None:
        """`arrays` into the model; a variance that a server's momentum carried below 0 is 0."""
        names = [v.name for v in self.model.weights]
        pairs = zip(names, arrays, strict=True)
        self.model.set_weights(
            [np.maximum(a, 0) if "moving_variance" in n else a for n, a in pairs]
        )

    def _steps(self, X, y, weight, rows, rate, mu):
        """The loss of each step (steps,), a step for each of `rows` (steps, batch)."""

        def step(i, losses):
            some = rows[i]
            x, target, w = (tf.gather(a, some) for a in (X, y, weight))
            return i + 1, losses.write(i, self._step(i, x, target, w, rate, mu))

        count = tf.shape(rows)[0]
        losses = tf.TensorArray(tf.float32, count)
        _, losses = tf.while_loop(
            lambda i, _: i < count, step, (tf.constant(0), losses), parallel_iterations=1
        )
        return losses.stack()

    def _step(self, _, x, y, weight, rate, mu):
        variables = self.model.trainable_variables
        self.key.assign_add([1, 0])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(cross_entropy(y, self.model(x, training=True)) * weight)
            whole = loss + tf.add_n(self.model.losses) if self.model.losses else loss
        gradients = tape.gradient(whole, variables)
        for v, g, anchor in zip(variables, gradients, self.anchors, strict=True):
            v.assign_sub(rate * (g + mu * (v - anchor)))
        return loss

    def predict(self, arrays: Sequence[np.ndarray], X: np.ndarray) -> np.ndarray:
        """(n,) class indices that `arrays` give scaled features `X` (n, …)."""
        self.load(arrays)
        parts = (X[i : i + AT_ONCE].astype(np.float32) for i in range(0, len(X), AT_ONCE))
        return np.concatenate(
            [self.scores(p).numpy().argmax(axis=1) for p in map(tf.constant, parts)]
        )
