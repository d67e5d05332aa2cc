"""What only legacy Keras can do, in one place: training, fake quantization, pruning, conversion.

tensorflow-model-optimization works on `tf_keras` models, not on Keras 3. Whoever replaces it
replaces this file. Importing it imports TensorFlow (some seconds), so the other modules do so inside
functions.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.interrupts import defer_interrupt


@contextmanager
def quiet():
    """TensorFlow without its chatter, from C++ too; if the block raises, its output is shown."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as output, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(output.fileno(), 2)
        try:
            yield
        except BaseException:
            output.seek(0)
            os.write(kept, output.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with defer_interrupt("TensorFlow is loading"), quiet():
    import tensorflow as tf
    import tf_keras as keras

tf.get_logger().setLevel(logging.ERROR)
logging.getLogger("absl").setLevel(logging.ERROR)  # the converter deplores the very path we want
# Keras rewrites each layer's Python for loops over tensors, even where `tf.function` is told not to. No layer
# of ours has any, and the rewriting takes longer than the training of a network this small.
as_written = tf.autograph.experimental.do_not_convert


def seed_everything(seed: int) -> None:
    """Same seed, same weights, same `.tflite` bytes on the same kind of CPU.

    Layers are numbered from one again, because their names end up in the file.
    """
    keras.backend.reset_uids()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


# ------------------------------------------------------------------------------------- training


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Loss (n,) of `logits` (n, k) against the class indices `labels` (n,)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def distillation_loss(classes: int, temperature: float, weight: float, hint: float = 0.0):
    """Loss of `[logits (k), guess (d)]` against `[one-hot (k), teacher's logits (k), its hint (d)]`.

    `weight` goes to the teacher's softened answers, the rest to the labels; the softened part is
    multiplied by T² so that its gradient does not shrink with T. Hinton, Vinyals, Dean, "Distilling
    the Knowledge in a Neural Network" (2015). `hint` weighs the squared distance of the guess, which is
    not there (d = 0) unless the model is `with_hint_head`.
    """
    k = classes

    def loss(target, answer):
        labels, teacher, logits = target[:, :k], target[:, k : 2 * k], answer[:, :k]
        hard = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        soft = tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(teacher / temperature), logits / temperature
        )
        both = (1 - weight) * hard + weight * temperature**2 * soft
        if not hint:
            return both
        away = tf.reduce_mean(tf.square(answer[:, k:] - target[:, 2 * k :]), axis=1)
        return both + hint * away

    return loss


def with_penultimate(model):
    """`model` with what its last layer is given behind its logits: (n, …) -> (n, k + d)."""
    both = keras.layers.Concatenate()([model.output, model.layers[-1].input])
    return keras.Model(model.input, both)


def with_hint_head(model, size: int):
    """`model`, the same layers, with a guess of `size` teacher's values behind its logits: (n, k + size).

    A dense layer makes the guess of what the last layer is given; it is thrown away after training.
    Romero et al., "FitNets: Hints for Thin Deep Nets" (2015).
    """
    guess = keras.layers.Dense(size)(model.layers[-1].input)
    return keras.Model(model.input, keras.layers.Concatenate()([model.output, guess]))


def logits(model, x: np.ndarray) -> np.ndarray:
    """(n, …) -> (n, k) float32."""
    parts = [model(x[i : i + 256], training=False).numpy() for i in range(0, len(x), 256)]
    return np.concatenate(parts)


def fingerprint(model) -> str:
    """The same for the same weights."""
    text = hashlib.sha256()
    for weights in model.get_weights():
        text.update(np.ascontiguousarray(weights).tobytes())
    return text.hexdigest()[:16]


def reverse_gradient(x, strength):
    """`x` unchanged on the way forward; on the way back its gradient times -`strength`.

    The layer that makes features useless to whoever stands behind it: Ganin et al., "Domain-Adversarial
    Training of Neural Networks" (JMLR 2016).
    """

    @tf.custom_gradient
    def turned(x):
        return tf.identity(x), lambda gradient: -strength * gradient

    return turned(x)


@as_written
def clone(model):
    """An independent copy with the same weights."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


# ------------------------------------------------------------------------ pruning, quantization


@as_written
def prunable(model, sparsity: float, steps: int):
    """A copy whose smallest weights fade to zero over the first two thirds of `steps` batches.

    Sparsity rises as a cubic (Zhu & Gupta, "To prune, or not to prune", 2017). Train it by
    `training.Training`, then `unwrap`.
    """
    with quiet():
        from tensorflow_model_optimization.sparsity import keras as sparsity_keras

        often = min(5, max(1, steps // 6))  # a short training must get there, too
        schedule = sparsity_keras.PolynomialDecay(
            0.0, sparsity, begin_step=0, end_step=max(1, 2 * steps // 3), frequency=often
        )
        return sparsity_keras.prune_low_magnitude(clone(model), pruning_schedule=schedule)


@as_written
def clusterable(model, clusters: int, keep_zeros: bool = False):
    """A copy of which each layer has `clusters` different weights (Han et al., "Deep Compression", 2016).

    Train it by `training.Training`, then `unwrap`. `keep_zeros` keeps pruned weights at zero.
    """
    with quiet():
        from tensorflow_model_optimization.clustering import keras as clustering
        from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster

        how = {
            "number_of_clusters": clusters,
            "cluster_centroids_init": clustering.CentroidInitialization.KMEANS_PLUS_PLUS,
        }
        if keep_zeros:
            return cluster.cluster_weights(clone(model), preserve_sparsity=True, **how)
        return clustering.cluster_weights(clone(model), **how)


@as_written
def unwrap(model):
    """The plain network inside a pruned or clustered one; zeros and clusters stay."""
    from tensorflow_model_optimization.clustering.keras import strip_clustering
    from tensorflow_model_optimization.sparsity.keras import strip_pruning

    return strip_clustering(strip_pruning(model))


@as_written
def quantization_aware(model, seen: np.ndarray, keep: tuple[str, ...] = ()):
    """A copy that rounds weights and activations as int8 will, for training through the rounding.

    Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference" (2018). `seen` (n, …): inputs, whose activations' ranges it begins with. `keep`, of "prune" and
    "cluster": what training must not undo. Raises EdgekitError for a layer that it does not know.
    """
    with quiet():
        import tensorflow_model_optimization as tfmot

        annotated = tfmot.quantization.keras.quantize_annotate_model(clone(model))
        combine = tfmot.experimental.combine
        scheme = {
            (): tfmot.quantization.keras.default_8bit.Default8BitQuantizeScheme,
            ("prune",): combine.Default8BitPrunePreserveQuantizeScheme,
            ("cluster",): combine.Default8BitClusterPreserveQuantizeScheme,
            ("prune", "cluster"): lambda: combine.Default8BitClusterPreserveQuantizeScheme(True),
        }[tuple(keep)]
        try:
            aware = tfmot.quantization.keras.quantize_apply(annotated, scheme())
        except (RuntimeError, ValueError) as error:
            raise EdgekitError(
                f"no training through the rounding for this model, leave 'qat' out: {error}"
            ) from None
    _begin_ranges(aware, model, seen)
    return aware


def _begin_ranges(aware, model, seen: np.ndarray) -> None:
    """The ranges of inputs and of layers' outputs as post-training quantization would fit them.

    tfmot begins with ±6 and lets a thousandth of that go with each batch: after a short training half of the
    256 steps would stand for negative numbers, which no ReLU gives. What it has split or renamed (separable
    convolutions) begins so still.
    """
    model = clone(model)  # stripped layers remember the graph that they were in
    outputs = keras.Model(model.input, {layer.name: layer.output for layer in model.layers})
    given = {f"quant_{name}": y for name, y in outputs(seen, training=False).items()}
    for layer in aware.layers:
        y = seen if layer.name.startswith("quantize_layer") else given.get(layer.name)
        low, high = (0, 0) if y is None else (min(0, np.min(y)), max(0, np.max(y)))
        if low == high:
            continue  # nothing is known, or it is always 0
        for variable in layer.weights:
            name = variable.name.split("/")[-1].removesuffix(":0")
            if name.startswith(("quantize_layer", "output", "post_activation")):
                variable.assign(low if name.endswith("_min") else high)


def convert(model, calibration: np.ndarray | None = None, int8: bool = False, scheme: str = ""):
    """The model as a `.tflite` of batch 1, bytes.

    `calibration` (n, …) float inputs: int8 throughout by post-training quantization. `int8=True`
    without calibration: the model is quantization-aware and brings its ranges. Neither: float32.
    `scheme` "int16": int8 weights, int16 activations (with `calibration`); "dynamic": int8 weights,
    float activations, whose range is found at run time.
    """
    with quiet():
        # a frozen graph: `from_keras_model` writes and reads a SavedModel first, ten times slower
        given = tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, name="input")
        answer = as_written(lambda x: model(x, training=False))
        graph = tf.function(answer, autograph=False).get_concrete_function(given)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
        sets = tf.lite.OpsSet
        if calibration is not None:
            converter.representative_dataset = lambda: ([row[None]] for row in calibration)
            converter.target_spec.supported_ops = [
                sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
                if scheme == "int16"
                else sets.TFLITE_BUILTINS_INT8
            ]
        if calibration is not None or int8 or scheme:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if (calibration is not None or int8) and not scheme:
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return converter.convert()


# ---------------------------------------------------------------------------------------- files


def save(model, path: Path | str) -> None:
    """The whole model as HDF5, the one format that quantization-aware models survive."""
    with quiet():
        model.save(str(path), save_format="h5", include_optimizer=False)


@as_written
def load(path: Path | str):
    """A model that `save` wrote, pruned and quantization-aware ones included."""
    with quiet():
        import tensorflow_model_optimization as tfmot

        with tfmot.sparsity.keras.prune_scope(), tfmot.quantization.keras.quantize_scope():
            return keras.models.load_model(str(path), compile=False)
