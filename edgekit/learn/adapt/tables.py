"""Adaptation of tables: the lab is moved towards the field, or widened, then a classifier is fitted.

Everything here works on descriptors, (n, d) float64, and takes seconds. What a method learns about the
field comes from recordings without labels.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

REGULARIZATION = 0.1  # of a covariance, as a share of its mean variance
TRANSPORTED = (
    600  # windows of each world that optimal transport pairs: its cost grows with the cube
)
CLIPPED = 1e-9


def classifier():
    """A logistic regression on standardized features, each class weighing the same."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced")
    )


def confidence_score(probabilities: np.ndarray) -> float:
    """How much a classifier has to say about windows (n, k) that nobody labelled; 0 is nothing.

    The mutual information of window and answer (nats): entropy of the mean answer less the mean entropy
    of the answers. High if each answer is confident *and* all answers occur; a classifier that lost a class,
    or one that guesses, scores low. Bridle, Heading, MacKay, "Unsupervised classifiers, mutual
    information and phantom targets" (NIPS 1991); as a validator: Musgrave, Belongie, Lim (arXiv
    2208.07360). Over the square root of the first entropy, as Strehl and Ghosh normalize (JMLR 2002):
    else it would prefer answers that occur equally often, which faults do not.
    """
    p = np.clip(probabilities, 1e-12, 1)
    mean = p.mean(axis=0)
    entropy = -(mean * np.log(mean)).sum()
    return float(((p * np.log(p)).sum(axis=1).mean() + entropy) / np.sqrt(max(entropy, 1e-9)))


# ---------------------------------------------------------------------------------- the fitted


@dataclass(frozen=True)
class Table:
    """A classifier fitted on a training table `X` (n, d), `y` (n,), for `k` classes.

    `view` is what a field window goes through first, if it has to move as well; `turned` says that it
    leaves the field's own axes.
    """

    X: np.ndarray
    y: np.ndarray
    k: int
    view: Callable = field(default=lambda X: X, repr=False)
    weight: np.ndarray | None = None
    turned: bool = False
    fitted: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self):
        fitted = None
        if len(np.unique(self.y)) > 1:
            empty = classifier()  # loads what the threads belong to
            with _threads().limit(limits=1):  # tables this small only wait for other threads
                fitted = empty.fit(self.X, self.y, logisticregression__sample_weight=self.weight)
        object.__setattr__(self, "fitted", fitted)

    def probabilities(self, X: np.ndarray) -> np.ndarray:
        """(n, d) descriptors of field windows -> (n, k). A class it was not trained on gets 0."""
        predicted = np.zeros((len(X), self.k))
        if self.fitted is None:
            predicted[:, self.y[0]] = 1.0  # one class is all it knows
        else:
            predicted[:, self.fitted.classes_] = self.fitted.predict_proba(self.view(X))
        return predicted

    def with_labels(self, X: np.ndarray, y: np.ndarray, seed: int = 0) -> Table:
        """Fitted anew with the labels `y` (j,) of target windows (j, d) too; nothing is random in it.

        Together they weigh as much as the lab: a few true witnesses against many doubtful ones.
        """
        weight = np.concatenate([np.ones(len(self.X)), np.full(len(X), len(self.X) / len(X))])
        both = np.concatenate([self.X, self.view(X)])
        return Table(both, np.concatenate([self.y, y]), self.k, self.view, weight, self.turned)


@cache
def _threads():
    """Those of the linear algebra that is loaded; to look for it takes longer than a fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


# ------------------------------------------------------------------------------------ aligning


def mean_std(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`source` (n, d) with each feature's mean and standard deviation made those of `target` (m, d)."""
    z = (source - source.mean(axis=0)) / np.maximum(source.std(axis=0), CLIPPED)
    return z * target.std(axis=0) + target.mean(axis=0)


def coral(
    source: np.ndarray, target: np.ndarray, regularization: float = REGULARIZATION
) -> np.ndarray:
    """`source` (n, d) whitened, then given the covariance and the mean of `target` (m, d).

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


# ------------------------------------------------------------------------------------- skada


def skada_missing() -> bool:
    """Whether the extra `adapt` is absent: then the two methods below are left out."""
    from importlib.util import find_spec

    return find_spec("skada") is None


def subspace(lab, y, target, rng):
    """Subspace alignment by skada: `(X (n, c), y, view)`.

    Both worlds are described by their principal components, and the lab's axes turned onto the field's
    (Fernando et al., "Unsupervised Visual Domain Adaptation Using Subspace Alignment", ICCV 2013).
    """
    components = max(2, min(10, lab.shape[1] - 1, len(lab) - 1, len(target) - 1))
    adapter, scale, X = _adapted(
        "SubspaceAlignmentAdapter", lab, y, target, n_components=components
    )

    def view(X):
        import sklearn

        with sklearn.config_context(enable_metadata_routing=True):
            return _array(adapter.transform(scale(X), sample_domain=np.full(len(X), -2)))

    return X, y, view


def transport(lab, y, target, rng):
    """Optimal transport by skada: `(X (n, d), y, view)`.

    Each lab window moves to the mean of the field windows that the cheapest plan pairs it with (Courty
    et al., "Optimal Transport for Domain Adaptation", TPAMI 2017).
    """
    a, b = (rng.permutation(len(x))[:TRANSPORTED] for x in (lab, target))
    _, scale, X = _adapted("OTMappingAdapter", lab[a], y[a], target[b])
    return X, y[a], scale


def _adapted(name: str, lab, y, target, **how):
    """A fitted adapter of skada, the common scale, and the lab as it comes out."""
    for backend in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"):  # POT would import them all
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")
    import warnings

    import sklearn
    from threadpoolctl import threadpool_limits

    before = sklearn.get_config()
    import skada  # switches metadata routing on for everybody

    sklearn.set_config(**before)
    mean, spread = lab.mean(axis=0), np.maximum(lab.std(axis=0), CLIPPED)

    def scale(X):
        return (X - mean) / spread

    adapter = getattr(skada, name)(**how)
    of = np.repeat([1, -2], [len(lab), len(target)])  # skada's signs: labelled, not labelled
    both = np.concatenate([scale(lab), scale(target)])
    routing = sklearn.config_context(enable_metadata_routing=True)
    with (
        warnings.catch_warnings(),
        routing,
        threadpool_limits(1),
    ):  # those of what skada loaded, too
        warnings.simplefilter("ignore")  # numerical chatter about iterations
        moved = adapter.fit_transform(
            both, np.concatenate([y, np.full(len(target), -1)]), sample_domain=of
        )
    return adapter, scale, _array(moved)[: len(lab)]


def _array(moved) -> np.ndarray:
    return np.asarray(moved[0] if isinstance(moved, tuple) else moved)


# -------------------------------------------------------------------------------------- noise


def measured_noise(X: np.ndarray, target: np.ndarray, rng: np.random.Generator, level: float = 0.5):
    """Raw windows `X` (n, time, channel) or images (n, h, w, c) with noise measured in the field.

    Each gets a random window of `target` (m, …) whose spectrum keeps its amplitudes and loses its
    phases, the same for all channels (a surrogate: Theiler et al., Physica D 58, 1992): the field's
    colour and cross-talk without its events, so no label can be in it. Strength up to `level` of the
    window's own standard deviation. Same shape and type.
    """
    picked = target[rng.integers(0, len(target), len(X))].astype(np.float64)
    axes = tuple(range(1, X.ndim - 1))
    phases = np.fft.rfftn(rng.normal(size=(*picked.shape[:-1], 1)), axes=axes)
    phases /= np.maximum(np.abs(phases), CLIPPED)
    picked -= picked.mean(axis=axes, keepdims=True)  # an offset is no noise
    noise = np.fft.irfftn(np.fft.rfftn(picked, axes=axes) * phases, s=picked.shape[1:-1], axes=axes)
    every = tuple(range(1, X.ndim))
    wanted = X.astype(np.float64).std(axis=every, keepdims=True)
    wanted *= rng.uniform(0, level, wanted.shape)
    noise *= wanted / np.maximum(noise.std(axis=every, keepdims=True), CLIPPED)
    if X.dtype == np.uint8:
        return np.clip(np.rint(X + noise), 0, 255).astype(np.uint8)
    return (X + noise).astype(X.dtype)
