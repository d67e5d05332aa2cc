"""How far a device's features are from those of its first weeks: once a week, by quantiles of the distance.

The distance of a window is its RMS z-score against the mean and spread of the first weeks' inputs; of a
week, the largest gap between the cumulative shares of eight bins, then and now (Kolmogorov-Smirnov's
statistic).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np

LEARN_WEEKS = 3
BINS = 8
LIMIT = 1.86  # of the gap times sqrt(nm / (n + m)): p about 0.002


@dataclass
class WeeklyDistance:
    """`weeks`: inputs (n, d) of the first weeks until there are LEARN_WEEKS; then `reference` stands."""

    weeks: list[np.ndarray] = field(default_factory=list)
    reference: tuple[np.ndarray, ...] = ()

    def novelty(self, inputs: np.ndarray) -> np.ndarray:
        """(n,) distances of windows; zeros while nothing is known yet."""
        if not self.reference:
            return np.zeros(len(inputs))
        mean, spread = self.reference[:2]
        return np.sqrt((((inputs - mean) / spread) ** 2).mean(axis=1))

    def update(self, inputs: np.ndarray) -> tuple[float, bool]:
        """A week's inputs (n, d): (its gap, 0 to 1, whether that is drift)."""
        if not self.reference:
            self.weeks.append(inputs.astype(np.int8))
            if len(self.weeks) == LEARN_WEEKS:
                whole = np.concatenate(self.weeks).astype(np.float64)
                self.reference = whole.mean(axis=0), whole.std(axis=0) + 1.0
                first = self.novelty(whole)
                edges = np.quantile(first, np.arange(1, BINS) / BINS)
                self.reference += (edges, np.array(len(whole), np.float64))
                self.weeks = []
            return 0.0, False
        edges, n = self.reference[2], float(self.reference[3])
        share = np.searchsorted(np.sort(self.novelty(inputs)), edges, side="right") / len(inputs)
        gap = float(np.abs(share - np.arange(1, BINS) / BINS).max())
        m = len(inputs)
        return gap, gap * np.sqrt(n * m / (n + m)) > LIMIT

    def to_bytes(self) -> bytes:
        out = io.BytesIO()
        parts = {f"w{i}": w for i, w in enumerate(self.weeks)}
        parts |= {f"r{i}": np.asarray(r) for i, r in enumerate(self.reference)}
        np.savez(out, allow_pickle=False, **parts)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> WeeklyDistance:
        if not data:
            return cls()
        with np.load(io.BytesIO(data), allow_pickle=False) as f:
            weeks = [f[k] for k in sorted(f.files) if k[0] == "w"]
            return cls(weeks, tuple(f[k] for k in sorted(f.files) if k[0] == "r"))
