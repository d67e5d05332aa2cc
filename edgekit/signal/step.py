"""What a feature step is: every class of this package, and whatever a use case puts in place of one."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from edgekit.signal.source import FeatureCode


class Step(Protocol):
    """From windows to a network's input, in Python and, by `c`, in C."""

    @property
    def window(self) -> int:
        """Samples, or pixels, of a window that the device delivers."""

    @property
    def channels(self) -> int:
        """Of a sample."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the input of one window."""

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, time, channel) or (n, height, width, 1) -> (n, *shape), float32."""

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> FeatureCode:
        """Its C, `{name}_features`, and the headers that this includes; see `source.emit`."""
