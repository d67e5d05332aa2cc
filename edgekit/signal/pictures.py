"""Pictures varied for training, and described for classical methods."""

from __future__ import annotations

import numpy as np


def picture_noise(
    X: np.ndarray, rng: np.random.Generator, zoom=0.15, turn=6.0, light=0.3, grain=8.0
) -> np.ndarray:
    """One random variation of each picture. `X` (n, height, width, 1), 0…255 -> the same, float32.

    What does not change what is seen: left and right (half of them mirrored), distance (up to `zoom`
    nearer or farther), a camera that hangs askew (up to `turn` degrees), light (brightness and contrast
    up to `light` of the range, gamma), noise (standard deviation up to `grain` grey values). Edges
    are repeated where a picture no longer reaches. Whole grey values, as a camera gives them.
    """
    n, height, width, _ = X.shape
    scale = np.exp(rng.uniform(-zoom, zoom, n)).astype(np.float32)
    angle = np.deg2rad(rng.uniform(-turn, turn, n)).astype(np.float32)
    mirror = rng.choice(np.array([-1, 1], np.float32), n)
    shift = rng.uniform(-0.04, 0.04, (n, 2)) * (height, width)
    gamma = np.exp(rng.uniform(-light, light, (n, 1, 1)))
    gain = np.exp(rng.uniform(-light, light, (n, 1, 1)))
    offset = rng.uniform(-light / 2, light / 2, (n, 1, 1))
    spread = rng.uniform(0, grain, (n, 1, 1))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    varied = np.empty(X.shape[:3], np.float32)
    for i in range(n):
        c, s = np.cos(angle[i]) / scale[i], np.sin(angle[i]) / scale[i]
        u, v = mirror[i] * (c * x + s * y), c * y - s * x
        varied[i] = _sample(
            X[i, :, :, 0], v + (height - 1) / 2 + shift[i, 0], u + (width - 1) / 2 + shift[i, 1]
        )
    varied = 255 * np.clip(varied / 255, 0, 1) ** gamma
    middle = varied.mean(axis=(1, 2), keepdims=True)
    varied = (varied - middle) * gain + middle + 255 * offset
    varied += spread * rng.standard_normal(varied.shape, np.float32)
    return np.clip(np.rint(varied), 0, 255).astype(np.float32)[..., None]


def _sample(picture: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear values of a picture (height, width) at rows `y` and columns `x`."""
    height, width = picture.shape
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    i, j = y.astype(np.int32), x.astype(np.int32)
    v, u = y - i, x - j
    flat, at = picture.reshape(-1), i * width + j
    top = flat[at] * (1 - u) + flat[at + 1] * u
    bottom = flat[at + width] * (1 - u) + flat[at + width + 1] * u
    return top * (1 - v) + bottom * v


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
