"""How many bytes an update takes, guessed without coding it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def entropy(base: bytes, constants=None) -> Callable:
    """A guess of `cost`, in bytes: adaptive codes of order 0 for the changes of each tensor by itself.

    Whether a value changed, the length of the change's magnitude and its sign are coded by what was counted
    so far (Krichevsky and Trofimov, 1981, but with Laplace's counts), the bits below as they are. Anything
    else that differs counts in full.
    """
    if constants is None:
        from edgekit.learn import int8_training

        constants = int8_training.Network(base).constants

    def cost(new: bytes) -> int:
        if len(new) != len(base):
            return len(new)
        bits, rest = 0.0, np.frombuffer(new, np.uint8) != np.frombuffer(base, np.uint8)
        for c in constants:
            change = np.abs(c.read(new).astype(np.int64) - c.base)
            lengths = np.bincount(
                np.frexp(change)[1]
            )  # 0 for no change, 1 for ±1, 2 for ±2 and ±3, …
            bits += _adaptive(lengths) + (lengths[1:] * np.arange(1, len(lengths))).sum()
            rest[c.offset : c.offset + c.base.nbytes] = False
        return math.ceil(bits / 8 + rest.sum())

    return cost


def _adaptive(counts: np.ndarray) -> float:
    """Bits of symbols that came so often, coded one by one by how often each came before (plus one)."""
    ways = math.lgamma(counts.sum() + len(counts)) - math.lgamma(len(counts))
    return (ways - sum(math.lgamma(n + 1) for n in counts)) / math.log(2)
