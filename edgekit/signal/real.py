"""float32 arithmetic as the C side does it, operation by operation: the NumPy twin of `c/real.h`.

The same additions and multiplications in the same order, each rounded once to float32, give the same
bits on this machine and on a microcontroller, so what a network was trained on is what it will be given.
Therefore sums run from the first to the last element, complex numbers are pairs of real arrays (NumPy
fuses complex products on some machines), and nothing is computed in float64 on the way.
"""

from __future__ import annotations

import numpy as np

LARGEST_SAMPLE = 1e6  # in whatever unit; keeps every later square and sum finite


def bounded(X: np.ndarray) -> np.ndarray:
    """Samples as float32: NaN counts as 0, and beyond ±1e6 they are clamped."""
    with np.errstate(over="ignore"):
        X = np.nan_to_num(
            np.asarray(X, np.float32), nan=0.0, posinf=LARGEST_SAMPLE, neginf=-LARGEST_SAMPLE
        )
    return np.clip(X, np.float32(-LARGEST_SAMPLE), np.float32(LARGEST_SAMPLE))


def from_first(x: np.ndarray) -> np.ndarray:
    """Along the first axis, less its first value: a large offset (gravity, a bias) would cost the sums
    that follow their last digits."""
    return x - x[:1]


def total(x: np.ndarray) -> np.ndarray:
    """Sum over the first axis, one after the other."""
    result = np.zeros(x.shape[1:], np.float32)
    for row in x:
        result += row
    return result


def log(x: np.ndarray) -> np.ndarray:
    """ln(x) of normal float32 x > 0, within 2 ulp (Cephes logf)."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    e = ((bits >> 23).astype(np.int32) - 126).astype(np.float32)
    r = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)  # 0.5 … 1
    small = r < np.float32(0.707106781)
    e = np.where(small, e - np.float32(1), e)
    r = np.where(small, r + r, r) - np.float32(1)
    p = np.full_like(r, 7.0376836292e-2)
    for coefficient in (
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ):
        p = p * r + np.float32(coefficient)
    square = r * r
    p = p * r * square
    p = p - e * np.float32(2.12194440e-4)
    p = p - np.float32(0.5) * square
    return r + p + e * np.float32(0.693359375)


def in_pieces(step, X: np.ndarray, count: int = 64) -> np.ndarray:
    """`step` of `count` windows at a time, one after the other: small enough to stay in the cache."""
    return np.concatenate([step(X[i : i + count]) for i in range(0, max(1, len(X)), count)])
