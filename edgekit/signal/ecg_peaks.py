"""R peaks: when the heart beat. The NumPy twin of `c/ecg_peaks.h`, sample by sample there,
candidate by candidate here.

After J. Pan, W. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. BME 32, 1985: the energy of
the slope in a moving window, an adaptive threshold between the level of beats and that of the rest, a rule
against T waves, and a search back where a beat is overdue.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RATE = 125  # Hz
NEVER = -(1 << 20)
f = np.float32


class DetectorLengths(NamedTuple):
    """Lengths in samples; `c/ecg_peaks.h` says what for."""

    slope: int
    energy: int
    refractory: int
    twave: int
    learn: int
    silence: int
    longest: int
    near: int
    second: int


DETECTOR_LENGTHS = {
    RATE: DetectorLengths(3, 21, 25, 45, 250, 250, 375, 19, 125),
    RATE / 2: DetectorLengths(2, 11, 12, 22, 125, 125, 187, 10, 62),
}


def detector_lengths(rate: float) -> DetectorLengths:
    """The detector's lengths. Raises ValueError for another rate than 125 and 62.5 Hz."""
    if rate not in DETECTOR_LENGTHS:
        raise ValueError(
            f"the rate must be {' or '.join(map(str, DETECTOR_LENGTHS))} Hz, not {rate}"
        )
    return DETECTOR_LENGTHS[rate]


def r_peaks(x: np.ndarray, learn_first: bool = False, rate: float = RATE) -> list[np.ndarray]:
    """Where each stream's beats are: `x` (n, time) in mV at `rate` -> n arrays of sample numbers, ascending.

    A causal detector sets its levels on the first 2 s and finds no beat in them; with `learn_first` it
    is given these 2 s once before it begins, as the feature step does within a window. The same bits as the
    C side. Raises ValueError for streams that are shorter than 2 s.
    """
    p, x = detector_lengths(rate), np.asarray(x, np.float32)
    if x.ndim != 2 or x.shape[1] < p.learn:
        raise ValueError(f"expected streams (n, time) of {p.learn} samples or more, got {x.shape}")
    _, energy = _energies(x[:, : p.learn], p)
    levels = f(0.6) * np.sqrt(energy.max(axis=1).astype(np.float32))
    start = 0 if learn_first else p.learn
    square, energy = _energies(x[:, start:], p)
    steep, middle = _largest(square, p.energy), _middles(square, energy, p)
    beats = (
        _walk(*streams, p)
        for streams in zip(middle, steep, energy, _candidates(energy, p), levels, strict=True)
    )
    return [np.array(found, np.int64) + start for found in beats]


def _energies(x: np.ndarray, p: DetectorLengths):
    """Squared slopes, and the sums of the last `energy` of them; (n, time) int32."""
    x = np.clip(x, f(-1e6), f(1e6))
    counts = np.trunc(x * f(200) + f(131072.5)).astype(np.int32) - 131072
    counts = np.clip(counts, -131072, 131071)
    rim = 2 * p.slope - 1
    padded = np.concatenate([np.repeat(counts[:, :1], rim, axis=1), counts], axis=1)
    slope = np.zeros_like(counts)
    for i in range(p.slope):
        slope += padded[:, rim - i :][:, : slope.shape[1]]
        slope -= padded[:, rim - p.slope - i :][:, : slope.shape[1]]
    square = np.clip(slope, -4096, 4095) ** 2
    energy = np.cumsum(square, axis=1, dtype=np.int64)
    energy[:, p.energy :] -= energy[:, : -p.energy].copy()
    return square, energy.astype(np.int32)


def _middles(square: np.ndarray, energy: np.ndarray, p: DetectorLengths) -> np.ndarray:
    """How many samples ago the middle of the last `energy` squared slopes lies, and `slope` for their delay:
    steadier than where the sum is largest. (n, time)."""
    at = np.arange(square.shape[1])
    moment = np.cumsum(square * at, axis=1)
    moment[:, p.energy :] -= moment[:, : -p.energy].copy()
    moment, top = at * energy.astype(np.int64) - moment, np.maximum(energy, 1).astype(np.int64)
    return (2 * moment + top) // (2 * top) + p.slope


def _largest(x: np.ndarray, count: int) -> np.ndarray:
    """Running maximum of the last `count` values along the second axis, by doubling."""
    have = 1
    while have < count:
        step = min(have, count - have)
        x = np.concatenate([x[:, :step], np.maximum(x[:, step:], x[:, :-step])], axis=1)
        have += step
    return x


def _candidates(energy: np.ndarray, p: DetectorLengths) -> list[list[int]]:
    """Of each stream, the energies that none of the next `energy` samples exceeds, each judged in its turn:
    what lies between one and its judgement is passed over."""
    time = energy.shape[1]
    ahead = np.zeros_like(energy)  # the largest of the next p.energy
    ahead[:, : -p.energy] = _largest(energy, p.energy)[:, p.energy :]
    able = (energy > 0) & (energy >= ahead)
    able[:, time - p.energy :] = False  # the stream ends before the judgement
    found = []
    for row in able:
        chosen, free = [], 0
        for at in np.flatnonzero(row).tolist():
            if at >= free:
                chosen.append(at)
                free = at + p.energy + 1
        found.append(chosen)
    return found


def _walk(middle, steepest, energy, candidates, level_of_beats, p: DetectorLengths) -> list[int]:
    """One stream: each candidate is judged, and where a beat is overdue the best refused one is taken."""
    signal, noise = level_of_beats, f(0.125) * level_of_beats
    last, steep, interval, now = NEVER, 0, f(p.second), 0
    missed, missed_at, missed_steep, missed_ago = f(0), 0, 0, 0
    found: list[int] = []

    def beat(at, ago, level, slope, weight):
        nonlocal last, steep, interval, signal, missed
        if found and at - last < p.longest:
            interval += (f(at - last) - interval) * f(0.125)
        signal += f(weight) * (level - signal)
        last, steep, missed = at, slope, f(0)
        found.append(at - ago)

    def search(upto):
        nonlocal now, signal, noise
        while found and now < upto:
            now = max(now, last + p.energy + int(f(1.6) * interval) + 1)
            if now >= upto:
                break
            if missed > f(0.6) * (noise + f(0.35) * (signal - noise)):
                beat(missed_at, missed_ago, missed, missed_steep, 0.25)
                now += 1
            elif now - last > p.silence:
                signal, noise = signal * f(0.98), noise * f(0.98)
                now += 1
            else:
                now = last + p.silence + 1
        now = upto

    for at in candidates:
        search(at + p.energy)  # it is judged when `energy` samples have passed
        if at - last <= p.refractory:
            continue
        level, slope = np.sqrt(f(energy[at])), int(steepest[at])
        ago = int(middle[at])
        twave = at - last < p.twave and f(slope) < f(0.36) * f(steep)
        if level > noise + f(0.35) * (signal - noise) and not twave:
            beat(at, ago, min(level, f(2) * signal), slope, 0.125)
            continue
        noise += f(0.125) * (min(level, signal) - noise)
        if level > missed and not twave:
            missed, missed_at, missed_steep, missed_ago = level, at, slope, ago
    search(len(energy))
    return found
