"""One placement of a use case's functions, what it costs, and what was found against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np

from edgekit.core.figures import Figure, estimated
from edgekit.select.boards import Check, decided, reasons
from edgekit.select.traffic import NAN, Stream

NOWHERE = "nowhere"  # the place of a function that a placement leaves out


@dataclass(frozen=True)
class Placed:
    """One placement: `at` says function -> tier. `latency_ms` (draws,) of a decision; the figures are of one
    device; `checks` say what forbids it, what allows it, and what is not known."""

    name: str
    at: Mapping[str, str]
    streams: tuple[Stream, ...]
    onward: tuple[Stream, ...]
    latency_ms: np.ndarray
    power_mw: Figure
    battery_years: Figure
    eur_month: Figure
    checks: tuple[Check, ...]

    @property
    def decision_ms(self) -> Figure:
        """The 99th percentile; `low` and `high` are the median and the largest that was drawn."""
        p50, p99, most = np.quantile(self.latency_ms, (0.5, 0.99, 1), method="higher")
        how = f"{len(self.latency_ms):,} simulated decisions: wait, air, repeats, round trips, computing"
        if isnan(p99):
            return estimated(NAN, "ms", "a rate or a speed is unknown")
        return estimated(float(p99), "ms", how, float(p50), float(most))

    @property
    def bytes_per_day(self) -> float:
        """What leaves one device."""
        return sum(s.bytes_per_day for s in self.streams)

    @property
    def verdict(self) -> str:
        """`forbidden` if a check fails, else `unknown` if one cannot be made, else `possible`."""
        return {False: "forbidden", None: "unknown", True: "possible"}[decided(self.checks)]

    @property
    def why(self) -> str:
        """What forbids it, else what is not known."""
        return reasons(self.checks)
