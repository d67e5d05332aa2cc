"""The networks of `edgekit new` learn from little data, and their int8 versions answer alike."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit import learn
from edgekit.data import Windows
from edgekit.learn import legacy, models, small_models


def windows(n: int, seed: int, lines: int = 12, channels: int = 3) -> Windows:
    """Two classes that differ in one line; levels as `WelchBands` gives them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(0, 1, (n, lines, channels)).astype(np.float32)
    X[:, 4] += 1.5 * (2 * y[:, None] - 1)
    text = np.array([f"g{i % 6}" for i in range(n)])
    origin = np.array([f"{g}@{i}" for i, g in enumerate(text)])
    return Windows(X, y.astype(np.int64), ("a", "b"), text, text, origin, 1.0)


def preprocess(X: np.ndarray) -> np.ndarray:
    return X[:, None]


@pytest.mark.parametrize("build", [small_models.perceptron, small_models.spectrum_teacher])
def test_sixty_windows_are_enough_for_an_easy_task(build):
    train, test = windows(64, 0), windows(200, 1)
    model = build((1, 12, 3), 2, 2, 0)
    learn.fit(model, train, preprocess, seed=0, epochs=20, batch=16, rate=0.01)
    assert (models.predict_classes(model, preprocess, test.X) == test.y).mean() > 0.9
    tflite = legacy.convert(model)
    assert tflite[4:8] == b"TFL3"


def test_the_same_seed_makes_the_same_network():
    first, again = (small_models.perceptron((1, 12, 3), 2, 4, 7).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
