"""Faults that show against the other recordings only: copies, swapped axes, doubtful rates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from edgekit.data.recordings import Recording

ALIKE = 0.95  # normalized cross-correlation of two recordings that is suspect
LONGEST = 1 << 15  # samples of a recording that comparisons look at
NEAREST = 8  # recordings of similar spectrum that each is compared with, where there are many
ALL_PAIRS = 40  # recordings up to which each is compared with each
PEERS = 4  # recordings that are needed to say what is usual


class Labelled(Protocol):
    """Samples with a label, or None: a Recording, or what is to become one."""

    @property
    def samples(self) -> np.ndarray: ...
    @property
    def label(self) -> str | None: ...


def copies(recordings: Sequence[Labelled]) -> dict[int, int]:
    """Index of a recording → index of the one whose samples it repeats.

    The first of several is kept, unless their labels contradict: then nobody knows which is right.
    """
    same: dict[tuple, list[int]] = {}
    for i, recording in enumerate(recordings):
        digest = hashlib.sha256(np.ascontiguousarray(recording.samples).data).digest()
        same.setdefault((recording.samples.shape, digest), []).append(i)
    found: dict[int, int] = {}
    for group in same.values():
        if len(group) > 1 and len(recordings[group[0]].samples):
            found |= {i: group[0] for i in group[1:]}
            if len({recordings[i].label for i in group}) > 1:
                found[group[0]] = group[1]
    return found


def alike(recordings, rate: float, shortest: float, skip) -> list[tuple[float, int]]:
    """(largest |correlation|, with which other) of each: shifted, scaled, cropped, noisy copies.

    The middle half of each recording is slid along others (first channel, near the common `rate`, at
    most LONGEST samples) and normalized by the local energy there: along all others, or, of many
    recordings, along those whose spectra are nearest. `skip` holds the indices of exact copies.
    """
    signals = [
        np.zeros(0) if i in skip else _one_channel(r, rate, shortest)
        for i, r in enumerate(recordings)
    ]
    size = 2 * max((len(x) for x in signals), default=1)
    size = 1 << int(np.ceil(np.log2(max(size, 2))))
    many = len(signals) > ALL_PAIRS
    spectra = [] if many else [np.fft.rfft(x, size).astype(np.complex64) for x in signals]
    energy = [np.concatenate(([0.0], np.cumsum(x**2))) for x in signals]
    near = _nearest(signals) if many else [np.arange(len(signals))] * len(signals)
    best = [(0.0, -1)] * len(signals)
    for i, x in enumerate(signals):
        piece = x[len(x) // 4 : len(x) - len(x) // 4]
        norm = np.sqrt((piece**2).sum())
        if norm == 0:
            continue
        conjugate = np.fft.rfft(piece, size).conj().astype(np.complex64)
        for j in near[i].tolist():
            places = len(signals[j]) - len(piece) + 1
            if i == j or places < 1:
                continue
            other = np.fft.rfft(signals[j], size) if many else spectra[j]
            match = np.abs(np.fft.irfft(other * conjugate, size)[:places])
            local = np.sqrt(np.maximum(energy[j][len(piece) :] - energy[j][: -len(piece)], 0))
            loud = local > 1e-3 * norm
            if not loud.any():
                continue
            at = int(np.argmax(np.where(loud, match / np.maximum(local * norm, 1e-30), 0)))
            score = float(match[at] / (local[at] * norm))
            if score >= ALIKE and not _same_detail(piece, signals[j][at : at + len(piece)]):
                score = ALIKE - 0.01  # two sines are alike and no copies
            best[i] = max(best[i], (score, j))
            best[j] = max(best[j], (score, i))
    return best


def _one_channel(recording: Recording, rate: float, shortest: float) -> np.ndarray:
    """The first channel, shortened to what comparisons need; empty where it cannot be compared."""
    from scipy.signal import resample_poly

    if recording.samples.ndim != 2 or not recording.rate > 0:
        return np.zeros(0)
    x = recording.samples[:, 0].astype(np.float64)
    if len(x) < max(shortest * recording.rate, 64) or not np.isfinite(x).all():
        return np.zeros(0)
    step = max(1, round(recording.rate / rate)) if recording.rate != rate else 1
    x = resample_poly(x, 1, step) if step > 1 else x
    x = x[:LONGEST]
    x = x - np.median(x)  # a knock moves the mean
    if len(np.unique(x[:4096])) < 16:  # a coarse, slow signal resembles every other
        return np.zeros(0)
    # of a slow signal the steps: two temperatures that both rise are no copies
    return np.diff(x) if _slow(x) else x


def _same_detail(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether the fast part of two smooth signals is the same too: noise is not twice the same."""
    x, y = np.diff(x, 2), np.diff(y, 2)
    return abs(float((x * y).sum())) > 0.5 * float(np.sqrt((x * x).sum() * (y * y).sum() + 1e-30))


def _slow(x: np.ndarray) -> bool:
    return float(np.abs(np.diff(x)).mean()) < 0.02 * float(np.abs(x).mean() + 1e-30)


def _nearest(signals: list[np.ndarray]) -> list[np.ndarray]:
    """For each the NEAREST others by the shape of their spectra, coarse and logarithmic."""
    coarse = []
    for x in signals:
        power = np.abs(np.fft.rfft(x[:4096], 4096)[1:]) ** 2 + 1e-30
        coarse.append(np.log(power.reshape(32, -1).mean(axis=1)))
    shapes = np.array(coarse)
    shapes -= shapes.mean(axis=1, keepdims=True)
    squares = (shapes**2).sum(axis=1)
    far = squares[:, None] + squares - 2 * shapes @ shapes.T
    far[[len(x) == 0 for x in signals]] = np.inf
    far[:, [len(x) == 0 for x in signals]] = np.inf
    np.fill_diagonal(far, np.inf)
    return [np.argsort(row)[:NEAREST] for row in far]


# ------------------------------------------------------------------------------- swapped axes


def swapped(recordings: list[Recording]) -> dict[int, str]:
    """Index → the order, or the sign, in which its channels would fit the others of its label.

    Where each channel stands and how strongly it moves is compared with what is usual for recordings of
    the same label. Only what is far off as it is, and usual when permuted or turned, is named.
    """
    found = {}
    for mine in _peers(recordings, lambda r: (r.label, r.channels)):
        first = recordings[mine[0]]
        if len(mine) <= PEERS or first.samples.ndim != 2 or len(first.channels) < 2:
            continue
        stats = np.array([_stand(recordings[i].samples) for i in mine])  # (n, channel, 2)
        if not np.isfinite(stats).all():
            continue
        for k, i in enumerate(mine):
            others = np.delete(stats, k, axis=0)
            if text := _better(stats[k], others, first.channels):
                found[i] = text
    return found


def _peers(recordings, key) -> list[list[int]]:
    groups: dict = {}
    for i, r in enumerate(recordings):
        groups.setdefault(key(r), []).append(i)
    return list(groups.values())


def _stand(x: np.ndarray) -> np.ndarray:
    """(channel, 2): the median, and the logarithm of the spread."""
    with np.errstate(all="ignore"):
        return np.stack([np.nanmedian(x, axis=0), np.log(np.nanstd(x, axis=0) + 1e-12)], axis=1)


def _better(mine: np.ndarray, others: np.ndarray, channels: tuple[str, ...]) -> str:
    from scipy.optimize import linear_sum_assignment

    usual = np.median(others, axis=0)
    spread = 1.4826 * np.median(np.abs(others - usual), axis=0)
    level = np.exp(
        np.median(others[:, :, 1])
    )  # how much channels move: what a shift is held against
    spread = np.maximum(spread, [0.3 * level + 1e-9, 0.25])
    cost = (np.abs(mine[:, None] - usual[None]) / spread[None]).max(axis=2).clip(0, 30)
    straight = np.diag(cost)
    rows, columns = linear_sum_assignment(cost)
    moved = rows != columns
    off = straight[moved]
    if (
        moved.any()
        and off.min() > 2.5
        and off.mean() > 4
        and cost[rows, columns][moved].max() < 3.5
    ):
        order = np.empty(len(rows), int)
        order[columns] = rows
        return f"channels seem to be swapped: in the order {', '.join(channels[i] for i in order)} they fit"
    turned = mine * [-1, 1]
    after = (np.abs(turned - usual) / spread).max(axis=1)
    wrong = straight > 6
    if wrong.any() and wrong.sum() <= len(wrong) / 2 + 0.5 and after[wrong].max() < 2.5:
        names = ", ".join(c for c, w in zip(channels, wrong, strict=True) if w)
        return f"the sign of {names} seems to be turned"
    return ""


# --------------------------------------------------------------------------------- wrong rate


def wrong_rate(recordings: list[Recording]) -> dict[int, str]:
    """Index → why its rate is doubted: its spectrum is that of the others of its label, stretched; or the
    upper half of it is empty and theirs is not."""
    found = {}
    for mine in _peers(recordings, lambda r: (r.label, r.channels)):
        if len(mine) <= PEERS or recordings[mine[0]].samples.ndim != 2:
            continue
        spectra = [_log_spectrum(recordings[i]) for i in mine]
        if any(s is None for s in spectra):
            continue
        some = np.unique(np.linspace(0, len(mine) - 1, 10).astype(int))
        pairs = [_similar(spectra[a], spectra[b]) for a in some for b in some if a < b]
        agree = float(np.nanmedian(pairs)) if np.isfinite(pairs).any() else 0.0
        for k, i in enumerate(mine if agree > 0.75 else []):
            others = [spectra[j] for j in some if j != k]
            if ratio := _stretch(spectra[k], others, agree):
                likely = recordings[i].rate / ratio
                found[i] = (
                    f"its spectrum fits the others' if it was sampled at about {likely:.3g} Hz"
                )
        top = np.array([_upper(recordings[i]) for i in mine])
        for k, i in enumerate(mine):
            theirs = np.delete(top, k)
            if top[k] < np.median(theirs) - 4 and top[k] < np.min(theirs) - 2:
                found.setdefault(
                    i,
                    f"next to nothing above {recordings[i].rate / 4:.3g} Hz: sampled up from a lower rate?",
                )
    return found


STEPS = 12  # of the logarithmic axis, an octave
LOWEST = 2.0**-12  # Hz; the axis begins there


def _log_spectrum(recording: Recording):
    """(first step, levels): the logarithm of power on a logarithmic axis of Hz; None if it is too short."""
    from scipy.signal import welch

    x = recording.samples[: 4 * LONGEST, 0]
    if len(x) < 256 or not recording.rate > 0 or not np.isfinite(x).all():
        return None
    size = min(2048, 1 << int(np.log2(len(x) // 4)))
    f, power = welch(x.astype(np.float64), recording.rate, nperseg=size)
    first = int(np.ceil(STEPS * np.log2(4 * f[1] / LOWEST)))
    last = int(STEPS * np.log2(0.9 * recording.rate / 2 / LOWEST))
    if last - first < 3 * STEPS:
        return None
    grid = LOWEST * 2.0 ** (np.arange(first, last) / STEPS)
    level = np.interp(np.log(grid), np.log(f[1:]), np.log(power[1:] + 1e-30))
    kernel = np.ones(STEPS // 4) / (STEPS // 4)
    return first, np.convolve(np.pad(level, 1, "edge"), kernel, "valid")


def _similar(a, b, shift: int = 0) -> float:
    """Correlation of two spectra where they overlap, the first moved by `shift` steps; NaN if too little."""
    (first_a, x), (first_b, y) = a, b
    low = max(first_a + shift, first_b)
    high = min(first_a + shift + len(x), first_b + len(y))
    if high - low < max(2.5 * STEPS, 0.5 * min(len(x), len(y))):
        return np.nan
    x, y = x[low - first_a - shift : high - first_a - shift], y[low - first_b : high - first_b]
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum() + 1e-30))


def _stretch(mine, others, agree: float) -> float:
    """The factor by which `mine` is stretched against all `others`, 0 if it is not. As stated it must fit
    badly, stretched as well as the others `agree` among themselves."""
    now = np.nanmedian([_similar(mine, o) for o in others])
    if not now < 0.6:
        return 0.0
    best, ratio = 0.0, 0.0
    for shift in range(-4 * STEPS, 4 * STEPS + 1):
        if abs(shift) < 0.6 * STEPS:  # machines do run half as fast again
            continue
        fits = [_similar(mine, o, shift) for o in others]
        if np.isfinite(fits).mean() > 0.5 and np.nanmedian(fits) > best:
            best, ratio = float(np.nanmedian(fits)), 2.0 ** (-shift / STEPS)
    return ratio if best > agree - 0.07 and best > now + 0.3 else 0.0


def _upper(recording: Recording) -> float:
    """log10 of the power in the upper half of the spectrum over that in the lower."""
    from scipy.signal import welch

    f, power = welch(
        recording.samples[: 4 * LONGEST, 0].astype(np.float64), recording.rate, nperseg=256
    )
    half, upper = f[-1] / 2, power[f > 1.1 * f[-1] / 2]
    return float(
        np.log10(np.median(upper) + 1e-30) - np.log10(np.median(power[1:][f[1:] < half]) + 1e-30)
    )
