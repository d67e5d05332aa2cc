"""From the lab to the field: how far apart they are, and what brings them together.

Works on features as a table (n, lines). Whatever is learned about the field here comes from
recordings without their labels, never from those that are tested. The classifier is a logistic
regression, so that a comparison over many folds and seeds takes seconds; what differs between the
rows is the data it is given, not the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.windows import Windows
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    import pandas as pd

RATIOS = np.exp(np.linspace(np.log(0.6), np.log(1.6), 51))  # speeds tried, 2 % apart
REGULARIZATION = 0.1  # of a covariance, as a share of its mean variance


def flat(features: np.ndarray) -> np.ndarray:
    """(n, 1, lines, 1) -> (n, lines) float64."""
    return features.reshape(len(features), -1).astype(np.float64)


# ----------------------------------------------------------------------------------- measuring


def shift(lab: np.ndarray, field: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """How far two sets of features (n, lines), (m, lines) are apart, in two ways.

    One row per measure: the Wasserstein distance per line in standard deviations of the field (mean,
    and worst line), and how well a classifier tells the two apart (area under the ROC curve of a
    cross-validated logistic regression; 0.5 is not at all, 1 always).
    """
    import pandas as pd
    from scipy.stats import wasserstein_distance
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    _finite(lab, field)
    spread = np.maximum(field.std(axis=0), 1e-9)
    far = [wasserstein_distance(a, b) / s for a, b, s in zip(lab.T, field.T, spread, strict=True)]
    both = np.concatenate([lab, field])
    of = np.repeat([0, 1], [len(lab), len(field)])
    order = np.random.default_rng(seed).permutation(len(of))
    odds = cross_val_predict(classifier(), both[order], of[order], cv=3, method="decision_function")
    return pd.DataFrame(
        {
            "measure": ["distance, mean line", "distance, worst line", "domain classifier"],
            "value": [np.mean(far), np.max(far), roc_auc_score(of[order], odds)],
            "unit": ["field sd", "field sd", "AUC"],
            "same": [0.0, 0.0, 0.5],
        }
    )


# ------------------------------------------------------------------------------------ aligning


def mean_std(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`source` (n, f) with each feature's mean and standard deviation made those of `target` (m, f)."""
    z = (source - source.mean(axis=0)) / np.maximum(source.std(axis=0), 1e-9)
    return z * target.std(axis=0) + target.mean(axis=0)


def coral(
    source: np.ndarray, target: np.ndarray, regularization: float = REGULARIZATION
) -> np.ndarray:
    """`source` (n, f) whitened, then given the covariance and the mean of `target` (m, f).

    Sun, Feng, Saenko, "Return of Frustratingly Easy Domain Adaptation" (AAAI 2016), which adds the
    identity to both covariances; here `regularization` times their mean variance, so that the unit of
    the features does not matter. With 0 the covariance of the target is met exactly.
    """
    spreads = []
    for x, power in ((source, -0.5), (target, 0.5)):
        covariance = np.atleast_2d(np.cov(x.T))
        ridge = regularization * np.trace(covariance) / len(covariance)
        values, vectors = np.linalg.eigh(covariance + ridge * np.eye(len(covariance)))
        spreads.append(vectors * np.maximum(values, 1e-12) ** power @ vectors.T)
    return (source - source.mean(axis=0)) @ spreads[0] @ spreads[1] + target.mean(axis=0)


def warp(spectra: np.ndarray, ratio) -> np.ndarray:
    """Spectra (n, lines) as if all had happened `ratio` times as fast (one number, or one per row).

    Line j stands for (j + 1) times the resolution, as `EnvelopeSpectrum` gives them; beyond the last
    line its value is kept.
    """
    n, lines = spectra.shape
    at = np.arange(1, lines + 1) / np.broadcast_to(ratio, n)[:, None] - 1
    at = np.clip(at, 0, lines - 1)
    left = np.minimum(at.astype(int), lines - 2)
    part = at - left
    row = np.arange(n)[:, None]
    return spectra[row, left] * (1 - part) + spectra[row, left + 1] * part


def speed_ratio(source: np.ndarray, target: np.ndarray) -> float:
    """The one number that brings two machines' fault rates together, found without labels.

    Tries RATIOS and returns the `warp` whose mean spectrum correlates best with the mean of `target`:
    another bearing at another speed strikes at other rates, but in much the same pattern.
    """
    wanted = target.mean(axis=0)
    return float(max(RATIOS, key=lambda r: np.corrcoef(warp(source, r).mean(axis=0), wanted)[0, 1]))


# ----------------------------------------------------------------------------------- comparing

METHODS = (
    "lab only",
    "mean and spread",
    "CORAL",
    "field noise",
    "speed found",
    "random speeds",
    "speed found + CORAL",
    "speed found + field noise",
    "field labels (oracle)",
)


def training_set(method, lab: Windows, field: Windows, features, augment, seed: int):
    """What a method gives the classifier: `(X (n, lines), y (n,))`.

    `field` is the part of the field that may be heard; its labels are used by the oracle alone.
    Raises EdgekitError for an unknown method or values that are not finite.
    """
    rng = np.random.default_rng(seed)
    X, y = flat(features(lab.X)), lab.y
    target = flat(features(field.X))
    _finite(X, target)
    if method == "field labels (oracle)":
        return target, field.y
    if "field noise" in method:
        X = np.concatenate([X, flat(features(augment(lab.X, rng)))])
        y = np.tile(y, 2)
    if method == "random speeds":
        X = np.concatenate([X, *(warp(X, rng.uniform(0.7, 1.3, len(X))) for _ in range(2))])
        y = np.tile(y, 3)
    if "speed found" in method:
        X = warp(X, speed_ratio(X, target))
    if "CORAL" in method:
        X = coral(X, target)
    if method == "mean and spread":
        X = mean_std(X, target)
    if method not in METHODS:
        raise EdgekitError(f"there is no method {method!r}; known: {', '.join(METHODS)}")
    return X, y


def compare(
    lab: Windows, field: Windows, splits, features, augment, methods=METHODS, seed: int = 0
) -> pd.DataFrame:
    """Every method on every split of the field: trained without, tested on, its test recordings.

    `splits` are Splits of `field`; a method hears `train` and `val` without labels. Columns: method,
    balanced_accuracy (mean over splits), low and high (95 % interval of that mean, 2,000 bootstraps
    over splits), gained (share of the gap between lab and oracle that it closes; NaN where the oracle is
    no better than the lab), and each class's recall.
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from edgekit.learn.train import progress, score

    known = features(lab.X)
    found = {method: [] for method in methods}
    for number, split in enumerate(progress(splits, "comparing")):
        heard, test = field[np.concatenate([split.train, split.val])], field[split.test]
        for method in methods:
            X, y = training_set(
                method,
                lab,
                heard,
                lambda x: known if x is lab.X else features(x),
                augment,
                seed + number,
            )
            with threadpool_limits(1):  # tables this small only wait for other threads
                said = classifier().fit(X, y).predict(flat(features(test.X)))
            found[method].append(score(test.y, said, field.classes, draws=1))
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(splits), (2000, len(splits)))
    rows = []
    for method, scores in found.items():
        values = np.array([s["balanced_accuracy"] for s in scores])
        low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
        recalls = {f"recall {c}": np.mean([s["recall"][c] for s in scores]) for c in field.classes}
        rows.append(
            {"method": method, "balanced_accuracy": values.mean(), "low": low, "high": high}
        )
        rows[-1] |= recalls
    table = pd.DataFrame(rows)
    floor, top = table.balanced_accuracy.iloc[0], table.balanced_accuracy.iloc[-1]
    gap = top - floor if top > floor else np.nan
    table.insert(4, "gained", (table.balanced_accuracy - floor) / gap)
    return table


def classifier():
    """A logistic regression on standardized features, each class weighing the same."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced")
    )


def _finite(*tables: np.ndarray) -> None:
    if not all(np.isfinite(x).all() for x in tables):
        raise EdgekitError("features hold NaN; inspect() the recordings and keep() the rest")
