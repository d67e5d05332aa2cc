"""Keras models in, int8 `.tflite` out: quantized as they are, or made smaller first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.api.arrays import ShownBytes, batch, floats, labels
from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.learn.compression import CompressedModel


STEPS = (
    "distil",
    "channels",
    "prune",
    "cluster",
    "qat",
)  # of learn.compression's, those of a model that is there


class TfliteModel(ShownBytes):
    """The bytes of a `.tflite`; a notebook shows its operators."""

    kind = ".tflite"

    def shown(self) -> str:
        """The operators, as HTML."""
        from edgekit import export

        return export.read(self)._repr_html_()


def quantize(model: Any, X: Any) -> TfliteModel:
    """A trained Keras model as a `.tflite` that is int8 throughout, by post-training quantization.

    model: a Keras 2 or 3 model with one input and one output. X: (n, *model.input_shape[1:]), the calibration
    set: float inputs as the model sees them in use, some hundred of all classes; the ranges of all
    activations are read off them. No labels are needed.

    Returns the file's bytes, of batch 1: int8 in, int8 out, `real = scale * (int8 - zero point)`.

    Raises EdgekitError for what is no Keras model, and for an X of another shape, without rows, that is not
    numeric, or with NaN or infinity; for a recurrent layer that is not unrolled. Source: Jacob et al.,
    "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (2018).
    """
    from edgekit import learn

    return TfliteModel(learn.quantize(model, floats(X, input_shape(model), "X")))


def compress(
    model: Any,
    X: Any,
    y: Any,
    *,
    steps: Sequence[str] = ("prune", "qat"),
    teacher: Any = None,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    channels: float = 0.5,
    sparsity: float = 0.5,
    clusters: int = 16,
    epochs: int = 8,
    finish: int = 4,
    seed: int = 0,
) -> CompressedModel:
    """A trained classifier made smaller in `steps`, each followed by some training, then int8.

    model: a Keras 2 or 3 model with one input and one output per class, logits or softmax; it stays as it is.
    X: (n, *model.input_shape[1:]) float, the training inputs. y: (n,) class indices from 0.
    steps: some of these, in this order; () only quantizes.
        "distil"    learns the teacher's answers, for `epochs`
        "channels"  takes the least important channels away, until a share `channels` of the weights is gone,
                    and trains for `epochs`
        "prune"     sets a share `sparsity` of the weights to zero, over `finish` epochs
        "cluster"   leaves `clusters` different weights in a layer, over `finish` epochs
        "qat"       trains through the rounding of int8, for `finish` epochs; without it the model is
                    quantized afterwards, as `quantize` does
    teacher: a larger Keras model of the same inputs and classes; every training then learns its answers
        beside the labels (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015).
    augment: augment(X, rng) varies a batch of inputs before each epoch; same shape.
    seed: same seed, same bytes on the same kind of processor.

    Returns a `CompressedModel`: `tflite` (bytes, int8 throughout, logits out), `model` (Keras 2), `seconds`.

    Raises EdgekitError for unknown steps or another order, for arrays that do not fit (see `quantize`), for
    labels that are no class indices or all the same, and for models that Keras 2, which pruning and training
    through the rounding need, cannot rebuild or does not know how to compress.
    """
    from edgekit import learn
    from edgekit.data.windows import Windows
    from edgekit.learn.conversion import check_unrolled
    from edgekit.learn.keras3 import to_legacy
    from edgekit.learn.legacy import clone

    wanted = (steps,) if isinstance(steps, str) else tuple(steps)
    if wanted != tuple(s for s in STEPS if s in wanted):
        raise EdgekitError(f"steps {wanted} are not some of {', '.join(STEPS)}, in this order")
    if "distil" in wanted and teacher is None:
        raise EdgekitError("the step 'distil' needs a teacher: teacher=model, a larger one")
    for name, value in (("channels", channels), ("sparsity", sparsity)):
        if not 0 < value < 1:
            raise EdgekitError(f"{name}={value} is a share of the weights, between 0 and 1")
    if min(clusters - 1, epochs, finish) < 1:
        raise EdgekitError("epochs and finish are at least 1, clusters at least 2")
    inputs = floats(X, input_shape(model), "X")
    check_unrolled(model)
    start = to_legacy(model)
    names = tuple(str(k) for k in range(start.output_shape[-1]))
    rows = np.array([str(i) for i in range(len(inputs))])
    windows = Windows(
        X=inputs,
        y=labels(y, len(inputs), len(names)),
        classes=names,
        group=rows,
        domain=np.full(len(rows), ""),
        origin=rows,
        rate=1.0,
    )
    taught = None if teacher is None else learn.Distillation(_teacher(teacher, start), as_given)
    # a student that is first taught begins as a copy of the model, the others as the model itself
    how = {"build": lambda *_: clone(start)} if "distil" in wanted else {"start": start}
    return learn.compress(
        wanted,
        windows,
        as_given,
        **how,
        seed=seed,
        distil=taught,
        augment=augment,
        copies=2 if augment else 1,
        channels=channels,
        sparsity=sparsity,
        clusters=clusters,
        epochs=epochs,
        finish=finish,
    )


def as_given(X: np.ndarray) -> np.ndarray:
    """`X` (n, …) as it is: there is nothing to preprocess."""
    return X


def input_shape(model: Any) -> tuple[int, ...]:
    """Of one input, the batch left out. Raises EdgekitError for what is no Keras model with one input."""
    shape = getattr(model, "input_shape", None)
    if not hasattr(model, "get_weights") or not isinstance(shape, tuple):
        raise EdgekitError(
            f"a built Keras model with one input is needed, not {type(model).__name__} "
            "(one that was never built is built by a call on a batch)"
        )
    if None in shape[1:] or isinstance(shape[0], tuple):
        raise EdgekitError(f"the model takes {shape}: give it one input of a fixed shape")
    return tuple(int(n) for n in shape[1:])


def _teacher(teacher: Any, student: Any) -> Any:
    from edgekit.learn.keras3 import to_legacy

    if input_shape(teacher) != input_shape(student):
        raise EdgekitError(
            f"the teacher takes {batch(input_shape(teacher))}, the model {batch(input_shape(student))}"
        )
    taught = to_legacy(teacher)
    if taught.output_shape != student.output_shape:
        raise EdgekitError(
            f"the teacher tells {taught.output_shape[-1]} classes apart, the model "
            f"{student.output_shape[-1]}"
        )
    return taught
