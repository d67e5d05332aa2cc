"""Healthy data only: what a detector can know that has never seen a fault.

detector = autoencoder(table[healthy], seed=0)      # or gaussian(table[healthy])
score = detector.score(table)                       # high: unlike anything healthy
model = detector.tflite(calibration)                # int8, for export.generate and the emulator

Works on features as a table (n, d). Whatever is fitted here comes from healthy windows of training
recordings: no fault, and nothing of a test recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    import pandas as pd


class Detector(Protocol):
    """What `compare` needs of a detector."""

    def score(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, d) -> (n,): the higher, the less like anything healthy."""


@dataclass(frozen=True)
class Gaussian:
    """One Gaussian around healthy features; the score is the Mahalanobis distance, over √d."""

    mean: np.ndarray
    precision: np.ndarray

    def score(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, d) -> (n,): about 1 where healthy."""
        d = X - self.mean
        return np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", d, self.precision, d), 0) / d.shape[1])


def gaussian(healthy: np.ndarray) -> Gaussian:
    """Fit to `healthy` (n, d), the covariance shrunk (Ledoit and Wolf, 2004), for n is often small.

    Raises EdgekitError for values that are not finite and too few windows.
    """
    from sklearn.covariance import LedoitWolf

    _check(healthy)
    fitted = LedoitWolf().fit(healthy)
    return Gaussian(fitted.location_, fitted.precision_)


@dataclass(frozen=True)
class Autoencoder:
    """A network that can only redraw healthy features; the score is how badly it redraws these.

    Features go in as they are and come out in the same unit; `spread` (d,), their standard deviation where
    healthy, weighs the errors, and `size`, the root mean square error of healthy training windows, makes
    that a score of 1.
    """

    model: Any
    size: float
    spread: np.ndarray

    def score(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, d) -> (n,): about 1 where healthy."""
        from edgekit.learn import legacy

        return self.error(X, legacy.logits(self.model, X.astype(np.float32)))

    def error(self, X: np.ndarray, redrawn: np.ndarray) -> np.ndarray:
        """The score (n,) of features `X` (n, d), given what a network, int8 or not, redrew of them."""
        miss = (np.asarray(redrawn, np.float64).reshape(X.shape) - X) / self.spread
        return np.sqrt((miss**2).mean(axis=1)) / self.size

    def score_int8(self, tflite: bytes, X: np.ndarray) -> tuple[np.ndarray, str]:
        """The score (n,) that the int8 network gives to `X` (n, d), and which runtime computed it."""
        from edgekit.learn.litert import predict, quantization

        predicted, runtime = predict(tflite, X.astype(np.float32))
        q = quantization(tflite)
        redrawn = (predicted.astype(np.float64) - q["output_zero_point"]) * q["output_scale"]
        return self.error(X, redrawn), runtime

    def tflite(self, calibration: np.ndarray) -> bytes:
        """The network in int8, its rounding fitted on healthy training windows (n, d)."""
        from edgekit.learn.conversion import quantize

        return quantize(self.model, calibration)


def autoencoder(
    healthy: np.ndarray,
    *,
    seed: int,
    hidden: int = 16,
    code: int = 4,
    epochs: int = 40,
    noise: float = 0.3,
    batch: int = 32,
    rate: float = 5e-3,
) -> Autoencoder:
    """Train on `healthy` (n, d): d → hidden → code → hidden → d, dense, `epochs` of batches of `batch`.

    The network is given the windows with `noise` (in standard deviations of each feature) and asked for the
    clean ones, so that it learns where healthy windows lie instead of copying (Vincent et al. 2008). `rate`
    is Adam's at the start. Same seed, same weights. Raises EdgekitError for values that are not finite and
    too few windows.
    """
    from edgekit.learn import legacy
    from edgekit.learn.training import Training

    _check(healthy)
    keras, layers = legacy.keras, legacy.keras.layers
    legacy.seed_everything(seed)
    n, d = healthy.shape
    center, spread = healthy.mean(axis=0), np.maximum(healthy.std(axis=0), 1e-6)
    given = layers.Input((d,))
    x = given
    for width in (hidden, code, hidden):
        x = layers.Dense(width, activation="relu" if width != code else None)(x)
    model = keras.Model(given, layers.Dense(d)(x), name="autoencoder")
    first, last = model.layers[1], model.layers[-1]
    # standardized inside: weights of the first layer over the spread, those of the last times it
    W, b = first.get_weights()
    first.set_weights([W / spread[:, None], b - center @ (W / spread[:, None])])
    W, b = last.get_weights()
    last.set_weights([W * spread, b * spread + center])

    def loss(wanted, predicted):
        return keras.backend.mean(((wanted - predicted) / spread.astype(np.float32)) ** 2, axis=-1)

    rng = np.random.default_rng(seed)
    clean = np.concatenate([healthy[rng.permutation(n)] for _ in range(epochs)])
    noisy = clean + noise * spread * rng.standard_normal(clean.shape)
    training = Training(model, loss, rate, -(-len(clean) // batch))
    training.epoch(_f32(noisy), _f32(clean), np.ones(len(clean)), batch)
    detector = Autoencoder(model, 1.0, spread)
    return Autoencoder(model, float(np.sqrt((detector.score(healthy) ** 2).mean())), spread)


def per_recording(score: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of `score` (n,) in each recording of `group` (n,): `(names (k,), scores (k,))`.

    One loud window is no alarm.
    """
    names = np.unique(group)
    return names, np.array([np.median(score[group == name]) for name in names])


def averaged(table: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of `table` (n, d) in each recording of `group` (n,): `(names (k,), means (k, d))`.

    What repeats stays, noise does not: the score of a mean sees an earlier fault than the median of scores.
    """
    names = np.unique(group)
    return names, np.stack([table[group == name].mean(axis=0) for name in names])


def compare(
    table: np.ndarray,
    faulty: np.ndarray,
    group: np.ndarray,
    detectors: dict[str, Callable[[np.ndarray], Detector]],
    seed: int = 0,
) -> pd.DataFrame:
    """Area under the ROC curve of each detector when whole recordings are new to it.

    `table` (n, d), `faulty` (n,) bool, `group` (n,) recordings; `detectors` name -> function(healthy
    windows) that returns something with `.score`. Each healthy recording is left out in turn: the detector
    is fitted on the others and scores the one left out against all faults. Columns: detector, windows
    and recordings (mean AUC over the turns), lowest (AUC by window of the worst turn), turns. Raises
    EdgekitError with fewer than two healthy recordings, or no fault.
    """
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    faulty = np.asarray(faulty, bool)
    healthy = np.unique(group[~faulty])
    if len(healthy) < 2 or not faulty.any():
        raise EdgekitError(
            f"{len(healthy)} healthy recording(s) and {faulty.sum()} faulty windows: a detector needs two "
            "healthy recordings, one to learn from and one to test on, and a fault"
        )
    rows = []
    for name, fit in detectors.items():
        by_window, by_recording = [], []
        for out in healthy:
            test = (group == out) | faulty
            score = fit(table[~faulty & (group != out)]).score(table[test])
            truth = faulty[test]
            by_window.append(roc_auc_score(truth, score))
            names, scores = per_recording(score, group[test])
            broken = np.isin(names, group[faulty])
            by_recording.append(roc_auc_score(broken, scores))
        rows.append(
            {
                "detector": name,
                "windows": np.mean(by_window),
                "recordings": np.mean(by_recording),
                "lowest": min(by_window),
                "turns": len(healthy),
            }
        )
    return pd.DataFrame(rows)


def _f32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _check(healthy: np.ndarray) -> None:
    if healthy.ndim != 2 or len(healthy) < 16:
        raise EdgekitError(
            f"a detector needs a table (n, d) of 16 healthy windows or more, got {healthy.shape}"
        )
    if not np.isfinite(healthy).all():
        raise EdgekitError("features hold NaN; inspect() the recordings and keep() the rest")
