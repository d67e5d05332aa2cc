"""Less of a window: a feature step of a part of what was recorded, or every second sample.

A shorter window, or a lower rate, is the cheapest compression there is: the device samples less, keeps less
in memory and computes less. This step cuts the windows at hand as a device that samples less would have
delivered them, so that one set of recordings can tell what the rest was worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.signal import source


@dataclass(frozen=True)
class Subwindow:
    """`step` on samples `first`, `first + step_size`, … of windows of `full_window` samples, as many as it
    takes.

    On the device nothing is cut: its window is `step`'s, so it delivers only those samples (with
    `step_size` 2 at half the rate). There is no filter before a lower rate: what lies above half of it must
    be absent already. Raises ValueError where the part exceeds the window.
    """

    step: Any
    full_window: int
    first: int = 0
    step_size: int = 1

    def __post_init__(self):
        if self.first < 0 or self.step_size < 1 or self._stop > self.full_window:
            raise ValueError(f"{self.step.window} samples do not fit into {self.full_window}")

    def __getattr__(self, name: str):
        """Everything else is the step's: `shape`, `channels`, `frequencies`, `vary`, …"""
        if name.startswith("_") or name == "step":
            raise AttributeError(name)
        return getattr(self.step, name)

    @property
    def _stop(self) -> int:
        return self.first + self.step_size * (self.step.window - 1) + 1

    @property
    def window(self) -> int:
        """Samples that the device delivers."""
        return self.step.window

    def cut(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, whole, channels) -> (n, window, channels); what is that short already stays."""
        if X.ndim == 3 and X.shape[1] == self.full_window:
            return X[:, self.first : self._stop : self.step_size]
        return X

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, whole or window, channels) -> what `step` makes of the part, (n, …) float32."""
        return self.step(self.cut(X))

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources of `step`, {file name: text}; see `source.emit`."""
        return self.step.c(name, quantization=quantization, sensitivity=sensitivity)
