"""One number, the temperature, makes a network's confidence mean what it says.

Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017): logits over T, T fitted on validation
windows by maximum likelihood. No prediction changes, only its confidence. The fleet relies on it: windows
below a confidence are kept for labelling, those above are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgekit.core.errors import EdgekitError

BINS = 10
ONE = 1 << 16  # exp(0) in the device's table
LOWEST, HIGHEST = 0.05, 50.0  # temperatures that are tried


@dataclass(frozen=True)
class ConfidenceGate:
    """When the device trusts an answer: its largest probability at `temperature` is at least `floor`.

    On int8 outputs z with `scale`: `sum(table[top - z])` may be at most `limit`. Integers only, so that the
    device and Python agree to the last case.
    """

    temperature: float
    floor: float
    scale: float

    @property
    def table(self) -> np.ndarray:
        """(256,) uint32: `ONE * exp(-d * scale / temperature)` for a difference of d steps."""
        steps = np.arange(256) * self.scale / self.temperature
        return np.floor(ONE * np.exp(-steps) + 0.5).astype(np.uint32)

    @property
    def limit(self) -> int:
        return int(np.floor(ONE / self.floor))

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """(n,) bool for int8 `outputs` (n, classes)."""
        z = outputs.astype(np.int32)
        return self.table[z.max(axis=1, keepdims=True) - z].sum(axis=1) <= self.limit

    def c(self, name: str, classes: int) -> str:
        """`int {name}_is_confident(const int8_t *outputs)`, a header in C99."""
        rows = [", ".join(f"{v}u" for v in part) for part in np.array_split(self.table, 32)]
        return C_SOURCE.format(
            name=name,
            up=name.upper(),
            classes=classes,
            limit=self.limit,
            floor=self.floor,
            temperature=self.temperature,
            table=",\n    ".join(rows),
        )


C_SOURCE = """\
/* Is {name} confident? Its largest probability, at temperature {temperature:.4g}, is at least {floor:.4g}. */
#ifndef {up}_CONFIDENCE_H
#define {up}_CONFIDENCE_H

#include <stdint.h>

/* 65536 exp(-d scale / temperature) for an output d steps below the largest */
static const uint32_t {name}_exp_table[256] = {{
    {table}}};

/* outputs [{classes}] of the last inference -> 1: trust it, 0: keep the window for somebody to look at */
static inline int {name}_is_confident(const int8_t *outputs) {{
  int8_t top = outputs[0];
  for (int i = 1; i < {classes}; i++) top = outputs[i] > top ? outputs[i] : top;
  uint32_t sum = 0;
  for (int i = 0; i < {classes}; i++) sum += {name}_exp_table[(int)top - outputs[i]];
  return sum <= {limit}u;
}}

#endif
"""


def fit(logits: np.ndarray, y: np.ndarray) -> float:
    """The temperature that makes `y` (n,) most likely for `logits` (n, classes).

    Raises EdgekitError where there is nothing to fit.
    """
    from scipy.optimize import minimize_scalar

    if len(logits) < 2 or not np.isfinite(logits).all():
        raise EdgekitError("a temperature is fitted to two finite answers or more")
    found = minimize_scalar(
        lambda t: likelihood(logits, y, np.exp(t)),
        bounds=np.log((LOWEST, HIGHEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Softmax of `logits / temperature`, (n, classes) float64."""
    z = np.asarray(logits, np.float64) / temperature
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def likelihood(logits: np.ndarray, y: np.ndarray, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood in nats of `y` (n,) for `logits` (n, classes) over `temperature`."""
    p = probabilities(logits, temperature)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, 1e-12)).mean())


def expected_error(
    logits: np.ndarray, y: np.ndarray, temperature: float = 1.0, bins: int = BINS
) -> float:
    """Expected calibration error, a fraction: how far confidence is from accuracy, mean over windows.

    `logits` (n, classes) over `temperature`, `y` (n,); windows of like confidence are compared in `bins`.
    """
    found = reliability(logits, y, temperature, bins)
    return float(sum(b.windows * abs(b.confidence - b.accuracy) for b in found) / len(y))


class Bin(NamedTuple):
    """Windows of about the same confidence: how many, their mean confidence, and the share that is right."""

    windows: int
    confidence: float
    accuracy: float


def reliability(
    logits: np.ndarray, y: np.ndarray, temperature: float = 1.0, bins: int = BINS
) -> list[Bin]:
    """Those of `bins` equal Bins of confidence that hold any of the windows.

    `logits` (n, classes) over `temperature`, `y` (n,) class indices.
    """
    p = probabilities(logits, temperature)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bin_index = np.minimum((confidence * bins).astype(int), bins - 1)
    members = [bin_index == b for b in range(bins) if (bin_index == b).any()]
    return [Bin(int(m.sum()), float(confidence[m].mean()), float(right[m].mean())) for m in members]


def choose_floor(logits: np.ndarray, y: np.ndarray, temperature: float, wanted: float) -> float:
    """The lowest confidence at which at least the share `wanted` of the answers above it are right.

    `logits` (n, classes) over `temperature` and `y` (n,) of validation windows; 0.999 where none is low
    enough.
    """
    p = probabilities(logits, temperature)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    order = np.argsort(-confidence, kind="stable")
    good = np.cumsum(right[order]) / np.arange(1, len(y) + 1) >= wanted
    if not good.any():
        return 0.999
    return float(np.clip(confidence[order][np.flatnonzero(good).max()], 1e-3, 0.999))


def floor_beside(
    logits: np.ndarray, y: np.ndarray, temperature: float, theirs: np.ndarray
) -> float:
    """The lowest confidence above which one's own answers, together, are as often right as those of a larger
    model: of a cascade that asks it about all others, and loses nothing by asking no more.

    `logits` (n, classes) over `temperature`, `y` (n,) and `theirs` (n,), the larger model's classes, of
    validation windows; every class counts the same, however many windows it has. 0.999 where none is low
    enough.
    """
    p = probabilities(logits, temperature)
    confidence, own, theirs = p.max(axis=1), p.argmax(axis=1), np.asarray(theirs)
    weights = 1 / np.bincount(y, minlength=p.shape[1])[y]
    worse = weights * ((theirs == y).astype(float) - (own == y))
    order = np.argsort(-confidence, kind="stable")
    good = np.cumsum(worse[order]) <= 1e-12
    if not good.any():
        return 0.999
    return float(np.clip(confidence[order][np.flatnonzero(good).max()], 1e-3, 0.999))
