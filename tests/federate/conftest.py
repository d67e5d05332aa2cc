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


def network_of(features, classes, width, normalized=False):
    """A Network whose student has one layer of `width` before its answers."""
    from edgekit.federate.network import Network

    return Network(case_of(features, width, normalized), classes)


def private_network_of(features, classes, width, noise, clip):
    """As `network_of`, with batch normalization and noise in its steps."""
    from edgekit.federate.private_network import PrivateNetwork

    return PrivateNetwork(case_of(features, width, True), classes, noise, clip)


def case_of(features, width, normalized):
    """What a network needs of a use case."""

    def student(shape, classes, width, seed):
        from edgekit.learn.legacy import keras, seed_everything

        seed_everything(seed)
        layers = keras.layers
        given = layers.Input(shape)
        x = layers.Dense(width)(layers.Flatten()(given))
        x = layers.BatchNormalization()(x) if normalized else x
        x = layers.Dropout(0.1)(layers.ReLU()(x))  # as that of `ecg`
        return keras.Model(given, layers.Dense(classes)(x), name="student")

    return SimpleNamespace(
        student=student,
        features=SimpleNamespace(shape=(1, features, 1)),
        WIDTHS={"student": width},
    )


@pytest.fixture(scope="session")
def network():
    """One network for all tests, as tracing takes longer than training; each starts from its own arrays."""
    return network_of(6, 2, width=5, normalized=True)


@pytest.fixture(scope="session")
def start(network):
    return network.arrays()
