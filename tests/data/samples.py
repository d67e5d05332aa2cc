"""Small recordings and windows for tests."""

from __future__ import annotations

import numpy as np

from edgekit.data import Recording, Windows


def recording(
    name: str, samples, rate: float = 1_000.0, label: str = "normal", **other
) -> Recording:
    values = {"group": name, "domain": "lab"}
    return Recording(name, np.asarray(samples, np.float32), rate, label, **(values | other))


def noise(n: int = 4_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def windows_of(groups: list[tuple[str, int]], classes: tuple[str, ...]) -> Windows:
    """Windows of distinct noise; `groups` is one (class, windows) for each group."""
    y = np.concatenate([np.full(n, classes.index(c)) for c, n in groups])
    group = np.concatenate([np.full(n, f"g{i}") for i, (_, n) in enumerate(groups)])
    start = np.concatenate([np.arange(n) * 8 for _, n in groups])
    origin = np.array([f"{g}@{s}" for g, s in zip(group, start, strict=True)])
    x = np.random.default_rng(0).standard_normal((len(y), 8, 1)).astype(np.float32)
    return Windows(x, y, classes, group, np.full(len(y), "lab"), origin, 100.0)
