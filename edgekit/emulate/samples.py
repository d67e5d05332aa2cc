"""Samples of a sensor: windows in physical units as the device receives them."""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.signal.pixels import grey
from edgekit.signal.step import Step


def sample_dtype(features: Step, sensitivity: float | None) -> str:
    """What a sensor hands over: "uint8" grey values of a camera, "int16" counts, or "float32"."""
    return getattr(features, "delivers", "float32" if sensitivity is None else "int16")


def sensor_samples(features: Step, sensitivity: float | None, X: np.ndarray) -> np.ndarray:
    """Samples of `X` as the sensor hands them over."""
    kind = sample_dtype(features, sensitivity)
    if kind == "uint8":
        return grey(X)
    if kind == "float32" or sensitivity is None:
        return np.asarray(X, np.float32)
    return counts(X, sensitivity)


def counts(X: np.ndarray, sensitivity: float) -> np.ndarray:
    """Samples in physical units as the int16 counts of a sensor: nearest, saturated, NaN as 0."""
    steps = np.nan_to_num(np.asarray(X, np.float64) / sensitivity)
    return np.clip(np.rint(steps), -32768, 32767).astype(np.int16)


def quantize_samples(features: Step, sensitivity: float | None, X: np.ndarray) -> np.ndarray:
    """What the sensor makes of `X`: the same windows, float32, in steps of its counts."""
    given = sensor_samples(features, sensitivity, X).astype(np.float32)
    return given if sensitivity is None else given * np.float32(sensitivity)


def check_windows(features: Step, X) -> np.ndarray:
    """Windows as the features take them, (n, window, channels). Raises EdgekitError for another shape."""
    X, expected = np.asarray(X), getattr(features, "given", (features.window, features.channels))
    if hasattr(features, "cut"):
        X = features.cut(X)  # a part of the window is all that such a sensor delivers
    if X.shape[1:] != expected or not len(X):
        wanted = ", ".join(map(str, expected))
        raise EdgekitError(f"expected windows (n, {wanted}), got {X.shape}")
    return X
