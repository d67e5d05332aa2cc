"""Inertial windows as another person, with another strap, might have moved."""

from __future__ import annotations

import numpy as np


def another_wearer(
    X: np.ndarray,
    rng: np.random.Generator,
    strap_deg: float = 12.0,
    tempo: float = 0.15,
    vigour: float = 0.1,
    noise: float = 0.03,
) -> np.ndarray:
    """One random variation of each window. `X` (n, time, 6) -> the same shape, float32.

    Four things that differ between people and do not change the exercise: how the watch sits (one rotation
    of both sensors, `strap_deg` its standard deviation about each axis), the tempo (played up to `tempo`
    faster or slower, from a random moment on, backwards from an end on), how vigorous the movement is (what
    departs from the mean, times a log-normal factor of spread `vigour`), and the sensors' noise (in the
    unit of the samples). The first three channels are a vector, and so are the other three; after T. T. Um
    et al., "Data augmentation of wearable sensor data for Parkinson's disease monitoring using
    convolutional neural networks", ICMI 2017.
    """
    n, time, channels = X.shape
    if channels != 6:
        raise ValueError(
            f"expected three axes of acceleration and three of rotation, got {channels}"
        )
    pace = rng.uniform(1 - tempo, 1 + tempo, (n, 1))
    at = rng.uniform(0, time, (n, 1)) + np.arange(time) * pace
    ahead = (at // (time - 1)) % 2 == 0
    at = np.abs((at + time - 1) % (2 * (time - 1)) - (time - 1))  # back and forth inside the window
    left = np.minimum(at.astype(int), time - 2)
    part = (at - left)[..., None]
    row = np.arange(n)[:, None]
    moved = X[row, left] * (1 - part) + X[row, left + 1] * part
    moved[:, :, 3:] *= (np.where(ahead, 1, -1) * pace)[
        ..., None
    ]  # backwards, all turns the other way
    mean = moved.mean(axis=1, keepdims=True)
    moved = mean + (moved - mean) * np.exp(rng.normal(0, vigour, (n, 1, 1)))
    turn = _rotations(rng.normal(0, np.radians(strap_deg), (n, 3)))
    both = moved.reshape(n, time, 2, 3) @ turn[:, None].transpose(0, 1, 3, 2)
    varied = both.reshape(n, time, 6)
    return (varied + rng.normal(0, noise, varied.shape)).astype(np.float32)


def _rotations(vectors: np.ndarray) -> np.ndarray:
    """Rodrigues: rotation vectors (n, 3) in radians -> matrices (n, 3, 3)."""
    angle = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None, None]
    x, y, z = (vectors / angle[:, 0]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
