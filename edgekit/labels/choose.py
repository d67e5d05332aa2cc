"""Which windows of a device travel under a byte budget: random ones, the least sure, the strangest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError

RANDOM, UNCERTAIN, NOVEL = REASONS = ("random", "uncertain", "novel")


@dataclass(frozen=True)
class Choice:
    """A window, `row` of those that it was chosen of, and why. `probability`: that it would be chosen for
    this reason; of a random one known before it was drawn, of the others 1, for their scores decide."""

    row: int
    reason: str
    probability: float

    @property
    def weight(self) -> float:
        """Windows that it stands for."""
        return 1 / self.probability


def choose_windows(
    confidence: np.ndarray,
    distance: np.ndarray,
    budget: int,
    rng: np.random.Generator,
    window_bytes: int = 1,
    random_share: float = 0.5,
) -> list[Choice]:
    """As many windows as `budget` bytes hold, at `window_bytes` each, in the order in which they are sent.

    `confidence` and `distance` (n,) of the network's answers and from the device's first weeks. A share
    `random_share` (one at least) is drawn from *all* windows without replacement, before anything else is
    looked at: on those alone accuracy is estimated. The others are the least sure and the strangest of what
    is left, in turn. Raises EdgekitError for scores that are none, and bytes that cannot be.
    """
    confidence, distance = (np.asarray(v, np.float64) for v in (confidence, distance))
    n = len(confidence)
    if confidence.shape != (n,) or distance.shape != (n,):
        raise EdgekitError(
            f"a confidence and a distance a window, got {confidence.shape} and {distance.shape}"
        )
    if not (np.isfinite(confidence).all() and np.isfinite(distance).all()):
        raise EdgekitError("confidence and distance are numbers; some are not finite")
    if window_bytes < 1 or budget < 0 or not 0 <= random_share <= 1:
        raise EdgekitError(
            f"a budget of {budget} bytes, {window_bytes} a window, {random_share:g} of it random: bytes are "
            "positive, a share goes from 0 to 1"
        )
    count = min(n, budget // window_bytes)
    drawn = min(count, max(1, round(random_share * count))) if random_share and count else 0
    random = np.sort(rng.permutation(n)[:drawn])
    chosen = [Choice(int(row), RANDOM, drawn / n) for row in random]
    free = np.setdiff1d(np.arange(n), random)
    orders = [
        (UNCERTAIN, iter(free[np.argsort(confidence[free], kind="stable")])),
        (NOVEL, iter(free[np.argsort(-distance[free], kind="stable")])),
    ]
    taken: set[int] = set()
    while len(chosen) < count:
        reason, order = orders[len(taken) % 2]
        row = int(next(r for r in order if int(r) not in taken))
        taken.add(row)
        chosen.append(Choice(row, reason, 1.0))
    return chosen


def draw_windows(size: np.ndarray, count: int, rng: np.random.Generator) -> list[Choice]:
    """`count` random windows of n, or all, each drawn with a probability in proportion to its `size` (n,)
    above 0, as far as that is below 1: systematic sampling (W. G. Madow, 1949). Any stretch of the order in
    which they are given has its share of the draws, to one more or less, so whoever wants them independent
    shuffles first. With their weights they speak for all windows.
    """
    size = np.asarray(size, np.float64)
    count, p = min(count, len(size)), np.zeros(len(size))
    sure = np.zeros(len(size), bool)
    while count > sure.sum():
        p = np.where(sure, 1.0, size * (count - sure.sum()) / size[~sure].sum())
        if not (p[~sure] >= 1).any():
            break
        sure |= p >= 1
    passed = np.floor(np.cumsum(np.where(sure, 1.0, p)) + rng.random() + 1e-9)
    drawn = np.flatnonzero(np.diff(passed, prepend=0.0) > 0)
    return [Choice(int(row), RANDOM, float(min(1.0, p[row]))) for row in drawn]
