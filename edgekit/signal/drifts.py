"""Windows as a device delivers them once something about it has changed for good: what DRIFTS are made of.

    Drift = (X, severity, rng) -> X      severity 0: nothing happened, 1: as bad as it gets

`X` is (n, time, channel) or (n, height, width, 1), and what comes back is as large, float32. What is the
device's own (which way a strap turned, where dirt lies) is drawn first, so that the same generator gives the
same device on any number of windows; what differs from window to window (noise) is drawn behind it.
`augment` draws for every window anew what differs between devices; this keeps to one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.signal.imu_augment import rotations

Drift = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
KNOTS = 8  # of a transfer path that is smooth over frequency


def gain_lost(X, severity: float, rng: np.random.Generator, most: float = 0.5) -> np.ndarray:
    """All channels at `1 - most * severity` of their level: a sensor that loses sensitivity."""
    return (np.asarray(X, np.float32) * np.float32(1 - most * severity)).astype(np.float32)


def strap_turned(X, severity: float, rng: np.random.Generator, degrees: float = 60) -> np.ndarray:
    """Three axes of acceleration and three of rotation, turned about the first (along the forearm) by
    `degrees * severity`, to one side or the other. Raises ValueError unless there are six channels."""
    if X.shape[2] != 6:
        raise ValueError(
            f"expected three axes of acceleration and three of rotation, got {X.shape[2]}"
        )
    side = rng.choice([-1.0, 1.0])
    turn = rotations(np.array([[side * np.radians(degrees * severity), 0, 0]]))[0]
    both = np.asarray(X, np.float32).reshape(len(X), -1, 3) @ turn.T.astype(np.float32)
    return both.reshape(X.shape)


def sensor_aged(
    X,
    severity: float,
    rng: np.random.Generator,
    rate: float,
    noise: float,
    cutoff: float,
    gain: float = 0.3,
) -> np.ndarray:
    """A sensor that loses up to `gain` of its level and its high frequencies, and hisses.

    `cutoff`: Hz at which a single pole stands in the end (half of `rate` in the beginning); `noise`: standard
    deviation in the unit of `X` that white noise reaches.
    """
    if severity <= 0:
        return np.asarray(X, np.float32).copy()
    hz = np.fft.rfftfreq(X.shape[1], 1 / rate)
    pole = rate / 2 * (cutoff / (rate / 2)) ** severity
    aged = (1 - gain * severity) * _filtered(X, 1 / np.sqrt(1 + (hz / pole) ** 2))
    return _f32(aged + noise * severity * rng.standard_normal(X.shape))


def mount_loosened(
    X,
    severity: float,
    rng: np.random.Generator,
    rate: float,
    stiff: float = 9000,
    loose: float = 1500,
    damping: float = 0.15,
) -> np.ndarray:
    """An accelerometer whose screw comes loose: its mounted resonance falls from `stiff` to `loose` Hz.

    Below it the signal passes, near it it is amplified, above it it is lost: the response of a mass on a
    spring, as ISO 5348 draws it for screw, wax and magnet, held against that of the tight screw.
    """
    if severity <= 0:
        return np.asarray(X, np.float32).copy()
    hz = np.fft.rfftfreq(X.shape[1], 1 / rate)
    own = np.exp(rng.normal(0, 0.1))  # no two mounts are alike
    now = stiff * (loose * own / stiff) ** severity

    def response(resonance: float) -> np.ndarray:
        r = hz / resonance
        return 1 / np.sqrt((1 - r**2) ** 2 + (2 * damping * r) ** 2)

    return _f32(_filtered(X, response(now) / response(stiff)))


def another_machine(
    X, severity: float, rng: np.random.Generator, path_db: float = 8.0, faster: float = 0.3
) -> np.ndarray:
    """The sensor moved to another machine: its shaft turns faster or slower by up to `faster`, and what
    shakes it arrives by another path (smooth over frequency, `path_db` its standard deviation in dB)."""
    side, knots = rng.choice([-1.0, 1.0]), rng.normal(0, path_db * severity, KNOTS)
    time = X.shape[1]
    moved = _sampled(X, np.mod(np.arange(time) * (1 + side * faster * severity), time))
    position = np.linspace(0, KNOTS - 1, time // 2 + 1)
    return _f32(_filtered(moved, 10 ** (np.interp(position, np.arange(KNOTS), knots) / 20)))


def electrode_worn(
    X,
    severity: float,
    rng: np.random.Generator,
    rate: float,
    noise_mv: float = 0.15,
    wander_mv: float = 0.6,
) -> np.ndarray:
    """An electrode that dries: muscle and contact noise (up to `noise_mv` in standard deviation) and a
    baseline that follows breathing (up to `wander_mv`). `X` in mV."""
    n, time = X.shape[:2]
    hz = rng.uniform(0.15, 0.4)
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    wave = np.sin(2 * np.pi * hz / rate * np.arange(time)[None, :, None] + phase)
    noise = noise_mv * rng.standard_normal(X.shape)
    return _f32(X + severity * (wander_mv * wave + noise))


def another_heart(
    X,
    severity: float,
    rng: np.random.Generator,
    beat: int,
    near: int = 40,
    wider: float = 0.6,
    tilt: float = 2.0,
) -> np.ndarray:
    """The recorder on another person: beats up to `wider` times wider or narrower, seen along another axis
    (up to `tilt` of the signal's slope added, at another level). `beat`: the sample of the beat that is
    judged, `near`: how many to either side belong to it."""
    time = X.shape[1]
    width = (1 + wider * severity) ** rng.choice([-1.0, 1.0])
    slant, level = rng.choice([-1.0, 1.0]) * tilt * severity, 1 - 0.4 * severity * rng.random()
    away = np.arange(time) - beat
    inside = np.clip(away, -near, near)
    moved = _sampled(X, np.clip(beat + inside / width + (away - inside), 0, time - 1))
    return _f32(level * (moved + slant * np.gradient(moved, axis=1)))


def light_lost(X, severity: float, rng: np.random.Generator, darker: float = 0.75) -> np.ndarray:
    """Dusk: up to `darker` of the light gone, and the grain of a sensor that amplifies what is left."""
    dim = np.asarray(X, np.float64) * (1 - darker * severity)
    return _grey(dim + 6 * severity * rng.standard_normal(X.shape))


def out_of_focus(X, severity: float, rng: np.random.Generator, pixels: float = 4.0) -> np.ndarray:
    """A lens that moved: a Gaussian of up to `pixels` standard deviation over each picture."""
    if severity <= 0:
        return np.asarray(X, np.float32).copy()
    kernels = [_gaussian(length, pixels * severity) for length in X.shape[1:3]]
    rows, columns = (k.astype(np.float32) for k in kernels)
    return _grey((rows @ np.asarray(X[..., 0], np.float32) @ columns.T)[..., None])


def lens_dirty(X, severity: float, rng: np.random.Generator, spots: int = 6) -> np.ndarray:
    """Dirt on the lens: `spots` soft blots that stay where they are and take up to all of the light, and
    a haze that takes up to half of the contrast."""
    height, width = X.shape[1:3]
    y, x = np.mgrid[:height, :width]
    clear = np.ones((height, width))
    for _ in range(spots):
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        size = rng.uniform(0.06, 0.16) * min(height, width)
        clear *= 1 - severity * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * size**2))
    hazy = 128 + (np.asarray(X, np.float64) - 128) * (1 - 0.5 * severity)
    return _grey(hazy * clear[None, :, :, None])


def _sampled(X: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Each window at the moments `at` (time,) in samples, between two of them in a line; float64."""
    left = at.astype(int)
    part = (at - left)[None, :, None]
    return X[:, left] * (1 - part) + X[:, (left + 1) % X.shape[1]] * part


def _filtered(X: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Each window with its spectrum times `gain` (time // 2 + 1,)."""
    spectrum = np.fft.rfft(np.asarray(X, np.float64), axis=1) * gain[None, :, None]
    return np.fft.irfft(spectrum, n=X.shape[1], axis=1)


def _gaussian(length: int, spread: float) -> np.ndarray:
    """(length, length), rows add up to one: a blur that repeats nothing beyond the edge."""
    away = np.arange(length)[:, None] - np.arange(length)[None]
    weight = np.exp(-(away**2) / (2 * spread**2))
    return weight / weight.sum(axis=1, keepdims=True)


def _f32(X: np.ndarray) -> np.ndarray:
    return X.astype(np.float32)


def _grey(X: np.ndarray) -> np.ndarray:
    """Whole grey values, as a camera gives them."""
    return np.clip(np.rint(X), 0, 255).astype(np.float32)
