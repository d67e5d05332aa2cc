"""Pictures varied for training, and described for classical methods."""

from __future__ import annotations

import numpy as np


def picture_noise(
    X: np.ndarray,
    rng: np.random.Generator,
    zoom: float = 0.15,
    shift: float = 0.05,
    light: float = 0.3,
    grain: float = 8.0,
) -> np.ndarray:
    """One random variation of each picture. `X` (n, height, width, 1), 0…255 -> the same, float32.

    What does not change what is seen: left and right (half of them mirrored), distance (up to `zoom`
    nearer or farther) and place (up to `shift` of the picture), light (brightness, contrast and gamma,
    up to `light`), noise (standard deviation up to `grain` grey values). Edges are repeated where a
    picture no longer reaches. Whole grey values, as a camera gives them.
    """
    n, height, width, _ = X.shape
    scale = np.exp(rng.uniform(-zoom, zoom, n))
    mirror = rng.choice([-1.0, 1.0], n)
    down, right = (side * shift * rng.uniform(-1, 1, n) for side in (height, width))
    return light_noise(moved(X, scale, mirror, down, right), rng, light, grain)


def moved(X: np.ndarray, scale, mirror, down, right) -> np.ndarray:
    """Pictures `X` (n, height, width, 1) zoomed about their middle by `scale`, `mirror`ed where that is
    -1, and sampled `down` and `right` of where they were, in pixels; (n,) each. float32."""
    from threadpoolctl import threadpool_limits

    rows = _resample(X.shape[1], scale, down)
    columns = _resample(X.shape[2], scale * mirror, right)
    with threadpool_limits(1):  # matrices this small only wait for other threads
        return (rows @ X[:, :, :, 0].astype(np.float32) @ columns.transpose(0, 2, 1))[..., None]


def light_noise(X: np.ndarray, rng: np.random.Generator, light=0.3, grain=8.0) -> np.ndarray:
    """Pictures (n, height, width, 1) in another light, by a camera with more noise; whole grey values."""
    n = len(X)
    gamma, gain = (
        np.exp(rng.uniform(-light, light, (n, 1, 1, 1))).astype(np.float32) for _ in range(2)
    )
    offset = (255 * rng.uniform(-light / 2, light / 2, (n, 1, 1, 1))).astype(np.float32)
    varied = 255 * np.clip(X.astype(np.float32) / 255, 0, 1) ** gamma
    middle = varied.mean(axis=(1, 2), keepdims=True)
    varied = (varied - middle) * gain + middle + offset
    spread = rng.uniform(0, grain, (n, 1, 1, 1)).astype(np.float32)
    varied += spread * rng.standard_normal(varied.shape, np.float32)
    return np.clip(np.rint(varied), 0, 255)


def _resample(length: int, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n, length, length) float32: each row the weights of a bilinear sample, scaled about the middle."""
    middle = (length - 1) / 2
    at = (np.arange(length) - middle)[None] / scale[:, None] + middle + shift[:, None]
    at = np.clip(at, 0, length - 1)
    return np.maximum(0, 1 - np.abs(at[:, :, None] - np.arange(length))).astype(np.float32)


def gradients(X: np.ndarray, cells: int = 4, directions: int = 6) -> np.ndarray:
    """Histograms of oriented gradients: `X` (n, height, width) -> (n, cells² · (directions + 1)) float64.

    For each of `cells` x `cells` cells, how much of the picture's change runs in each of `directions`
    between 0° and 180°, normalized over the picture, and the cell's mean brightness (Dalal and Triggs,
    CVPR 2005, without their overlapping blocks).
    """
    n, height, width = X.shape
    dy, dx = np.gradient(X.astype(np.float64), axis=(1, 2))
    strength = np.hypot(dx, dy)
    part = np.mod(np.arctan2(dy, dx), np.pi) / np.pi * directions
    low = np.floor(part).astype(int) % directions
    share = part - np.floor(part)
    row, column = np.arange(height) * cells // height, np.arange(width) * cells // width
    cell = row[:, None] * cells + column[None]
    table = np.zeros((n, cells * cells, directions))
    index = np.arange(n)[:, None, None]
    np.add.at(table, (index, cell[None], low), strength * (1 - share))
    np.add.at(table, (index, cell[None], (low + 1) % directions), strength * share)
    table = np.sqrt(table / np.maximum(table.sum(axis=(1, 2), keepdims=True), 1e-9))
    bright = np.zeros((n, cells * cells))
    np.add.at(bright, (index, cell[None]), X)
    bright /= np.bincount(cell.ravel())
    return np.concatenate([table.reshape(n, -1), bright], axis=1)
