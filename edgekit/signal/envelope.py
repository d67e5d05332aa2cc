"""The envelope spectrum: how often something is hit, whatever it sounds like when it is.

A rolling element that passes a crack strikes the bearing; each strike rings a resonance of the
structure at some kHz. The interesting number is the strike *rate* (80 Hz, say), which hides in the
amplitude of the ringing. So: keep the resonance band, take its amplitude (the envelope), look at the
spectrum of that. Randall & Antoni, "Rolling element bearing diagnostics: a tutorial", MSSP 25 (2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import fft, real, source


class _Spectrum:
    """What every spectrum of an envelope has in common: `rate`, `window` and `lines` describe it, and
    `_piece` (n, window, 1) -> (n, 1, lines, 1) computes it."""

    rate: float
    window: int
    lines: int

    def _piece(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @property
    def channels(self) -> int:
        return 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.lines, 1

    @property
    def frequencies(self) -> np.ndarray:
        """(lines,) Hz of each output line."""
        return np.arange(1, self.lines + 1) * self.rate / self.window

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, 1) -> (n, 1, lines, 1) float32, the same bits as the C side.

        Silence gives zeros. Raises ValueError on another window length.
        """
        source.check(self, X)
        return real.in_pieces(self._piece, X)


@dataclass(frozen=True)
class EnvelopeSpectrum(_Spectrum):
    """Window of vibration -> square root of its envelope's amplitude spectrum.

    `rate` in Hz and `window` in samples describe the input; `low` in Hz is the lower edge of the
    resonance band, `width` its number of spectral bins (a power of two; each `rate / window` Hz wide);
    `lines` is how many lines of the envelope spectrum are kept, from the first above 0 Hz, each
    `rate / window` Hz wide as well. `window` is a power of two too.

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
        if not fft.is_power_of_two(self.window) or not fft.is_power_of_two(self.width):
            raise ValueError(f"window and width must be powers of two: {self.window}, {self.width}")
        if not 16 <= self.window <= 16384 or self.width < 8:
            raise ValueError("window must be 16…16384 samples, and width at least 8 bins")
        if self.first < 1:
            raise ValueError("the band must begin above 0 Hz")
        if self.first + self.width > self.window // 2:
            raise ValueError(f"the band ends above half the rate ({self.rate / 2:.0f} Hz)")
        if not 0 < self.lines < self.width // 2:
            raise ValueError(f"lines must be 1…{self.width // 2 - 1}")

    @property
    def first(self) -> int:
        """Index of the band's first spectral bin."""
        return round(self.low * self.window / self.rate)

    def _piece(self, X: np.ndarray) -> np.ndarray:
        half_open = slice(self.first, self.first + self.width)
        re, im = fft.rfft(real.from_first(np.ascontiguousarray(real.bounded(X[:, :, 0]).T)))
        # back in time by a forward transform: that only runs the envelope backwards and scales it
        re, im = fft.fft(re[half_open], im[half_open])
        return _lines(np.sqrt(re * re + im * im), self.lines)

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        tables = source.cosine(self.window) + source.struct(
            "envelope_spectrum",
            "envelope",
            window=self.window,
            first=self.first,
            width=self.width,
            lines=self.lines,
            table=f"{{cosine, {self.window}}}",
        )
        return source.emit(
            self,
            name,
            headers=("envelope.h",),
            tables=tables,
            call="envelope_spectrum(&envelope, &from, work, features);",
            work=self.window,
            quantization=quantization,
            sensitivity=sensitivity,
        )


@dataclass(frozen=True)
class RectifiedSpectrum(_Spectrum):
    """The same from a rougher envelope, for a tenth of the instructions: no band is chosen.

    The second difference of the samples keeps what is fast (its gain at a twentieth of the `rate` is a
    tenth of that at a third of it); how large that is on average over a `block` of samples is the envelope.
    `rate` in Hz and `window` in samples describe the input; `lines` is how many lines of the spectrum are
    kept, each `rate / window` Hz wide. `window` and `block` are powers of two.
    """

    rate: float
    window: int
    block: int
    lines: int

    def __post_init__(self):
        if not fft.is_power_of_two(self.window) or not fft.is_power_of_two(self.block):
            raise ValueError(f"window and block must be powers of two: {self.window}, {self.block}")
        if not 16 <= self.window <= 16384 or self.width < 8:
            raise ValueError("window must be 16…16384 samples, and hold at least 8 blocks")
        if not 0 < self.lines < self.width // 2:
            raise ValueError(f"lines must be 1…{self.width // 2 - 1}")

    @property
    def width(self) -> int:
        """Values of the envelope."""
        return self.window // self.block

    def _piece(self, X: np.ndarray) -> np.ndarray:
        x = real.bounded(X[:, :, 0]).T
        for _ in range(2):
            x = np.diff(x, axis=0, prepend=x[:1])
        blocks = np.abs(x).reshape(self.width, self.block, len(X)).swapaxes(0, 1)
        return _lines(real.total(blocks), self.lines)

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        tables = source.cosine(self.width) + source.struct(
            "rectified_spectrum",
            "envelope",
            window=self.window,
            block=self.block,
            lines=self.lines,
            table=f"{{cosine, {self.width}}}",
        )
        return source.emit(
            self,
            name,
            headers=("rectified.h",),
            tables=tables,
            call="rectified_spectrum(&envelope, &from, work, features);",
            work=self.window,
            quantization=quantization,
            sensitivity=sensitivity,
        )


def _lines(envelope: np.ndarray, count: int) -> np.ndarray:
    """(width, n) -> (n, 1, count, 1): square roots of the spectrum of what is above and below the mean."""
    mean = real.total(envelope) / np.float32(len(envelope))
    gain = np.float32(1) / np.maximum(mean, np.float32(1e-12))
    re, im = fft.rfft((envelope - mean) * (gain * fft.hann(len(envelope))[:, None]))
    re, im = re[1 : count + 1], im[1 : count + 1]
    return np.sqrt(np.sqrt(re * re + im * im)).T[:, None, :, None].copy()
