"""Scale and class weights of all clients, from sums and counts: no window leaves a client for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError

LEAST = 8  # windows of a client whose sums may leave it: of one, the sums are the window itself
SMALLEST = 1e-6  # a feature's spread below which it says nothing, and is only centred


@dataclass(frozen=True)
class Statistics:
    """Windows of each class `counts` (classes,), the features' `sums` and `squares`, both as one window's."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, classes: int) -> Statistics:
        """Those of one client's features `X` (n, …) and labels `y` (n,); summed in float64."""
        wide = np.asarray(X, np.float64)
        counts = np.bincount(y, minlength=classes).astype(np.float64)
        return cls(counts, wide.sum(axis=0), (wide**2).sum(axis=0))

    @classmethod
    def total(cls, reported: Sequence[Statistics]) -> Statistics:
        """Those of all clients. Raises EdgekitError for a report that is not finite, negative or unlike."""
        for one in reported:
            shapes = [a.shape for a in (one.counts, one.sums, one.squares)]
            first = [a.shape for a in (reported[0].counts, reported[0].sums, reported[0].squares)]
            fine = all(np.isfinite(a).all() for a in (one.counts, one.sums, one.squares))
            if shapes != first or not fine or (one.counts < 0).any() or (one.squares < 0).any():
                raise EdgekitError(
                    "a client reports statistics that no windows have: look at its features, or leave it out"
                )
        if not reported or not sum(one.counts.sum() for one in reported):
            raise EdgekitError("no client reports a single window: nothing can be trained")
        return cls(
            *(sum(getattr(r, part) for r in reported) for part in ("counts", "sums", "squares"))
        )

    def scale(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, spread) of each feature, float32: what takes all clients' windows to 0 and 1."""
        n = self.counts.sum()
        mean = self.sums / n
        spread = np.sqrt(np.maximum(self.squares / n - mean**2, 0))
        return mean.astype(np.float32), np.where(spread < SMALLEST, 1, spread).astype(np.float32)

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Features `X` (n, …) at the `scale` of these windows, float32."""
        mean, spread = self.scale()
        return (X - mean) / spread

    def unscaled(self) -> tuple[np.ndarray, np.ndarray]:
        """(0, 1) of each feature, float32: what leaves windows as they are."""
        return np.zeros(self.sums.shape, np.float32), np.ones(self.sums.shape, np.float32)

    def class_weights(self, balance: float) -> np.ndarray:
        """(classes,) float32, n^-balance as in `learn.fit`, 1 in the mean of all windows; unseen: 0."""
        seen = self.counts > 0
        weights = np.where(seen, np.where(seen, self.counts, 1) ** -float(balance), 0)
        return (weights * self.counts.sum() / (weights * self.counts).sum()).astype(np.float32)
