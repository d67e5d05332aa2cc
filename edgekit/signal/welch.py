"""Level, loudness and spectrum of a window, in a few numbers: what most sensors need and no more.

The averaged short-time spectrum is Welch's (IEEE Trans. Audio Electroacoust. 15, 1967).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from edgekit.signal import fft, in_range, real, source

FLOOR = 1e-12  # of a power, in shares of the sensor's range squared: -120 dB


@dataclass(frozen=True)
class WelchBands:
    """Window of samples -> for each channel where it stands, how strongly it moves, and at which rates.

    Each channel is first taken in shares of the sensor's range, (x - `offset`) / `span`. The window's
    frames (`frame` samples, a power of two, one every `hop`) are dealt into `slices` in order of time;
    for each slice come its mean (only with `level`), the logarithm of its power around that mean, and
    for each band between two `edges` (Hz, ascending) the logarithm of the band's part of that power,
    less that of an equal share. Constants bring all of it to about -2 … 2, whatever the sensor.
    `rate` in Hz, `window` in samples. Raises ValueError where a band holds no bin of the spectrum.
    """

    rate: float
    window: int
    frame: int
    hop: int
    edges: tuple[float, ...]
    offset: tuple[float, ...] = (0.0,)
    span: tuple[float, ...] = (1.0,)
    slices: int = 1
    level: bool = True

    def __post_init__(self):
        if not fft.is_power_of_two(self.frame) or self.frame < 8:
            raise ValueError(f"frame must be a power of two from 8 on, not {self.frame}")
        if not self.frame <= self.window or self.hop < 1:
            raise ValueError("a window must hold a frame, and hop be positive")
        if not 1 <= self.slices <= self.frames:
            raise ValueError(f"{self.frames} frames cannot be dealt into {self.slices} slices")
        in_range.InRange(self.window, self.offset, self.span)  # checks both
        if self.bands < 2 or np.any(np.diff(self.bins) < 1):
            raise ValueError(f"some bands hold no bin; a bin is {self.rate / self.frame:g} Hz wide")
        if self.bins[0] < 1 or self.bins[-1] > self.frame // 2:
            raise ValueError(f"edges must lie above 0 Hz and up to {self.rate / 2:g} Hz")

    @property
    def channels(self) -> int:
        return len(self.span)

    @property
    def bands(self) -> int:
        return len(self.edges) - 1

    @property
    def frames(self) -> int:
        return 1 + (self.window - self.frame) // self.hop

    @property
    def lines(self) -> int:
        return self.level + 1 + self.bands

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.lines, self.slices * self.channels

    @property
    def bins(self) -> np.ndarray:
        """Edges as bins: a band runs from the first up to, not with, the second."""
        return np.ceil(np.asarray(self.edges) * self.frame / self.rate - 1e-9).astype(np.int64)

    @property
    def axis(self) -> tuple[str, np.ndarray]:
        """What a picture writes below the features: a label, and where each line stands."""
        first = "level, loudness" if self.level else "loudness"
        return (
            f"{first}, then bands from {self.edges[0]:.3g} to {self.edges[-1]:.3g} Hz",
            np.arange(self.lines),
        )

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, channels) -> (n, 1, lines, slices · channels) float32, as the C side's bits.

        Raises ValueError on another window length or number of channels.
        """
        source.check(self, X)
        return real.in_pieces(self._piece, X, max(1, 256 // (self.frames * self.channels)))

    def _piece(self, X: np.ndarray) -> np.ndarray:
        each, n = self.frames // self.slices, len(X)
        x = in_range.in_range(real.bounded(X), self.offset, self.span)
        x = np.lib.stride_tricks.sliding_window_view(x, self.frame, axis=1)[:, :: self.hop]
        x = x[:, : each * self.slices]  # (n, frames, channels, frame)
        leading = x.shape[:3]
        x = np.ascontiguousarray(x.reshape(int(np.prod(leading)), self.frame).T)
        mean = real.total(x) * np.float32(1 / self.frame)
        re, im = fft.rfft((x - mean) * fft.hann(self.frame)[:, None])
        power = (re * re + im * im) * np.float32(1 / self.frame)
        bins = self.bins
        energy = np.stack([real.total(power[a:b]) for a, b in itertools.pairwise(bins)])
        # sums over the frames of a slice, one after the other
        energy = energy.reshape(self.bands, n, self.slices, each, self.channels)
        energy = real.total(energy.transpose(3, 0, 1, 2, 4))
        share = np.float32(1 / each)
        loud = real.log(np.maximum(real.total(energy) * share, np.float32(FLOOR)))
        parts = real.log(np.maximum(energy * share, np.float32(FLOOR)))
        lines = [loud * np.float32(0.25) + np.float32(2)]
        lines += [(p - loud + np.float32(np.log(self.bands))) * np.float32(0.5) for p in parts]
        if self.level:
            mean = mean.reshape(n, self.slices, each, self.channels).transpose(2, 0, 1, 3)
            lines.insert(0, real.total(mean) * np.float32(2 / each))
        return np.stack(lines, axis=1).reshape(n, 1, self.lines, -1)

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        each = self.frames // self.slices
        tables = source.cosine(self.frame)
        tables += source.array("uint16_t", "edges", self.bins, "bins")
        tables += in_range.tables(self.offset, self.span)
        tables += source.struct(
            "welch_bands",
            "bands",
            frame=self.frame,
            hop=self.hop,
            each=each,
            slices=self.slices,
            bands=self.bands,
            channels=self.channels,
            level=int(self.level),
            edges="edges",
            range="&range",
            mean=source.literal(1 / self.frame),
            share=source.literal(1 / each),
            twice=source.literal(2 / each),
            equal=source.literal(np.log(self.bands)),
            table=f"{{cosine, {self.frame}}}",
        )
        return source.emit(
            self,
            name,
            headers=("welch.h",),
            tables=tables,
            call="welch_bands(&bands, &from, work, features);",
            work=self.frame + self.bands,
            quantization=quantization,
            sensitivity=sensitivity,
        )


def log_edges(low: float, high: float, bands: int, rate: float, frame: int) -> tuple[float, ...]:
    """Edges in Hz of at most `bands` bands from `low` to `high` Hz, each with a bin of its own.

    As equal in ratio as whole bins allow: low bands are one bin wide. `rate` in Hz, `frame` in samples: a bin
    is `rate / frame` wide.
    """
    bin_hz = rate / frame
    first, last = max(1, round(low / bin_hz)), max(3, min(frame // 2, round(high / bin_hz)))
    wanted = np.round(np.geomspace(first, last, bands + 1)).astype(int)
    edges = [first]
    for edge in wanted[1:]:
        edges.append(max(edges[-1] + 1, int(edge)))
    edges = [e for e in edges if e < last] + [last]
    return tuple(float(e * bin_hz) for e in edges)
