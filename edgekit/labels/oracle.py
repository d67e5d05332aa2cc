"""Whoever knows what a window shows, in place of a person; wrong as often as it is told to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgekit.core.errors import EdgekitError


@dataclass
class Oracle:
    """An annotator `name` that says any other class than the true one in a share `error` of cases.
    Raises EdgekitError for a share that is none."""

    name: str = "oracle"
    error: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self):
        if not 0 <= self.error <= 1:
            raise EdgekitError(
                f"an oracle errs in a share of 0 to 1 of cases, not {self.error!r:.40}"
            )

    def __call__(self, truth: str, classes: Sequence[str]) -> str:
        """What it says of a window of class `truth`."""
        others = [c for c in classes if c != truth]
        wrong = self.rng.random() < self.error and others
        return str(others[int(self.rng.integers(len(others)))]) if wrong else truth
