"""The NumPy twin of `c/fft.h`: the same butterflies in the same order, so the same float32 bits.

Arrays run over time first and over windows second, (length, n). Radix-4 Cooley–Tukey, and a real
transform by a complex one of half the length (Sorensen et al., IEEE Trans. ASSP 35, 1987).
"""

from __future__ import annotations

from functools import cache

import numpy as np


def is_power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


@cache
def quarter_cosine(turn: int) -> np.ndarray:
    """(turn / 4 + 1,) float32 cos(2πi / turn), from 1 to exactly 0: the one table on the device."""
    table = np.cos(2 * np.pi * np.arange(turn // 4 + 1) / turn).astype(np.float32)
    table[-1] = 0
    table.flags.writeable = False
    return table


@cache
def rotations(turn: int) -> tuple[np.ndarray, np.ndarray]:
    """(turn,) float32 cos and sin of 2πk / turn, unfolded from the quarter."""
    quarter = quarter_cosine(turn)
    half = np.concatenate([quarter, -quarter[-2::-1]])
    cosine = np.concatenate([half, half[-2:0:-1]])
    return cosine, np.roll(cosine, turn // 4)


def hann(length: int) -> np.ndarray:
    """(length,) float32 periodic Hann window, 0 at its first sample."""
    return np.float32(0.5) - np.float32(0.5) * rotations(length)[0]


@cache
def _bit_reversed(size: int) -> np.ndarray:
    order = np.zeros(1, np.int64)
    while len(order) < size:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _rotate(re, im, cosine, sine):
    return re * cosine + im * sine, im * cosine - re * sine


def fft(re: np.ndarray, im: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Complex transform over the first axis, not scaled. (size, n) float32 twice -> the same."""
    size, n = re.shape
    order = _bit_reversed(size)
    re, im = re[order], im[order]
    m = 1
    if (size.bit_length() - 1) % 2:  # an odd power of two: one radix-2 step first
        re, im = (
            np.stack([z[0::2] + z[1::2], z[0::2] - z[1::2]], 1).reshape(size, n) for z in (re, im)
        )
        m = 2
    while m < size:
        cosine, sine = (w[:, None] for w in rotations(4 * m))
        k = np.arange(m)
        groups = (size // (4 * m), 4, m, n)
        re, im = re.reshape(groups), im.reshape(groups)
        ar, ai = re[:, 0], im[:, 0]
        br, bi = _rotate(re[:, 1], im[:, 1], cosine[2 * k], sine[2 * k])
        cr, ci = _rotate(re[:, 2], im[:, 2], cosine[k], sine[k])
        dr, di = _rotate(re[:, 3], im[:, 3], cosine[3 * k], sine[3 * k])
        pr, pi, qr, qi = ar + br, ai + bi, ar - br, ai - bi
        sr, si, tr, ti = cr + dr, ci + di, cr - dr, ci - di
        re = np.stack([pr + sr, qr + ti, pr - sr, qr - ti], 1).reshape(size, n)
        im = np.stack([pi + si, qi - tr, pi - si, qi + tr], 1).reshape(size, n)
        m *= 4
    return re, im


def rfft(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectrum of real windows. (size, n) float32 -> real and imaginary part, each (size / 2 + 1, n)."""
    size = len(x)
    if not is_power_of_two(size) or size < 4:
        raise ValueError(f"a transform's length must be a power of two from 4 on, not {size}")
    half = size // 2
    zr, zi = fft(x[0::2], x[1::2])
    re, im = np.empty((2, half + 1, x.shape[1]), np.float32)
    k = np.arange(1, half // 2)
    ar, ai, br, bi = zr[k], zi[k], zr[half - k], zi[half - k]
    cosine, sine = (w[k][:, None] for w in rotations(size))
    h = np.float32(0.5)
    even_r, even_i = h * (ar + br), h * (ai - bi)
    turned_r, turned_i = _rotate(h * (ai + bi), h * (br - ar), cosine, sine)
    re[k], im[k] = even_r + turned_r, even_i + turned_i
    re[half - k], im[half - k] = even_r - turned_r, turned_i - even_i
    re[half // 2], im[half // 2] = zr[half // 2], -zi[half // 2]
    re[0], re[half] = zr[0] + zi[0], zr[0] - zi[0]
    im[0] = im[half] = 0
    return re, im
