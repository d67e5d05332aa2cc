"""Scores of predictions, with intervals that know how few groups there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from edgekit.core.errors import EdgekitError
from edgekit.learn import bootstrap


@dataclass(frozen=True)
class Score:
    """How well a classifier did on windows that it was not trained on, as `score` gives it.

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
    """A recipe's `score` on all groups, each tested once by a network that was not trained on it, and that
    of the teachers on the same folds, where it has any."""

    score: Score
    teacher: Score | None = None


def balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean recall of the classes that occur in `y_true` (n,), given the predictions `y_pred` (n,)."""
    return float(np.mean([(y_pred[y_true == c] == c).mean() for c in np.unique(y_true)]))


def mean_recall(confusion: np.ndarray) -> float:
    """Balanced accuracy: the mean recall of the classes that occur; `confusion` (k, k) counts by true and
    answered class."""
    right, of = confusion.diagonal(), confusion.sum(axis=1)
    return float((right[of > 0] / of[of > 0]).mean())


def macro_f1(confusion: np.ndarray) -> float:
    """The mean F1 of the classes that occur; `confusion` (k, k) counts by true and answered class."""
    right, of, said = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return float((2 * right[of > 0] / (of + said)[of > 0]).mean())


def score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    classes: Sequence[str],
    group: ArrayLike | None = None,
    *,
    seed: int = 0,
    draws: int = 2000,
) -> Score:
    """How well it went.

    `y_true`, `y_pred` (n,) indices of `classes`; `group` (n,) what must be drawn together. The interval is
    that of `draws` bootstraps that draw whole groups, class by class, with replacement: windows of one
    recording are not independent witnesses. Raises EdgekitError where there are no windows.
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
    group = np.arange(len(y_true)) if group is None else np.asarray(group)
    drawn = bootstrap.balanced_accuracies(
        y_true, y_pred, group, np.flatnonzero(present), seed=seed, draws=draws
    )
    named = [str(c) for c in classes]
    alone = tuple(
        name for c, name in enumerate(named) if present[c] and len(set(group[y_true == c])) < 2
    )
    low, high = (None, None) if alone else map(float, bootstrap.bounds(drawn))
    return Score(
        balanced_accuracy=mean_recall(confusion),
        low=low,
        high=high,
        alone=alone,
        macro_f1=macro_f1(confusion),
        precision={c: float(r) for c, r, p in zip(named, precision, present, strict=True) if p},
        recall={c: float(r) for c, r, p in zip(named, recall, present, strict=True) if p},
        confusion=tuple(map(tuple, confusion.tolist())),
        windows=len(y_true),
        groups=len(set(group)),
    )


def paired_difference(
    y_true: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    group: np.ndarray,
    *,
    level: float = 0.95,
    seed: int = 0,
    draws: int = 2000,
) -> dict:
    """By how much `first`'s balanced accuracy is above `second`'s: {"mean", "low", "high"}, fractions.

    `y_true` (n,) class indices, `group` (n,) what is drawn together; `first`, `second` (n,) or (seeds, n):
    predictions for the same windows. Both are scored on the very same `draws` bootstraps of whole groups,
    so that what is hard for both does not count; `level` is the share of them between the bounds.
    """
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    both = []
    present = np.unique(y_true)
    for predicted in (first, second):
        y, of = np.tile(y_true, len(predicted)), np.tile(group, len(predicted))
        right = predicted.ravel() == y
        drawn = bootstrap.balanced_accuracies(
            y, predicted.ravel(), of, present, seed=seed, draws=draws
        )
        both.append((np.mean([right[y == c].mean() for c in present]), drawn))
    (mean, ones), (other, others) = both
    low, high = bootstrap.bounds(ones - others, level)
    return {"mean": float(mean - other), "low": float(low), "high": float(high)}


def interval(score: Score) -> str:
    """The interval of a `score` in words: `"0.931 to 0.986"`, or why there is none."""
    if score.low is None or score.high is None:
        return f"interval unknown: one group of {', '.join(score.alone)}"
    return f"{score.low:.3f} to {score.high:.3f}"
