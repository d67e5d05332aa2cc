"""How long to wait before the next try: twice as long each time, and each waits another while.

So a fleet does not come back as one ("equal jitter": Brooker, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass
class Backoff:
    """Seconds to wait: from half of `first` up to `most`."""

    first: float
    most: float
    rng: random.Random
    tries: int = 0

    def next(self) -> float:
        """Another try failed: seconds until the next."""
        limit = min(self.most, self.first * 2.0 ** min(self.tries, 32))
        self.tries += 1
        return limit * self.rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It went well."""
        self.tries = 0
