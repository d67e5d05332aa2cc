"""A little world of struck bearings, features with a C side, and a network that tells them apart."""

import numpy as np

from edgekit.signal import EnvelopeSpectrum
from tests.export import tiny

ENVELOPE = EnvelopeSpectrum(rate=10_000, window=1024, low=2000, width=256, lines=40)
SENSITIVITY = 16 / 32768
RATES = (78.125, 127.0)  # strikes per second of the two faults


def strikes(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Windows of noise (class 0) or struck at one of two rates (1, 2): (n, 1024, 1) and (n,)."""
    rng, t = np.random.default_rng(seed), np.arange(1024) / 10_000
    y = np.arange(n) % 3
    X = 0.3 * rng.normal(size=(n, 1024))
    for x, fault in zip(X, y, strict=True):
        if fault:
            since = (t + rng.random()) % (1 / RATES[fault - 1])
            x += rng.uniform(1, 3) * np.sin(2 * np.pi * 3000 * t) * np.exp(-500 * since)
    return X.astype(np.float32)[:, :, None], y


def network(W, b, scale: float, zero: int, out: float = 0.1) -> bytes:
    """One fully connected layer: int8 features -> one score for each class."""
    step = float(np.abs(W).max() / 127)
    tensors = [
        tiny.T((1, W.shape[1]), scale=scale, zero=zero),
        tiny.T(W.shape, scale=step, data=np.rint(W / step)),
        tiny.T(b.shape, "int32", step * scale, data=np.rint(b / (step * scale))),
        tiny.T((1, len(b)), scale=out, zero=0),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    op = tiny.Op("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", options)
    return tiny.write(tensors, [op], [0], [3])


def model() -> bytes:
    """A `.tflite` for ENVELOPE's features, told apart by the nearest class mean."""
    X, y = strikes(90)
    f = ENVELOPE(X).reshape(len(X), -1)
    means = np.stack([f[y == c].mean(axis=0) for c in range(3)])
    bias = -(means**2).sum(axis=1) / 2
    out = np.abs(f @ means.T + bias).max() / 127
    return network(means, bias, float(f.max() / 255), -128, float(out))
