"""Training of a network's last layer on the device, in integers: the same bits in Python and in C.

    source = export.generate(graph, "model", slot=True, head=True)
    layer = LastLayer(Plan.of(source, rate=0.01), head_of(source))
    layer.step(features, label)                 int8 features as the network computes them, one window
    layer.head()                                constants that the network runs with: what it has learnt
    layer.message()                             the change since the release, int8: what a round sends

The network up to its last layer stays as it was released. Last layers are FULLY_CONNECTED, int8, without an
activation: each class's score, which all five use cases end with. Weights have FRACTION bits more than int8
while they learn; each step is stochastic gradient descent on the cross-entropy of one window. Where a
weight outgrows int8, its row's step doubles, at most ROOM times.

`firmware/learn/last_layer.h` is the twin in C, and says how it rounds.
"""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.federate.device_plan import BITS, FRACTION, ONE, Plan, fitting, rounded


class LastLayer:
    """A last layer that learns: `weights` (outputs, inputs + 1) int64, the bias last."""

    def __init__(self, plan: Plan, released: bytes, head: bytes | None = None):
        """From the constants of the release or, where it had learnt before, those of its own `head`."""
        self.plan, self.released = plan, released
        self.weights = plan.unpack(released if head is None else head)
        self._limits = plan.limits
        self._score, self._step = (np.array(p, np.int64).T for p in (plan.score_by, plan.step_by))
        self._one = 1 << plan.bias_shift

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Of int8 features (n, inputs), (n, outputs) int64 in 1/2048 of log 2."""
        return _scaled(rounded(self._inputs(features) @ self.weights.T, FRACTION), *self._score)

    def step(self, features: np.ndarray, label: int) -> None:
        """Learn one window: int8 features (inputs,) and its class.

        Raises EdgekitError for other features or a label that is no class.
        """
        if not 0 <= label < self.plan.outputs:
            raise EdgekitError(f"there is no class {label}; they go up to {self.plan.outputs - 1}")
        inputs = self._inputs(np.asarray(features)[None])[0]
        score = _scaled(rounded(self.weights @ inputs, FRACTION), *self._score)
        error = probabilities(score)
        error[label] -= ONE
        step = _scaled(error, *self._step)
        change = step[:, None] * inputs
        self.weights = np.clip(self.weights - change, -self._limits, self._limits)

    def fit(self, features: np.ndarray, labels: np.ndarray, epochs: int = 1) -> LastLayer:
        """`step` over int8 features (n, inputs) with labels (n,), in their order, `epochs` times; itself."""
        for _ in range(epochs):
            for x, label in zip(features, labels, strict=True):
                self.step(x, int(label))
        return self

    def head(self) -> bytes:
        """The constants of the network with what was learnt."""
        return self.plan.pack(self.weights, self.released)

    def message(self) -> bytes:
        """The change since the release: for each class a byte n, then int8 in units of 2^n."""
        parts = []
        for row in self.weights - self.plan.unpack(self.released):
            n = fitting(int(np.abs(row).max()), 0)
            parts.append(bytes([n]) + rounded(row, n).astype(np.int8).tobytes())
        return b"".join(parts)

    def _inputs(self, features: np.ndarray) -> np.ndarray:
        if features.dtype != np.int8 or features.shape[1:] != (self.plan.inputs,):
            raise EdgekitError(
                f"the last layer takes {self.plan.inputs} int8 features of a window, not "
                f"{features.dtype} of {features.shape[1:]}"
            )
        ones = np.full((len(features), 1), self._one)
        return np.hstack([features.astype(np.int64) - self.plan.zero, ones])


def change_of(plan: Plan, message: bytes) -> np.ndarray:
    """What a device says that it learnt, of its `message`: (rows, inputs + 1) in real numbers, a row a class.

    Raises EdgekitError for a message that no device of this plan sends.
    """
    if len(message) != plan.message_bytes:
        raise EdgekitError(
            f"a change of this layer has {plan.message_bytes:,} bytes, not {len(message):,}"
        )
    rows = np.frombuffer(message, np.int8).reshape(plan.outputs, -1).astype(np.int64)
    change = rows[:, 1:] << np.clip(rows[:, :1], 0, 31)
    if (rows[:, 0] < 0).any() or (rows[:, 0] > 24).any() or (rows[:, 1:] == -128).any():
        raise EdgekitError(
            "a change that no device sends: its numbers are beyond what can be learnt"
        )
    return plan.real(change)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Softmax of `scores` (n,) int64 in 1/2048 of log 2: (n,) int64 in 1/32768."""
    power = power_of_two(scores.max() - scores)
    total = power.sum()
    return ((power << 15) + total // 2) // total


def power_of_two(d: np.ndarray) -> np.ndarray:
    """2^(-d / 2048) of `d` (n,) int64, not negative, in 1/32768: (n,) int64, off by less than 1.2e-4: a cubic
    for the fraction, and a shift."""
    whole, part = d >> BITS, (d & ((1 << BITS) - 1)) << 4
    curve = (part * (7579 - (part * 1298 >> 15))) >> 15
    return np.where(whole > 15, 0, (ONE - (part * (22665 - curve) >> 15)) >> np.minimum(whole, 15))


def _scaled(a, multiplier, shift):
    return (a * multiplier + (1 << (shift - 1))) >> shift
