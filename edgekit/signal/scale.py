"""Scaling that needs no training set, so that the same code runs on the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import real, source


@dataclass(frozen=True)
class UnitRms:
    """Each channel of a window without its mean and divided by its RMS: the waveform, whatever its level.

    `window` in samples. A window without variation becomes zeros.
    """

    window: int
    channels: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.window, self.channels

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, 1, window, channels) float32, the same bits as the C side.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        return unit_rms(X)[:, None]

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
            headers=("unit_rms.h",),
            call=f"unit_rms(&from, {self.window}, features);",
            quantization=quantization,
            sensitivity=sensitivity,
        )


def unit_rms(X: np.ndarray) -> np.ndarray:
    """Each window without its mean and divided by its RMS. `X` (n, time, channel) -> the same shape."""
    x = real.from_first(real.bounded(X).transpose(1, 0, 2))
    count = np.float32(len(x))
    x = x - real.total(x) / count
    rms = np.sqrt(real.total(x * x) / count)
    x = x * (np.float32(1) / np.maximum(rms, np.float32(1e-12)))
    return np.ascontiguousarray(x.transpose(1, 0, 2))
