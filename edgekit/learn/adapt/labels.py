"""The rows of a comparison that stand beside the methods: what was chosen, and what a few labels add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from edgekit.learn.adapt.choice import BASELINE
from edgekit.learn.adapt.tables import Table
from edgekit.learn.adapt.task import AdaptationTask

CHOSEN, MOST_CONFIDENT = "chosen without labels", "surest windows, never abstains"
REFERENCE = "trained on the field"  # on all labels of the training part, and no lab: no upper bound
SHOTS = (1, 3, 10)  # labelled target windows per class


class Kind(StrEnum):
    """What a row of the comparison was given of the target domain's labels; the text is its legend."""

    UNLABELLED = "no label"
    CHOSEN = "chosen without labels"
    MOST_CONFIDENT = "most confident windows"
    ALONE = "these windows alone"
    FINE_TUNED = "fine-tuned"
    CHOSEN_WITH_LABELS = "chosen method, given them"
    VALIDATED = "validated"
    REFERENCE = "all labels"


@dataclass(frozen=True)
class Variant:
    """A fitted model and the row that it fills: its name, its Kind, and labelled windows per class."""

    name: str
    kind: Kind
    shots: float
    model: Any


def with_labels(fitted: dict, best: str, task: AdaptationTask, y: np.ndarray) -> Iterator[Variant]:
    """The rows that are given labels: `y` (m,) of the task's target windows, or a few of them each.

    With k windows per class: a classifier on them alone; the network of the task fine-tuned on them, if one
    of the `fitted` is a network; the method `best`, given them. With the most, also what `validated` takes of
    `best`, the lab as it is, and no lab. Last the REFERENCE, which gets all of `y`: a few recordings may
    teach less than a lab does.
    """
    networks = not all(isinstance(model, Table) for model in fitted.values())
    for shots in SHOTS:
        few = draw(y, shots, task.seed)
        X, of = task.target[few], y[few]
        yield Variant(f"{shots} per class alone", Kind.ALONE, shots, Table(X, of, task.k))
        if networks:
            tuned = task.network.with_labels(X, of, task.seed)
            yield Variant(f"fine-tuned, {shots} per class", Kind.FINE_TUNED, shots, tuned)
        model = fitted[best].with_labels(X, of, task.seed)
        yield Variant(f"chosen + {shots} per class", Kind.CHOSEN_WITH_LABELS, shots, model)
    model = validated({name: fitted[name] for name in (BASELINE, best)}, task, few, of)
    yield Variant(f"validated + {shots} per class", Kind.VALIDATED, shots, model)
    yield Variant(REFERENCE, Kind.REFERENCE, np.inf, Table(task.target, y, task.k))


def draw(y: np.ndarray, shots: int, seed: int) -> np.ndarray:
    """Rows of `shots` windows of each class of `y` (n,), fewer where there are fewer, ascending.

    More shots draw the same windows and others.
    """
    rng = np.random.default_rng([seed, 2])
    return np.sort(
        np.concatenate([rng.permutation(np.flatnonzero(y == c))[:shots] for c in np.unique(y)])
    )


def validated(
    fitted: dict, task: AdaptationTask, few: np.ndarray, y: np.ndarray, folds: int = 3
) -> Table:
    """The table method that makes most of labelled windows, given all of them.

    `few` (j,) are rows of `task.target`, `y` (j,) their labels. Each method, and no lab at all, is given
    a part of them and rated on the rest, by log-likelihood. So the labels decide, too, whether the lab
    is worth anything.
    """
    X = task.target[few]
    fold_index = np.empty(len(y), int)
    for c in np.unique(y):  # each class spread evenly over the folds
        fold_index[y == c] = np.arange((y == c).sum()) % folds
    candidates = [model for model in fitted.values() if isinstance(model, Table)]
    rated = []
    for model in [*candidates, None]:
        likelihoods = []
        for fold in range(folds):
            known, asked = fold_index != fold, fold_index == fold
            if known.any() and asked.any():
                given = _given(model, X[known], y[known], task.k)
                predicted = given.probabilities(X[asked])[np.arange(asked.sum()), y[asked]]
                likelihoods.extend(np.log(np.maximum(predicted, 0.01)))
        rated.append(np.mean(likelihoods) if likelihoods else 0.0)
    return _given([*candidates, None][int(np.argmax(rated))], X, y, task.k)


def _given(model: Table | None, X: np.ndarray, y: np.ndarray, k: int) -> Table:
    return Table(X, y, k) if model is None else model.with_labels(X, y)
