"""Means, extremes and covariances of a window's channels: posture and movement in a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import real, source


@dataclass(frozen=True)
class Moments:
    """Window of samples -> each channel's mean, lowest and highest value, and how each pair moves together.

    Lowest and highest count half, and within ±`limit`: one jerk must not take the range of eight bits
    from all others. The last is the covariance under a signed square root, so that all are in the unit of
    the samples: of a channel with itself its standard deviation, of two channels positive where they rise
    together. `window` in samples. Of an accelerometer, the means say how gravity lies. Raises ValueError
    for an empty window and a limit that is not positive.
    """

    window: int
    channels: int
    limit: float = 2.0

    def __post_init__(self):
        if self.window < 1 or self.channels < 1 or not 0 < self.limit <= real.LARGEST_SAMPLE:
            raise ValueError("window, channels and limit must be positive")

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The two channels of each covariance, in order."""
        return [(i, j) for i in range(self.channels) for j in range(i, self.channels)]

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, 3 * self.channels + len(self.pairs), 1

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, 1, statistics, 1) float32, the same bits as the C side.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        inputs = real.bounded(X).transpose(1, 0, 2)
        share = np.float32(1) / np.float32(self.window)
        x = real.from_first(inputs)
        mean = real.total(x) * share
        x = x - mean
        ends = np.concatenate([inputs.min(axis=0).T, inputs.max(axis=0).T]) * np.float32(0.5)
        limit = np.float32(self.limit)
        columns = [*(inputs[0] + mean).T, *np.clip(ends, -limit, limit)]
        for i, j in self.pairs:
            covariance = real.total(x[:, :, i] * x[:, :, j]) * share
            columns.append(np.sign(covariance) * np.sqrt(np.abs(covariance)))
        return np.stack(columns, axis=1)[:, None, :, None].astype(np.float32, copy=False)

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
            headers=("moments.h",),
            call=f"moments(&from, {self.window}, {source.literal(self.limit)}, work, features);",
            work=self.window * self.channels,
            quantization=quantization,
            sensitivity=sensitivity,
        )
