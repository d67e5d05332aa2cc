"""The apps of a deployment under test: a softmax in NumPy is the network, as TensorFlow takes seconds to
import and each message has a process of its own.
"""

import numpy as np

from edgekit.federate.deployment import apps

FEATURES, CLASSES = 6, 2
SETTINGS = {"use_case": "", "workspace": "", "classes": CLASSES}


class Softmax:
    """As `edgekit.federate.network.Network`, of one layer."""

    normalization = ()

    def arrays(self):
        return [np.zeros((FEATURES, CLASSES), np.float32), np.zeros(CLASSES, np.float32)]

    def train(self, arrays, X, y, weights, *, epochs, batch, rate, seed, mu=0.0):
        rng, (w, b) = np.random.default_rng(seed), [a.copy() for a in arrays]
        flat, loss = X.reshape(len(X), -1), 0.0
        for _ in range(epochs):
            order = rng.permutation(len(y))
            for rows in np.array_split(order, max(1, len(y) // batch)):
                z = flat[rows] @ w + b
                p = np.exp(z - z.max(axis=1, keepdims=True))
                p /= p.sum(axis=1, keepdims=True)
                loss = float(-np.log(p[np.arange(len(rows)), y[rows]]).mean())
                p[np.arange(len(rows)), y[rows]] -= 1
                p *= weights[y[rows], None] / len(rows)
                w -= np.float32(rate) * (flat[rows].T @ p)
                b -= np.float32(rate) * p.sum(axis=0)
        return [w, b], loss

    def predict(self, arrays, X):
        return (X.reshape(len(X), -1) @ arrays[0] + arrays[1]).argmax(axis=1)


def client():
    return apps.client(Softmax)


server = apps.server
