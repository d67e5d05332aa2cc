"""Training windows as another electrode, recorder or heart might have given them."""

from __future__ import annotations

import numpy as np

EACH = 95  # samples at 125 Hz: about an interval
BEAT = 45  # samples to either side of the beat that keep their shape


def ecg_variation(
    X: np.ndarray,
    rng: np.random.Generator,
    stretch: float = 0.04,
    ragged: float = 0.2,
    noise_mv: float = 0.03,
    wander_mv: float = 0.15,
    gain: float = 0.25,
    tilt: float = 0.3,
) -> np.ndarray:
    """One random variation of each window of one lead. `X` (n, time, 1) in mV -> the same, float32.

    What differs between people and recorders and leaves the class alone: the level (`gain`, the standard
    deviation of its logarithm), the rate of everything (`stretch`, around the middle of the window's last
    sixth, so that the beat stays where it is), in a share `ragged` of the windows that of every interval by
    itself, as in atrial fibrillation, a slow wave of up to `wander_mv`, white noise of up to `noise_mv`,
    and a tilt of the spectrum, as another lead or electrode has it.
    """
    n, time, _ = X.shape
    x = X[:, :, 0]
    at = np.arange(time)
    anchor = time * 5 / 6
    factor = np.exp(rng.normal(0, stretch, (n, 1)))
    speed = np.exp(rng.normal(0, 0.22, (n, time // EACH + 2))) ** (rng.random((n, 1)) < ragged)
    near = np.abs(at - anchor) < BEAT
    speed = np.where(near, 1.0, speed[:, at // EACH]) * factor
    moment = np.cumsum(speed, axis=1)
    moment = np.clip(moment - moment[:, [round(anchor)]] + anchor, 0, time - 1)
    left = np.minimum(moment.astype(np.int64), time - 2)
    part = (moment - left).astype(np.float32)
    row = np.arange(n)[:, None]
    x = x[row, left] * (1 - part) + x[row, left + 1] * part
    slant = rng.uniform(-tilt, tilt, (n, 1)).astype(np.float32)
    x[:, 1:] = x[:, 1:] + slant * (x[:, 1:] - x[:, :-1])
    x = x * np.exp(rng.normal(0, gain, (n, 1))).astype(np.float32)
    hz, phase = rng.uniform(0.1, 0.5, (n, 1)), rng.uniform(0, 2 * np.pi, (n, 1))
    wave = np.sin((2 * np.pi / 125 * hz * at + phase).astype(np.float32))
    x += rng.uniform(0, wander_mv, (n, 1)).astype(np.float32) * wave
    level = (noise_mv * rng.random((n, 1)) ** 2).astype(np.float32)
    x += level * rng.standard_normal(x.shape, dtype=np.float32)
    return x[:, :, None].astype(np.float32)
