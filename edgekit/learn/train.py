"""Training, scoring, and how big the teacher has to be."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.learn.augmentation_cache import AugmentationCache, AugmentedEpochs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Distillation:
    """What a student is told besides the labels: the teacher's softened answers.

    `teacher` a trained model, `preprocess` its view of a raw window; `temperature` flattens its answers,
    `weight` 0…1 is how much they count against the labels. `hint` above 0 also asks the student to guess
    what the teacher's last layer was given, and weighs the squared error of that guess.
    """

    teacher: object
    preprocess: Callable
    temperature: float = 3.0
    weight: float = 0.7
    hint: float = 0.0


@dataclass(frozen=True)
class Fit:
    """A trained model, its loss after each epoch, and what it cost in seconds."""

    model: object
    loss: list[float] = field(repr=False)
    seconds: float = 0.0

    def _repr_html_(self) -> str:
        return (
            f"<b>{escape(self.model.name)}</b>: {self.model.count_params():,} parameters, "
            f"{len(self.loss)} epochs in {self.seconds:.1f} s, "
            f"loss {self.loss[0]:.3f} → {self.loss[-1]:.3f}"
        )


def fit(
    model,
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
    augmentation_cache: AugmentationCache | None = None,
) -> Fit:
    """Train `model` in place on `windows`, each class weighing the same.

    `balance` below 1 lets frequent classes weigh more: a class of n windows weighs as n^(1 - balance).

    Each epoch hears `copies` fresh `AugmentedEpochs` of every window; trainings that are given the same
    `augmentation_cache`
    spare each other the drawing. With `distil`, the teacher hears the very same variation (Hinton et
    al. 2015). Adam with cosine decay. Same seed, same weights.
    Raises EdgekitError for windows that are empty, of a single class or not finite.
    """
    from edgekit.learn import legacy

    present, counts = np.unique(windows.y, return_counts=True)
    if len(present) < 2:
        raise EdgekitError(
            f"training needs windows of two classes or more, these hold {len(present)}"
        )
    if not np.isfinite(windows.X).all():
        raise EdgekitError(
            "training windows hold NaN; inspect() the recordings and keep() the rest"
        )
    start = time.perf_counter()
    weights = np.zeros(len(windows.classes), np.float32)
    weights[present] = counts ** -float(balance)
    weights[present] *= len(windows) / (weights[present] * counts).sum()
    given = windows, preprocess, augment, seed, copies
    drawn = augmentation_cache.of(*given) if augmentation_cache else AugmentedEpochs(*given)
    loss, trained = legacy.cross_entropy, model
    if distil:
        classes, hint = len(windows.classes), distil.hint
        loss = legacy.distillation_loss(classes, distil.temperature, distil.weight, hint)
        tell = _soft_target_function(distil, windows)
        trained = (
            legacy.with_hint_head(model, tell(windows.X[:1]).shape[1] - classes) if hint else model
        )
    steps = epochs * -(-drawn.copies * len(windows) // batch)
    training = legacy.Training(trained, loss, rate, steps)
    who = f"{legacy.fingerprint(distil.teacher)}{'h' if distil.hint else ''}" if distil else ""
    losses = []
    for number in progress(range(epochs), f"training {model.name}"):
        rows, inputs = drawn.epoch(number)
        target = y = windows.y[rows]
        if distil:
            one_hot = np.eye(len(windows.classes), dtype=np.float32)[y]
            soft_targets = drawn.soft_targets(number, tell, who)
            target = np.concatenate([one_hot, soft_targets], axis=1)
        losses.append(training.epoch(inputs, target, weights[y], batch))
    return Fit(model, losses, time.perf_counter() - start)


def _soft_target_function(distil: Distillation, windows: Windows) -> Callable:
    """What the teacher says of raw windows (n, …): its logits, with `hint` its standardized last features."""
    from edgekit.learn import legacy

    if not distil.hint:
        return lambda X: legacy.logits(distil.teacher, distil.preprocess(X))
    model, k = legacy.with_penultimate(distil.teacher), len(windows.classes)
    usual = legacy.logits(model, distil.preprocess(windows.X))[:, k:]
    mean, spread = usual.mean(axis=0), usual.std(axis=0) + 1e-3

    def tell(X):
        soft_targets = legacy.logits(model, distil.preprocess(X))
        return np.concatenate([soft_targets[:, :k], (soft_targets[:, k:] - mean) / spread], axis=1)

    return tell


@dataclass(frozen=True)
class Score:
    """How well a classifier did on windows that it had not heard, as `score` gives it.

    `balanced_accuracy` is the mean of the classes' recalls, `macro_f1` of their F1 scores; `low` and `high`
    bound the former at 95 %, both None where a class has a single group (`alone` names them): nobody knows
    how the next one would do. `precision` and `recall` by class, of those present; `confusion` (true,
    predicted) counts; `windows` and `groups`: how many were judged.
    """

    balanced_accuracy: float
    low: float | None
    high: float | None
    alone: tuple[str, ...]
    macro_f1: float
    precision: dict[str, float]
    recall: dict[str, float]
    confusion: tuple[tuple[int, ...], ...]
    windows: int
    groups: int


@dataclass(frozen=True)
class CrossValidation:
    """A recipe's `score` on all groups, each tested once by a network that has not heard it, and that of the
    teachers on the same folds, where it has any."""

    score: Score
    teacher: Score | None = None


def score(y_true, y_pred, classes, group=None, *, seed: int = 0, draws: int = 2000) -> Score:
    """How well it went.

    `y_true`, `y_pred` (n,) class indices; `group` (n,) what must be drawn together. The interval is that of
    `draws` bootstraps that draw whole groups, class by class, with replacement: windows of one recording are
    not independent witnesses. Raises EdgekitError where there are no windows.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if not len(y_true):
        raise EdgekitError("nothing to score: there are no windows")
    k = len(classes)
    confusion = np.zeros((k, k), int)
    np.add.at(confusion, (y_true, y_pred), 1)
    present = confusion.sum(axis=1) > 0
    recall = confusion.diagonal() / np.maximum(confusion.sum(axis=1), 1)
    precision = confusion.diagonal() / np.maximum(confusion.sum(axis=0), 1)
    f1 = 2 * confusion.diagonal() / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    group = np.arange(len(y_true)) if group is None else np.asarray(group)
    drawn = _bootstrap(y_true, y_pred, group, np.flatnonzero(present), seed, draws)
    alone = tuple(
        str(classes[c]) for c in np.flatnonzero(present) if len(set(group[y_true == c])) < 2
    )
    low, high = (None, None) if alone else map(float, np.quantile(drawn, [0.025, 0.975]))
    named = [str(c) for c in classes]
    return Score(
        balanced_accuracy=float(recall[present].mean()),
        low=low,
        high=high,
        alone=alone,
        macro_f1=float(f1[present].mean()),
        precision={c: float(r) for c, r, p in zip(named, precision, present, strict=True) if p},
        recall={c: float(r) for c, r, p in zip(named, recall, present, strict=True) if p},
        confusion=tuple(map(tuple, confusion.tolist())),
        windows=len(y_true),
        groups=len(set(group)),
    )


def paired_difference(
    y_true, first, second, group, *, level: float = 0.95, seed: int = 0, draws: int = 2000
) -> dict:
    """By how much `first`'s balanced accuracy is above `second`'s: {"mean", "low", "high"}, fractions.

    `first`, `second` (n,) or (seeds, n): answers to the same windows. Both are judged on the very same
    bootstraps of whole groups, so that what is hard for both does not count; `level` is the share of them
    between the bounds.
    """
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    both = []
    present = np.unique(y_true)
    for predicted in (first, second):
        y, of = np.tile(y_true, len(predicted)), np.tile(group, len(predicted))
        right = predicted.ravel() == y
        drawn = _bootstrap(y, predicted.ravel(), of, present, seed, draws)
        both.append((np.mean([right[y == c].mean() for c in present]), drawn))
    (mean, ones), (other, others) = both
    low, high = np.quantile(ones - others, [(1 - level) / 2, (1 + level) / 2])
    return {"mean": float(mean - other), "low": float(low), "high": float(high)}


def interval(score: Score) -> str:
    """The interval of a `score` in words: `"0.931 to 0.986"`, or why there is none."""
    if score.low is None or score.high is None:
        return f"interval unknown: one group of {', '.join(score.alone)}"
    return f"{score.low:.3f} to {score.high:.3f}"


def _bootstrap(y_true, y_pred, group, classes, seed, draws) -> np.ndarray:
    rng = np.random.default_rng(seed)
    total = np.zeros(draws)
    for c in classes:
        names, index = np.unique(group[y_true == c], return_inverse=True)
        hits = np.bincount(index, weights=(y_pred == c)[y_true == c])
        size = np.bincount(index)
        pick = rng.integers(0, len(names), (draws, len(names)))
        total += hits[pick].sum(axis=1) / size[pick].sum(axis=1)
    return total / len(classes)


def width_sweep(
    build: Callable, windows: Windows, folds, preprocess: Callable, widths, *, seed: int, **how
) -> pd.DataFrame:
    """`build(input_shape, classes, width, seed)` at each width, trained and tested on every fold.

    `folds` are Splits (train is fitted, test is scored). Columns: width, parameters, tflite_bytes (float32),
    balanced_accuracy (mean of folds), lowest (fold), seconds. `how` goes to `fit`.
    """
    import pandas as pd

    from edgekit.learn import legacy
    from edgekit.learn.models import predict_classes

    shape = preprocess(windows.X[:1]).shape[1:]
    scores, seconds, models = {w: [] for w in widths}, dict.fromkeys(widths, 0.0), {}
    for fold in progress(folds, "folds"):
        augmentation_cache, train, test = (
            AugmentationCache(),
            windows[fold.train],
            windows[fold.test],
        )
        for width in widths:
            start = time.perf_counter()
            model = models[width] = build(shape, len(windows.classes), width, seed)
            fit(model, train, preprocess, seed=seed, augmentation_cache=augmentation_cache, **how)
            predicted = predict_classes(model, preprocess, test.X)
            scores[width] += [score(test.y, predicted, test.classes, draws=1).balanced_accuracy]
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


def progress(items, text: str):
    """A bar for a person at a screen; nothing in a headless run."""
    from tqdm.auto import tqdm

    watched = sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
    return tqdm(items, desc=text, leave=False, disable=not watched)
