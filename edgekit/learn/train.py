"""Training, and how big the teacher has to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.progress import progress
from edgekit.data.splits import Split
from edgekit.data.windows import Windows
from edgekit.learn.augmentation_cache import AugmentationCache, AugmentedEpochs
from edgekit.learn.scores import balanced_accuracy

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Distillation:
    """What a student learns from besides the labels: the teacher's soft targets.

    `teacher` a trained Keras model, `preprocess` gives its input of raw windows; `temperature` flattens its
    probabilities, `weight` 0…1 is how much they count against the labels. `hint` above 0 also asks the
    student to guess what the teacher's last layer was given, and weighs the squared error of that guess.
    """

    teacher: Any
    preprocess: Callable
    temperature: float = 3.0
    weight: float = 0.7
    hint: float = 0.0


@dataclass(frozen=True)
class Fit:
    """A trained model, its loss after each epoch, and what it cost in seconds."""

    model: Any
    loss: list[float] = field(repr=False)
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(self.model.name)}</b>: {self.model.count_params():,} parameters, "
            f"{len(self.loss)} epochs in {self.seconds:.1f} s, "
            f"loss {self.loss[0]:.3f} → {self.loss[-1]:.3f}"
        )


def fit(
    model: Any,
    windows: Windows,
    preprocess: Callable,
    *,
    seed: int,
    augment: Callable | None = None,
    epochs: int = 8,
    copies: int = 2,
    batch: int = 32,
    rate: float = 4e-3,
    balance: float = 1.0,
    distil: Distillation | None = None,
    cache: AugmentationCache | None = None,
) -> Fit:
    """Train a Keras `model` in place on `windows`, each class weighing the same.

    `preprocess` (n, time, channel) -> the model's inputs (n, …); `augment(X, rng)` varies raw windows.
    `balance` below 1 lets frequent classes weigh more: a class of n windows weighs as n^(1 - balance).

    Each of `epochs` has `copies` fresh variations of every window, in batches of `batch`; `rate` is that of
    the first batch; trainings that are given the same `cache` spare each other the drawing. With `distil`,
    the teacher is given the very same variation (Hinton et al., 2015). Adam with cosine decay. Same seed,
    same weights. Raises EdgekitError for windows that are empty, of a single class or not finite.
    """
    from edgekit.learn import legacy
    from edgekit.learn.training import Training

    check_windows(windows)
    start = time.perf_counter()
    present, counts = np.unique(windows.y, return_counts=True)
    weights = np.zeros(len(windows.classes), np.float32)
    weights[present] = counts ** -float(balance)
    weights[present] *= len(windows) / (weights[present] * counts).sum()
    given = windows, preprocess, augment, seed, copies
    drawn = cache.of(*given) if cache else AugmentedEpochs(*given)
    loss, trained = legacy.cross_entropy, model
    if distil:
        classes, hint = len(windows.classes), distil.hint
        loss = legacy.distillation_loss(classes, distil.temperature, distil.weight, hint)
        soft_targets = _soft_target_function(distil, windows)
        if hint:
            trained = legacy.with_hint_head(model, soft_targets(windows.X[:1]).shape[1] - classes)
    steps = epochs * -(-drawn.copies * len(windows) // batch)
    training = Training(trained, loss, rate, steps)
    teacher = f"{legacy.fingerprint(distil.teacher)}{'h' if distil.hint else ''}" if distil else ""
    losses = []
    for number in progress(range(epochs), f"training {model.name}"):
        rows, inputs = drawn.epoch(number)
        target = y = windows.y[rows]
        if distil:
            one_hot = np.eye(len(windows.classes), dtype=np.float32)[y]
            soft = drawn.soft_targets(number, soft_targets, teacher)
            target = np.concatenate([one_hot, soft], axis=1)
        losses.append(training.epoch(inputs, target, weights[y], batch))
    return Fit(model, losses, time.perf_counter() - start)


def check_windows(windows: Windows) -> None:
    """Raises EdgekitError for windows that nothing can be trained on."""
    classes = len(np.unique(windows.y))
    if classes < 2:
        raise EdgekitError(f"training needs windows of two classes or more, these hold {classes}")
    if not np.isfinite(windows.X).all():
        raise EdgekitError(
            "training windows hold NaN; inspect() the recordings and keep() the rest"
        )


def _soft_target_function(distil: Distillation, windows: Windows) -> Callable:
    """Raw windows (n, …) -> the teacher's logits (n, k), with `hint` and its standardized last features."""
    from edgekit.learn import legacy

    if not distil.hint:
        return lambda X: legacy.logits(distil.teacher, distil.preprocess(X))
    model, k = legacy.with_penultimate(distil.teacher), len(windows.classes)
    usual = legacy.logits(model, distil.preprocess(windows.X))[:, k:]
    mean, spread = usual.mean(axis=0), usual.std(axis=0) + 1e-3

    def soft_targets(X):
        both = legacy.logits(model, distil.preprocess(X))
        return np.concatenate([both[:, :k], (both[:, k:] - mean) / spread], axis=1)

    return soft_targets


def width_sweep(
    build: Callable,
    windows: Windows,
    folds: Sequence[Split],
    preprocess: Callable,
    widths: Sequence[int],
    *,
    seed: int,
    **how: Any,
) -> pd.DataFrame:
    """`build(input_shape, classes, width, seed)` at each of `widths`, trained and tested on every fold.

    `folds` are Splits (train is fitted, test is scored), `preprocess` gives the network's inputs. Columns:
    width, parameters, tflite_bytes (float32), balanced_accuracy (mean of folds), lowest (fold), seconds.
    `how` goes to `fit`.
    """
    import pandas as pd

    from edgekit.learn import legacy
    from edgekit.learn.models import predict_classes

    shape = preprocess(windows.X[:1]).shape[1:]
    scores: dict[int, list] = {w: [] for w in widths}
    seconds, models = dict.fromkeys(widths, 0.0), {}
    for fold in progress(folds, "folds"):
        cache, train, test = AugmentationCache(), windows[fold.train], windows[fold.test]
        for width in widths:
            start = time.perf_counter()
            model = models[width] = build(shape, len(windows.classes), width, seed)
            fit(model, train, preprocess, seed=seed, cache=cache, **how)
            predicted = predict_classes(model, preprocess, test.X)
            scores[width].append(balanced_accuracy(test.y, predicted))
            seconds[width] += time.perf_counter() - start
    rows = [
        {
            "width": width,
            "parameters": models[width].count_params(),
            "tflite_bytes": len(legacy.convert(models[width])),
            "balanced_accuracy": float(np.mean(scores[width])),
            "lowest": min(scores[width]),
            "seconds": round(seconds[width], 1),  # the first of a fold draws for the others
        }
        for width in widths
    ]
    return pd.DataFrame(rows)


def smallest_within(sweep: pd.DataFrame, points: float = 0.003) -> int:
    """The narrowest width whose accuracy is within `points` (a fraction) of the best."""
    enough = sweep.balanced_accuracy >= sweep.balanced_accuracy.max() - points - 1e-9
    return int(sweep[enough].width.min())
