"""A tiny world whose physics is known: windows that differ by where their spectrum peaks."""

import numpy as np
import pytest

from edgekit.data.splits import by_group
from edgekit.data.windows import Windows

CLASSES = ("low", "mid", "high")
LENGTH = 64


def tones(seed=0, recordings=6, each=10, peaks=(4, 10, 20)) -> Windows:
    rng = np.random.default_rng(seed)
    X, y, group = [], [], []
    time = np.arange(LENGTH) / LENGTH
    for c, peak in enumerate(peaks):
        for r in range(recordings):
            phase = rng.uniform(0, 2 * np.pi, (each, 1))
            X.append(np.sin(2 * np.pi * peak * time + phase) + rng.normal(0, 0.4, (each, LENGTH)))
            y += [c] * each
            group += [f"{CLASSES[c]}{r}"] * each
    X = np.concatenate(X).astype(np.float32)[:, :, None]
    origin = np.array([f"{g}@{i * LENGTH}" for i, g in enumerate(group)])
    domain = np.full(len(y), "field")
    return Windows(X, np.array(y), CLASSES, np.array(group), domain, origin, 1000.0)


def spectrum(X):
    """(n, 64, 1) -> (n, 1, 24, 1)."""
    lines = np.abs(np.fft.rfft(X[:, :, 0], axis=1))[:, 1:25]
    return np.sqrt(lines).astype(np.float32)[:, None, :, None]


def noise(X, rng):
    return X + rng.normal(0, 0.1, X.shape).astype(np.float32)


@pytest.fixture(scope="session")
def world():
    windows = tones()
    return windows, by_group(windows, seed=0)


@pytest.fixture(scope="session")
def student(world):
    """A trained student of the little world."""
    pytest.importorskip("tensorflow")
    from edgekit import learn

    windows, split = world
    model = learn.models.student((1, 24, 1), 3, 4, seed=0)
    fit = learn.fit(
        model, windows[split.train], spectrum, seed=0, augment=noise, epochs=8, rate=0.02
    )
    return fit.model
