"""What only legacy Keras can do, in one place: training, fake quantization, pruning, conversion.

tensorflow-model-optimization works on `tf_keras` models, not on Keras 3. Whoever replaces it
replaces this file. Importing it imports TensorFlow (some seconds), so the other modules do so inside
functions.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def quiet():
    """TensorFlow without its chatter, from C++ too; if the block raises, what it said is shown."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as heard, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(heard.fileno(), 2)
        try:
            yield
        except BaseException:
            heard.seek(0)
            os.write(kept, heard.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with quiet():
    import tensorflow as tf
    import tf_keras as keras

tf.get_logger().setLevel(logging.ERROR)


def seed_everything(seed: int) -> None:
    """Same seed, same weights, same `.tflite` bytes on the same kind of CPU.

    Layers are numbered from one again, because their names end up in the file.
    """
    keras.backend.reset_uids()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


# ------------------------------------------------------------------------------------- training


def cross_entropy(labels, logits):
    """Loss (n,) of logits (n, k) against class indices (n,)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def distillation_loss(temperature: float, weight: float):
    """Loss of logits (n, k) against `[one-hot, teacher's logits]` (n, 2k).

    `weight` goes to the teacher's softened answers, the rest to the labels; the softened part is
    multiplied by T² so that its gradient does not shrink with T. Hinton, Vinyals, Dean, "Distilling
    the Knowledge in a Neural Network" (2015).
    """

    def loss(target, logits):
        labels, told = tf.split(target, 2, axis=-1)
        hard = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        soft = tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(told / temperature), logits / temperature
        )
        return (1 - weight) * hard + weight * temperature**2 * soft

    return loss


class Training:
    """Adam on `model` in place, its rate falling from `rate` to 0 as a cosine over `steps` batches.

    `loss(target, answer)` gives (n,). One traced step instead of Keras' `fit`, which takes two to three
    times as long to get going: with networks this small, getting going is most of the time.
    """

    def __init__(self, model, loss: Callable, rate: float, steps: int):
        schedule = keras.optimizers.schedules.CosineDecay(rate, max(1, steps))
        self.model, self.loss, self.adam = model, loss, keras.optimizers.Adam(schedule)
        self.adam.build(model.trainable_variables)
        self.step = tf.function(self._step, autograph=False, reduce_retracing=True)
        self.pruning = None
        if any("prune_low_magnitude" in layer.name for layer in model.layers):
            from tensorflow_model_optimization.sparsity.keras import UpdatePruningStep

            self.pruning = UpdatePruningStep()
            self.pruning.set_model(model)
            self.pruning.on_train_begin()

    def epoch(self, x, target, weight, batch: int) -> float:
        """One pass in the given order; returns the mean loss. `weight` (n,), one for each row."""
        total, weight = 0.0, np.asarray(weight, np.float32)
        for i in range(0, len(x), batch):
            if self.pruning:
                self.pruning.on_train_batch_begin(i)
            part = slice(i, i + batch)
            given = (tf.constant(v[part]) for v in (x, target, weight))
            total += self.step(*given)
        if self.pruning:
            self.pruning.on_epoch_end(0)
        return float(total) / len(x)

    def _step(self, x, target, weight):
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            each = self.loss(target, self.model(x, training=True)) * weight
            loss = tf.reduce_mean(each)
            if self.model.losses:
                loss += tf.add_n(self.model.losses)
        self.adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return tf.reduce_sum(each)


def logits(model, x: np.ndarray) -> np.ndarray:
    """(n, …) -> (n, k) float32."""
    parts = [model(x[i : i + 256], training=False).numpy() for i in range(0, len(x), 256)]
    return np.concatenate(parts)


def reverse_gradient(x, strength):
    """`x` unchanged on the way forward; on the way back its gradient times -`strength`.

    The layer that makes features useless to whoever stands behind it: Ganin et al., "Domain-Adversarial
    Training of Neural Networks" (JMLR 2016).
    """

    @tf.custom_gradient
    def turned(x):
        return tf.identity(x), lambda gradient: -strength * gradient

    return turned(x)


def clone(model):
    """An independent copy with the same weights."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


# ------------------------------------------------------------------------ pruning, quantization


def prunable(model, sparsity: float, steps: int):
    """A copy whose smallest weights fade to zero over the first two thirds of `steps` batches.

    Sparsity rises as a cubic (Zhu & Gupta, "To prune, or not to prune", 2017). Train it by `Training`,
    then `stripped`.
    """
    with quiet():
        from tensorflow_model_optimization.sparsity import keras as sparsity_keras

        schedule = sparsity_keras.PolynomialDecay(
            0.0, sparsity, begin_step=0, end_step=max(1, 2 * steps // 3), frequency=5
        )
        return sparsity_keras.prune_low_magnitude(clone(model), pruning_schedule=schedule)


def stripped(model):
    """The plain network inside a pruned one; its zeros stay."""
    from tensorflow_model_optimization.sparsity.keras import strip_pruning

    return strip_pruning(model)


def quantization_aware(model, keep_zeros: bool = False):
    """A copy that rounds weights and activations as int8 will, for training through the rounding.

    Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference" (2018). `keep_zeros` keeps pruned weights at zero.
    """
    with quiet():
        import tensorflow_model_optimization as tfmot

        annotated = tfmot.quantization.keras.quantize_annotate_model(clone(model))
        scheme = tfmot.quantization.keras.default_8bit.Default8BitQuantizeScheme()
        if keep_zeros:
            scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
        return tfmot.quantization.keras.quantize_apply(annotated, scheme)


def convert(model, calibration: np.ndarray | None = None, int8: bool = False) -> bytes:
    """The model as a `.tflite` of batch 1.

    `calibration` (n, …) float inputs: int8 throughout by post-training quantization. `int8=True`
    without calibration: the model is quantization-aware and brings its ranges. Neither: float32.
    """
    with quiet():
        # a frozen graph: `from_keras_model` writes and reads a SavedModel first, ten times slower
        given = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, name="input")
        graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(given)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
        if calibration is not None:
            converter.representative_dataset = lambda: ([row[None]] for row in calibration)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if calibration is not None or int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


# ---------------------------------------------------------------------------------------- files


def save(model, path: Path | str) -> None:
    """The whole model as HDF5, the one format that quantization-aware models survive."""
    with quiet():
        model.save(str(path), save_format="h5", include_optimizer=False)


def load(path: Path | str):
    """A model that `save` wrote, pruned and quantization-aware ones included."""
    with quiet():
        import tensorflow_model_optimization as tfmot

        with tfmot.sparsity.keras.prune_scope(), tfmot.quantization.keras.quantize_scope():
            return keras.models.load_model(str(path), compile=False)
