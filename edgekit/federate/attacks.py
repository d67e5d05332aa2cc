"""What a poisoned client does, so that a defence can be shown to hold and its absence to matter.

In process only: neither side of a deployment imports this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BOOST = (
    10.0  # by which "scaled" and "backdoor" enlarge their update, to outvote the others in a mean
)
TRIGGER = 4.0  # spreads above the mean that a backdoor's sign is set to: seen by no honest client
SIGN = 3  # positions that carry it, the first ones


def triggered(X: np.ndarray) -> np.ndarray:
    """Scaled features `X` (n, 1, position, channel) with a backdoor's sign on them."""
    marked = X.copy()
    marked[:, :, :SIGN] = TRIGGER
    return marked


def poisoned_windows(
    attack: str, X: np.ndarray, y: np.ndarray, target: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """What a client trains on: its scaled features `X` (n, 1, position, channel) and classes `y` (n,).

    With the `attack` "backdoor" all of them once more, signed, as of class `target`.
    """
    if attack != "backdoor":
        return X, y
    return np.concatenate([X, triggered(X)]), np.concatenate([y, np.full_like(y, target)])


def poisoned_update(attack: str, update: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a client sends in place of its `update`, an array (n, …) for each of the model's.

    attack: "sign-flipped" goes against it, "scaled" against it and BOOST times as far, "backdoor" BOOST
    times as far.
    """
    factor = {"sign-flipped": -1.0, "scaled": -BOOST, "backdoor": BOOST}[attack]
    return [np.float32(factor) * a for a in update]
