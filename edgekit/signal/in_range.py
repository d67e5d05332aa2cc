"""A window in shares of the sensor's range: nothing about its level is lost, and nothing is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import real, source


@dataclass(frozen=True)
class InRange:
    """Each channel less its `offset`, divided by its `span`: about -1 … 1 for a sensor of that range.

    `window` in samples; `offset` and `span`, one for each channel, in the unit of the samples. They
    describe the sensor (20 ± 50 °C, 0 ± 2 g), not a training set. Raises ValueError where they do not
    match or a span is not positive.
    """

    window: int
    offset: tuple[float, ...]
    span: tuple[float, ...]

    def __post_init__(self):
        if len(self.offset) != len(self.span) or not self.span or self.window < 1:
            raise ValueError("each channel needs an offset and a span")
        if not all(1e-9 <= s <= 1e9 for s in self.span) or not np.isfinite(self.offset).all():
            raise ValueError("a span must be positive, neither tiny nor endless")

    @property
    def channels(self) -> int:
        return len(self.span)

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.window, self.channels

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, 1, window, channels) float32, the same bits as the C side.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        return in_range(real.bounded(X), self.offset, self.span)[:, None]

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        return source.emit(
            self,
            name,
            headers=("in_range.h",),
            tables=tables(self.offset, self.span),
            call=f"in_range(&from, {self.window}, &range, features);",
            quantization=quantization,
            sensitivity=sensitivity,
        )


def in_range(x: np.ndarray, offset, span) -> np.ndarray:
    """float32 `x` (…, channel), subtracted and multiplied as the C side does."""
    return (x - np.asarray(offset, np.float32)) * inverse(span)


def inverse(span) -> np.ndarray:
    return np.float32(1) / np.asarray(span, np.float32)


def tables(offset, span) -> str:
    """The constants of `struct range`, as C."""
    text = source.array("float", "offset", np.asarray(offset, np.float32), "of each channel")
    text += source.array("float", "inverse", inverse(span), "1 / span of each channel")
    return text + source.struct("range", "range", offset="offset", inverse="inverse")
