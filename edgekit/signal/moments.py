"""Means, extremes and covariances of a window's channels: posture and movement in a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import real, source


@dataclass(frozen=True)
class Moments:
    """Window of samples -> each channel's mean, lowest and highest value, and how each pair moves together.

    The last is the covariance under a signed square root, so that all are in the unit of the samples: of
    a channel with itself its standard deviation, of two channels positive where they rise together.
    `window` in samples. Of an accelerometer, the means say how gravity lies. Raises ValueError for an
    empty window.
    """

    window: int
    channels: int

    def __post_init__(self):
        if self.window < 1 or self.channels < 1:
            raise ValueError("window and channels must be positive")

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The two channels of each covariance, in order."""
        return [(i, j) for i in range(self.channels) for j in range(i, self.channels)]

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 3 * self.channels + len(self.pairs), 1

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, 1, statistics, 1) float32, the same bits as the C side.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        heard = real.bounded(X).transpose(1, 0, 2)
        share = np.float32(1) / np.float32(self.window)
        x = real.from_first(heard)
        mean = real.total(x) * share
        x = x - mean
        columns = [*(heard[0] + mean).T, *heard.min(axis=0).T, *heard.max(axis=0).T]
        for i, j in self.pairs:
            covariance = real.total(x[:, :, i] * x[:, :, j]) * share
            columns.append(np.sign(covariance) * np.sqrt(np.abs(covariance)))
        return np.stack(columns, axis=1)[:, None, :, None].astype(np.float32, copy=False)

    def c(self, name: str, quantization=None, sensitivity=None) -> dict[str, str]:
        """C sources, {file name: text}; see `source.emit`."""
        return source.emit(
            self,
            name,
            headers=("moments.h",),
            call=f"moments(&from, {self.window}, work, features);",
            work=self.window * self.channels,
            quantization=quantization,
            sensitivity=sensitivity,
        )
