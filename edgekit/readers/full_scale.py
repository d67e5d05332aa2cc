"""Samples of sound as shares of full scale, whatever file they came in."""

from __future__ import annotations

import numpy as np

LOUD = (
    2.0  # times full scale that a float recording may reach; beyond, its values are of another unit
)
COUNTS = 32768.0  # of an integer of 16 bits


def channel_names(channels: int) -> tuple[str, ...] | None:
    """What one or two channels of sound are called; None for more."""
    return {1: ("sound",), 2: ("left", "right")}.get(channels)


def scaled(samples: np.ndarray) -> tuple[np.ndarray, str, list[str]]:
    """Float samples of any shape, (n, channels) say, their unit, and what a person should know of it."""
    peak = float(np.abs(samples[np.isfinite(samples)]).max(initial=0))
    if peak <= LOUD:
        return samples, "full scale", []
    if 1000 <= peak <= COUNTS:
        note = f"floats far beyond ±1: taken for counts of 16 bits, divided by {COUNTS:,.0f}"
        return samples / np.float32(COUNTS), "full scale", [note]
    note = "floats beyond full scale: taken as they are, in a unit that is not told"
    return samples, "as recorded", [note]
