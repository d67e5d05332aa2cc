"""Scaling that needs no training set, so that the same code runs on the device."""

from __future__ import annotations

import numpy as np


def unit_rms(X: np.ndarray) -> np.ndarray:
    """Each window without its mean and divided by its RMS. `X` (n, time, channel) -> the same shape."""
    X = X - X.mean(axis=1, keepdims=True)
    rms = np.sqrt((X**2).mean(axis=1, keepdims=True))
    return (X / np.maximum(rms, 1e-12)).astype(np.float32)
