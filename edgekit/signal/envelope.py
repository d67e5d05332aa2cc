"""The envelope spectrum: how often something is hit, whatever it sounds like when it is.

A rolling element that passes a crack strikes the bearing; each strike rings a resonance of the
structure at some kHz. The interesting number is the strike *rate* (80 Hz, say), which hides in the
amplitude of the ringing. So: keep the resonance band, take its amplitude (the envelope), look at the
spectrum of that. Randall & Antoni, "Rolling element bearing diagnostics: a tutorial", MSSP 25 (2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EnvelopeSpectrum:
    """Window of vibration -> square root of its envelope's amplitude spectrum.

    `rate` in Hz and `window` in samples describe the input; `low` in Hz is the lower edge of the
    resonance band, `width` its number of spectral bins (a power of two; each `rate / window` Hz wide);
    `lines` is how many lines of the envelope spectrum are kept, from the first above 0 Hz, each
    `rate / window` Hz wide as well.

    The band's bins are transformed back as they are, without their negative frequencies: that gives
    the analytic signal, already mixed down and decimated, so the envelope is its magnitude and costs
    one short complex FFT on a device.
    """

    rate: float
    window: int
    low: float
    width: int
    lines: int

    def __post_init__(self):
        if self.first + self.width > self.window // 2 + 1:
            raise ValueError(f"the band ends above half the rate ({self.rate / 2:.0f} Hz)")
        if not 0 < self.lines <= self.width // 2:
            raise ValueError(f"lines must be 1…{self.width // 2}")

    @property
    def first(self) -> int:
        """Index of the band's first spectral bin."""
        return round(self.low * self.window / self.rate)

    @property
    def frequencies(self) -> np.ndarray:
        """(lines,) Hz of each output line."""
        return np.arange(1, self.lines + 1) * self.rate / self.window

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, 1) -> (n, 1, lines, 1) float32. Raises ValueError on another window length."""
        if X.ndim != 3 or X.shape[1:] != (self.window, 1):
            raise ValueError(f"expected (n, {self.window}, 1), got {X.shape}")
        spectrum = np.fft.rfft(X[:, :, 0], axis=1)[:, self.first : self.first + self.width]
        envelope = np.abs(np.fft.ifft(spectrum, axis=1))
        envelope = envelope / np.maximum(envelope.mean(axis=1, keepdims=True), 1e-12) - 1
        lines = np.abs(np.fft.rfft(envelope * np.hanning(self.width), axis=1))
        return np.sqrt(lines[:, 1 : self.lines + 1]).astype(np.float32)[:, None, :, None]
