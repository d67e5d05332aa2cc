"""How far lab and field are apart, and what that costs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.learn.adapt.tables import Table
from edgekit.learn.scores import balanced_accuracy

if TYPE_CHECKING:
    import pandas as pd


def measure(
    source: Windows, target: Windows, case: Any, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """How far two worlds are apart: `(table, distances (d,))`.

    `case` is the use case's module, whose `descriptor` (n, …) -> (n, d) is compared. `distances` are
    Wasserstein's, feature by feature, in standard deviations of the target. The table adds: how well a
    classifier tells the worlds apart (area under the ROC curve, recordings held out; 0.5 is not at all, 1
    always), how far their mixes of classes are apart (total variation; reads target labels), and what the
    source's classifier scores on groups of either that it was not trained on. Columns: measure, value,
    unit, and what it would be with no shift. Raises EdgekitError for a descriptor of another shape, and
    where a single group is shared.
    """
    import pandas as pd
    from scipy.stats import wasserstein_distance
    from sklearn.metrics import roc_auc_score

    A, B = described(case, source.X), described(case, target.X)
    spread = np.maximum(B.std(axis=0), 1e-9)
    far = np.array([wasserstein_distance(a, b) for a, b in zip(A.T, B.T, strict=True)]) / spread
    of = np.repeat([0, 1], [len(A), len(B)])
    both, group = np.concatenate([A, B]), np.concatenate([source.group, target.group])
    odds = _held_out(both, of, group, seed)[:, 1]
    y = np.concatenate([source.y, target.y])
    predicted = _held_out(both, y, group, seed, of == 0).argmax(axis=1)
    at_home, abroad = (
        balanced_accuracy(y[of == world], predicted[of == world]) for world in (0, 1)
    )
    mix = [np.bincount(w.y, minlength=len(w.classes)) / len(w) for w in (source, target)]
    rows = [
        ("distance, mean feature", far.mean(), "field sd", 0.0),
        ("distance, worst feature", far.max(), "field sd", 0.0),
        ("domain classifier", roc_auc_score(of, odds), "AUC", 0.5),
        ("mix of classes", np.abs(mix[0] - mix[1]).sum() / 2, "share of windows", 0.0),
        ("lab classifier, in the lab", at_home, "balanced accuracy", np.nan),
        ("lab classifier, in the field", abroad, "balanced accuracy", at_home),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "unit", "no shift"]), far


def _held_out(X, y, group, seed, learn=None) -> np.ndarray:
    """(n, classes) probabilities of a classifier that was not trained on the row's group.

    It learns from the rows where `learn` (n,) is true, by default from all.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    k, folds = int(y.max()) + 1, min(3, len(np.unique(group)))
    learn = np.ones(len(y), bool) if learn is None else learn
    predicted = np.full((len(y), k), 1 / k)
    if folds < 2:
        raise EdgekitError("the two worlds share a single group, so nothing can be held out")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer windows than folds is no news
        for train, test in splitter.split(X, y, group):
            train = train[learn[train]]
            if len(train):
                predicted[test] = Table(X[train], y[train], k).probabilities(X[test])
    return predicted


def described(case, X) -> np.ndarray:
    """The use case's descriptors of windows X (n, …), (n, d) float64; EdgekitError if they are not."""
    table = np.asarray(case.descriptor(X), np.float64)
    if table.ndim != 2 or len(table) != len(X):
        raise EdgekitError(
            f"descriptor(X) must give (n, d) for {len(X)} windows, not {table.shape}"
        )
    return table
