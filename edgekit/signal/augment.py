"""Training windows as another sensor, on another machine, might have recorded them."""

from __future__ import annotations

import numpy as np

KNOTS = 10  # of the random transfer path; about one per 500 Hz at 10 kHz


def field_noise(
    X: np.ndarray, rng: np.random.Generator, path_db: float = 4.0, noise: float = 0.5
) -> np.ndarray:
    """One random variation of each window. `X` (n, time, 1) -> the same shape, float32.

    Three things that differ between machines and do not change the fault: the transfer path from the
    bearing to the sensor (a smooth random gain over frequency, `path_db` its standard deviation in dB
    at each knot), where in the rotation the window begins and the sensor's polarity, and broadband
    noise (up to `noise` times the signal's RMS).
    """
    n, time, _ = X.shape
    spectrum = np.fft.rfft(X[:, :, 0], axis=1)
    knots = rng.normal(0, path_db, (n, KNOTS))
    position = np.linspace(0, KNOTS - 1, spectrum.shape[1])
    left = np.minimum(position.astype(int), KNOTS - 2)
    part = position - left
    gain_db = knots[:, left] * (1 - part) + knots[:, left + 1] * part
    # a circular shift is a phase ramp; the polarity rides along as its sign
    shift = np.exp(-2j * np.pi * np.arange(spectrum.shape[1]) * rng.random((n, 1)))
    sign = rng.choice([-1.0, 1.0], (n, 1))
    varied = np.fft.irfft(spectrum * 10 ** (gain_db / 20) * shift * sign, n=time, axis=1)
    level = rng.uniform(0, noise, (n, 1)) * varied.std(axis=1, keepdims=True)
    return (varied + level * rng.normal(size=varied.shape)).astype(np.float32)[:, :, None]
