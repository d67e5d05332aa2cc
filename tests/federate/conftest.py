"""A small federation: three clients with windows that a rule tells apart, and a student of two layers."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgekit.federate.clients import Client


@pytest.fixture(scope="session")
def clients():
    rng = np.random.default_rng(0)
    made = []
    for i in range(4):
        X = rng.normal(size=(60, 1, 6, 1)).astype(np.float32)
        y = (X[:, 0, 3, 0] + 0.3 * X[:, 0, 4, 0] > 0).astype(np.int64)
        made.append(Client(f"c{i}", X, y))
    return tuple(made)


@pytest.fixture(scope="session")
def network():
    """One network for all tests, as tracing takes longer than training; each starts from its own arrays."""
    from edgekit.federate.network import Network

    def student(shape, classes, width, seed):
        from edgekit.learn.legacy import keras, seed_everything

        seed_everything(seed)
        layers = keras.layers
        given = layers.Input(shape)
        x = layers.BatchNormalization()(layers.Dense(width)(layers.Flatten()(given)))
        return keras.Model(given, layers.Dense(classes)(layers.ReLU()(x)), name="student")

    case = SimpleNamespace(
        student=student, features=SimpleNamespace(shape=(1, 6, 1)), WIDTHS={"student": 5}
    )
    return Network(case, 2)


@pytest.fixture(scope="session")
def start(network):
    return network.arrays()
