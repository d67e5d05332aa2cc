"""Inertial windows as another person, with another strap, might have moved."""

from __future__ import annotations

import numpy as np


def imu_variation(
    X: np.ndarray,
    rng: np.random.Generator,
    strap_deg: float = 12.0,
    tempo: float = 0.15,
    vigour: float = 0.1,
    noise: float = 0.03,
    kept: float = 0.25,
) -> np.ndarray:
    """One random variation of each window. `X` (n, time, 6) -> the same shape, float32.

    Four things that differ between people and do not change the exercise: how the watch sits (one rotation
    of both sensors, `strap_deg` its standard deviation about each axis), the tempo (played up to `tempo`
    faster or slower from a random moment on, round and round: repetitions repeat), how vigorous the
    movement is (what departs from the mean, times a log-normal factor of spread `vigour`), and the
    sensors' noise (in the unit of the samples). A share `kept` of the windows stays as it is. The first
    three channels are one vector, the other three another. After T. T. Um et al., "Data augmentation of
    wearable sensor data for Parkinson's disease monitoring using convolutional neural networks", ICMI 2017.
    Raises ValueError unless there are six channels.
    """
    n, time, channels = X.shape
    if channels != 6:
        raise ValueError(
            f"expected three axes of acceleration and three of rotation, got {channels}"
        )
    speed = rng.uniform(1 - tempo, 1 + tempo, (n, 1)).astype(np.float32)
    at = (rng.uniform(0, time, (n, 1)) + np.arange(time) * speed) % (time - 1)
    left = np.minimum(at.astype(int), time - 2)
    part = (at - left)[..., None].astype(np.float32)
    row = np.arange(n)[:, None]
    here = np.asarray(X, np.float32)[row, left]
    moved = here + (X[row, left + 1] - here) * part
    moved[:, :, 3:] *= speed[..., None]  # who moves faster turns faster
    mean = moved.mean(axis=1, keepdims=True)
    moved = mean + (moved - mean) * np.exp(rng.normal(0, vigour, (n, 1, 1))).astype(np.float32)
    turn = rotations(rng.normal(0, np.radians(strap_deg), (n, 3))).astype(np.float32)
    both = moved.reshape(n, 2 * time, 3) @ turn.transpose(0, 2, 1)
    varied = both.reshape(n, time, 6) + noise * rng.standard_normal((n, time, 6), np.float32)
    return np.where(rng.random((n, 1, 1)) < kept, np.asarray(X, np.float32), varied)


def rotations(vectors: np.ndarray) -> np.ndarray:
    """Rodrigues: rotation vectors (n, 3) in radians -> matrices (n, 3, 3)."""
    angle = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None, None]
    x, y, z = (vectors / angle[:, 0]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
