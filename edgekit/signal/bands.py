"""Energies in bands of the short-time spectrum: plain, logarithmic, or on the mel scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.signal import fft, real, source


@dataclass(frozen=True)
class BandEnergies:
    """Window of samples -> energy in each band of each frame, per channel, logarithmic unless `floor` is 0.

    `rate` in Hz; `window` (the input), `frame` (a power of two) and `hop` in samples. `edges` in Hz,
    ascending, are the borders of the bands. With `triangles` a band rises from one edge to the next and
    falls to the one after, so that it takes three edges; else it is the box between two. An energy is the
    sum of |rfft(frame · Hann)|² / frame over the band's bins; below `floor` it counts as `floor`, and
    the logarithm is natural. Raises ValueError where a band holds no bin.
    """

    rate: float
    window: int
    frame: int
    hop: int
    edges: tuple[float, ...]
    triangles: bool = False
    floor: float = 1e-6
    channels: int = 1

    def __post_init__(self):
        if not fft.is_power_of_two(self.frame) or self.frame < 8:
            raise ValueError(f"frame must be a power of two from 8 on, not {self.frame}")
        if not self.frame <= self.window or self.hop < 1 or self.channels < 1:
            raise ValueError("a window must hold a frame, and hop and channels be positive")
        if self.floor and not 1e-37 < self.floor < 1e30:
            raise ValueError("floor must be 0 or a small positive number")
        if self.bands < 1 or np.any(np.diff(self.bins) < 1):
            raise ValueError(f"some bands hold no bin; a bin is {self.rate / self.frame:g} Hz wide")
        if self.bins[0] < 0 or self.bins[-1] > self.frame // 2:
            raise ValueError(f"edges must lie between 0 Hz and half the rate, {self.rate / 2:g} Hz")

    @property
    def bands(self) -> int:
        return len(self.edges) - 1 - self.triangles

    @property
    def frames(self) -> int:
        return 1 + (self.window - self.frame) // self.hop

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.frames, self.bands, self.channels

    @property
    def bins(self) -> np.ndarray:
        """Edges as bins: the band between two runs from the first up to, not with, the second."""
        return np.ceil(np.asarray(self.edges) * self.frame / self.rate - 1e-9).astype(np.int64)

    @property
    def frequencies(self) -> np.ndarray:
        """(bands,) Hz: the middle of each box, the peak of each triangle."""
        edges = np.asarray(self.edges, float)
        return edges[1:-1] if self.triangles else (edges[:-1] + edges[1:]) / 2

    @property
    def rise(self) -> np.ndarray | None:
        """float32, for each bin from the first edge on: its part for the rising triangle."""
        if not self.triangles:
            return None
        edges, k = np.asarray(self.edges, float), np.arange(self.bins[0], self.bins[-1])
        segment = np.searchsorted(self.bins, k, side="right") - 1
        low, high = edges[segment], edges[segment + 1]
        return ((k * self.rate / self.frame - low) / (high - low)).clip(0, 1).astype(np.float32)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, frames, bands, channels) float32, the same bits as the C side.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        return real.in_pieces(self._piece, X, max(1, 64 // self.frames))

    def _piece(self, X: np.ndarray) -> np.ndarray:
        x = np.lib.stride_tricks.sliding_window_view(real.bounded(X), self.frame, axis=1)
        x = x[:, :: self.hop]  # (n, frames, channels, frame)
        leading = x.shape[:-1]
        x = (
            np.ascontiguousarray(x.reshape(int(np.prod(leading)), self.frame).T)
            * fft.hann(self.frame)[:, None]
        )
        re, im = fft.rfft(x)
        spectrum = (re * re + im * im) * np.float32(1 / self.frame)
        energy, bins = np.zeros((self.bands, x.shape[1]), np.float32), self.bins
        for b in range(len(bins) - 1):
            inside = spectrum[bins[b] : bins[b + 1]]
            if self.rise is None:
                energy[b] += real.total(inside)
                continue
            rising = inside * self.rise[bins[b] - bins[0] : bins[b + 1] - bins[0], None]
            if b < self.bands:
                energy[b] += real.total(rising)
            if b > 0:
                energy[b - 1] += real.total(inside - rising)
        if self.floor:
            energy = real.log(np.maximum(energy, np.float32(self.floor)))
        return energy.T.reshape(*leading, self.bands).transpose(0, 1, 3, 2).copy()

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        tables = source.cosine(self.frame)
        tables += source.array("uint16_t", "edges", self.bins, "bins")
        if self.triangles:
            tables += source.array("float", "rise", self.rise, "of each bin, for the rising band")
        tables += source.struct(
            "band_energies",
            "bands",
            frame=self.frame,
            hop=self.hop,
            frames=self.frames,
            bands=self.bands,
            channels=self.channels,
            edges="edges",
            rise="rise" if self.triangles else "0",
            floor=source.literal(self.floor),
            table=f"{{cosine, {self.frame}}}",
        )
        return source.emit(
            self,
            name,
            headers=("bands.h",),
            tables=tables,
            call="band_energies(&bands, &from, work, features);",
            work=self.frame,
            quantization=quantization,
            sensitivity=sensitivity,
        )


def mel_edges(low: float, high: float, bands: int) -> tuple[float, ...]:
    """Edges in Hz of `bands` triangles between `low` and `high` Hz, equally wide on the mel scale.

    2595 log10(1 + f / 700), O'Shaughnessy, Speech Communication (1987).
    """
    first, last = 2595 * np.log10(1 + np.array([low, high]) / 700)
    mel = np.linspace(first, last, bands + 2)
    return tuple(float(f) for f in 700 * (10 ** (mel / 2595) - 1))


def log_mel(
    rate: float,
    window: int,
    frame: int,
    hop: int,
    bands: int,
    low: float = 20.0,
    high: float | None = None,
) -> BandEnergies:
    """The log-mel spectrogram of a window: `BandEnergies` of `bands` mel triangles from `low` to `high` Hz.

    `rate` in Hz; `window`, `frame` and `hop` in samples. Without `high` up to half of the rate.
    """
    edges = mel_edges(low, high or rate / 2, bands)
    return BandEnergies(rate, window, frame, hop, edges, triangles=True)
