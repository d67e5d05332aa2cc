"""The one training loop: batches in order, Adam whose rate falls to 0 as a cosine. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgekit.learn.legacy import as_written, keras, tf


class Loop:
    """Adam on `variables`, its rate falling from `rate` to 0 as a cosine over `batches`.

    `losses(*batch)` gives a loss (n,) for each row of a batch, weighted; `penalty()`, if there is one, what
    is added to their mean. `kept` has a variable of ones and zeros for each of `variables`: where it is 0,
    they are held at 0. One traced step instead of Keras' `fit`, which takes two to three times as long to
    get going: with networks this small, getting going is most of the time.
    """

    def __init__(
        self,
        variables: Sequence,
        losses: Callable,
        rate: float,
        batches: int,
        *,
        penalty: Callable | None = None,
        kept: Sequence = (),
    ):
        schedule = keras.optimizers.schedules.CosineDecay(rate, max(1, batches))
        self.variables, self.losses, self.penalty, self.kept = variables, losses, penalty, kept
        self.adam = keras.optimizers.Adam(schedule)
        self.adam.build(variables)
        self.step: Callable | None = None  # traced once it is known what a row looks like

    def epoch(
        self, arrays: Sequence[np.ndarray], batch: int, before: Callable | None = None
    ) -> float:
        """One pass over rows of `arrays` (n, …) in the given order; returns the mean loss.

        `before(i)` is called before the batch that begins with row i.
        """
        total, n = 0.0, len(arrays[0])
        if self.step is None:  # rows of any number: the last, shorter batch is not traced again
            rows = [tf.TensorSpec((None, *a.shape[1:]), a.dtype) for a in arrays]
            self.step = tf.function(as_written(self._step), rows, autograph=False)
        for i in range(0, n, batch):
            if before:
                before(i)
            total += self.step(*(tf.constant(a[i : i + batch]) for a in arrays))
        return float(total) / n

    def _step(self, *batch):
        with tf.GradientTape() as tape:
            each = self.losses(*batch)
            loss = tf.reduce_mean(each)
            extra = self.penalty() if self.penalty else None
            if extra is not None:
                loss += extra
        gradients = tape.gradient(loss, self.variables)
        if self.kept:
            gradients = [g * k for g, k in zip(gradients, self.kept, strict=True)]
        self.adam.apply_gradients(zip(gradients, self.variables, strict=True))
        for v, k in zip(self.variables, self.kept, strict=False):
            v.assign(v * k)  # Adam's momentum goes on after the gradient has stopped
        return tf.reduce_sum(each)


class Training:
    """The Loop of a Keras `model`, trained in place; `loss(target, answer)` gives (n,).

    A model that is being pruned (`legacy.prunable`) loses its weights on the way.
    """

    def __init__(self, model, loss: Callable, rate: float, batches: int):
        def losses(x, target, weight):
            return loss(target, model(x, training=True)) * weight

        def penalty():
            return tf.add_n(model.losses) if model.losses else None

        self.loop = Loop(model.trainable_variables, losses, rate, batches, penalty=penalty)
        self.pruning = _pruning(model)

    def epoch(self, x: np.ndarray, target: np.ndarray, weight: np.ndarray, batch: int) -> float:
        """One pass over inputs `x` (n, …) in the given order; the mean loss. `weight` (n,) of each row."""
        before = self.pruning.on_train_batch_begin if self.pruning else None
        mean = self.loop.epoch((x, target, np.asarray(weight, np.float32)), batch, before)
        if self.pruning:
            self.pruning.on_epoch_end(0)
        return mean


def _pruning(model):
    """The callback that moves the pruning's schedule on, or None where nothing is pruned."""
    from tensorflow_model_optimization.python.core.sparsity.keras import pruning_wrapper

    if not any(isinstance(layer, pruning_wrapper.PruneLowMagnitude) for layer in model.layers):
        return None
    from tensorflow_model_optimization.sparsity.keras import UpdatePruningStep

    callback = UpdatePruningStep()
    callback.set_model(model)
    callback.on_train_begin()
    return callback
