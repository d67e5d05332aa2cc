"""R peaks: when the heart beat. The NumPy twin of `c/ecg_peaks.h`, sample by sample there,
candidate by candidate here.

After J. Pan, W. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. BME 32, 1985: the energy of
the slope in a moving window, an adaptive threshold between the level of beats and that of the rest, a rule
against T waves, and a search back where a beat is overdue.
"""

from __future__ import annotations

import numpy as np

RATE = 125  # Hz: what the lengths below, in samples, are made for
SLOPE, ENERGY, REFRACTORY, TWAVE, LEARN, SILENCE, LONGEST = 3, 21, 25, 45, 250, 250, 375
NEVER = -(1 << 20)
f = np.float32


def r_peaks(x: np.ndarray, learn_first: bool = False) -> list[np.ndarray]:
    """Where each stream's beats are: `x` (n, time) in mV at 125 Hz -> n arrays of sample numbers, ascending.

    A causal detector sets its levels on the first 2 s and finds no beat in them; with `learn_first` it
    hears these 2 s once before it begins, as the feature step does within a window. The same bits as the
    C side. Raises ValueError for streams that are shorter than 2 s.
    """
    x = np.asarray(x, np.float32)
    if x.ndim != 2 or x.shape[1] < LEARN:
        raise ValueError(f"expected streams (n, time) of {LEARN} samples or more, got {x.shape}")
    _, energy = _energies(x[:, :LEARN])
    levels = f(0.6) * np.sqrt(energy.max(axis=1).astype(np.float32))
    start = 0 if learn_first else LEARN
    square, energy = _energies(x[:, start:])
    steep, middle = _largest(square, ENERGY), _middles(square, energy)
    beats = (
        _walk(*streams)
        for streams in zip(middle, steep, energy, _candidates(energy), levels, strict=True)
    )
    return [np.array(found, np.int64) + start for found in beats]


def _energies(x: np.ndarray):
    """Squared slopes, and the sums of the last ENERGY of them; (n, time) int32."""
    x = np.clip(x, f(-1e6), f(1e6))
    counts = np.trunc(x * f(200) + f(131072.5)).astype(np.int32) - 131072
    counts = np.clip(counts, -131072, 131071)
    rim = 2 * SLOPE - 1
    padded = np.concatenate([np.repeat(counts[:, :1], rim, axis=1), counts], axis=1)
    slope = np.zeros_like(counts)
    for i in range(SLOPE):
        slope += padded[:, rim - i :][:, : slope.shape[1]]
        slope -= padded[:, rim - SLOPE - i :][:, : slope.shape[1]]
    square = np.clip(slope, -4096, 4095) ** 2
    energy = np.cumsum(square, axis=1, dtype=np.int64)
    energy[:, ENERGY:] -= energy[:, :-ENERGY].copy()
    return square, energy.astype(np.int32)


def _middles(square: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """How many samples ago the middle of the last ENERGY squared slopes lies, and SLOPE for their own delay:
    steadier than where the sum is largest. (n, time)."""
    at = np.arange(square.shape[1])
    moment = np.cumsum(square * at, axis=1)
    moment[:, ENERGY:] -= moment[:, :-ENERGY].copy()
    moment, top = at * energy.astype(np.int64) - moment, np.maximum(energy, 1).astype(np.int64)
    return (2 * moment + top) // (2 * top) + SLOPE


def _largest(x: np.ndarray, count: int) -> np.ndarray:
    """Running maximum of the last `count` values along the second axis, by doubling."""
    have = 1
    while have < count:
        step = min(have, count - have)
        x = np.concatenate([x[:, :step], np.maximum(x[:, step:], x[:, :-step])], axis=1)
        have += step
    return x


def _candidates(energy: np.ndarray) -> list[list[int]]:
    """Of each stream, the energies that none of the next ENERGY samples exceeds, each judged in its turn:
    what lies between one and its judgement is passed over."""
    time = energy.shape[1]
    ahead = np.zeros_like(energy)  # the largest of the next ENERGY
    ahead[:, :-ENERGY] = _largest(energy, ENERGY)[:, ENERGY:]
    able = (energy > 0) & (energy >= ahead)
    able[:, time - ENERGY :] = False  # the stream ends before the judgement
    found = []
    for row in able:
        chosen, free = [], 0
        for at in np.flatnonzero(row).tolist():
            if at >= free:
                chosen.append(at)
                free = at + ENERGY + 1
        found.append(chosen)
    return found


def _walk(middle, steepest, energy, candidates, level_of_beats) -> list[int]:
    """One stream: each candidate is judged, and where a beat is overdue the best refused one is taken."""
    signal, noise = level_of_beats, f(0.125) * level_of_beats
    last, steep, interval, now = NEVER, 0, f(125), 0
    missed, missed_at, missed_steep, missed_ago = f(0), 0, 0, 0
    found: list[int] = []

    def beat(at, ago, level, slope, weight):
        nonlocal last, steep, interval, signal, missed
        if found and at - last < LONGEST:
            interval += (f(at - last) - interval) * f(0.125)
        signal += f(weight) * (level - signal)
        last, steep, missed = at, slope, f(0)
        found.append(at - ago)

    def search(upto):
        nonlocal now, signal, noise
        while found and now < upto:
            now = max(now, last + ENERGY + int(f(1.6) * interval) + 1)
            if now >= upto:
                break
            if missed > f(0.6) * (noise + f(0.35) * (signal - noise)):
                beat(missed_at, missed_ago, missed, missed_steep, 0.25)
                now += 1
            elif now - last > SILENCE:
                signal, noise = signal * f(0.98), noise * f(0.98)
                now += 1
            else:
                now = last + SILENCE + 1
        now = upto

    for at in candidates:
        search(at + ENERGY)  # it is judged when ENERGY samples have passed
        if at - last <= REFRACTORY:
            continue
        level, slope = np.sqrt(f(energy[at])), int(steepest[at])
        ago = int(middle[at])
        twave = at - last < TWAVE and f(slope) < f(0.36) * f(steep)
        if level > noise + f(0.35) * (signal - noise) and not twave:
            beat(at, ago, min(level, f(2) * signal), slope, 0.125)
            continue
        noise += f(0.125) * (min(level, signal) - noise)
        if level > missed and not twave:
            missed, missed_at, missed_steep, missed_ago = level, at, slope, ago
    search(len(energy))
    return found
