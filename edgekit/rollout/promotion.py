"""Model accuracy decides whether a wave is followed by the next: on labelled samples drawn at random.

On each of them both models answered, the new and the one before, so that only samples on which one of them is
wrong tell anything (McNemar, Psychometrika 1947). The interval is Bonett and Price's (J. Educ. Behav.
Stat. 2012).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedLabels:
    """Labelled samples of random choice: right with both models, with only one of them, with neither."""

    both: int = 0
    new_only: int = 0
    old_only: int = 0
    neither: int = 0

    @property
    def n(self) -> int:
        return self.both + self.new_only + self.old_only + self.neither

    def __add__(self, other: PairedLabels) -> PairedLabels:
        return PairedLabels(
            self.both + other.both,
            self.new_only + other.new_only,
            self.old_only + other.old_only,
            self.neither + other.neither,
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Of new accuracy minus old, -1 to 1."""
        from scipy.stats import norm

        better, worse = (self.new_only + 1) / (self.n + 2), (self.old_only + 1) / (self.n + 2)
        middle = better - worse
        half = norm.isf((1 - level) / 2) * math.sqrt(
            (better + worse - middle * middle) / (self.n + 2)
        )
        return max(-1.0, middle - half), min(1.0, middle + half)

    def harm(self) -> float:
        """How probable so many losses are if the models were equally good (exact, one-sided)."""
        from scipy.stats import binom

        return float(binom.cdf(self.new_only, self.new_only + self.old_only, 0.5))

    def gain(self) -> float:
        """How probable so many gains are if the models were equally good (exact, one-sided)."""
        return PairedLabels(new_only=self.old_only, old_only=self.new_only).harm()


@dataclass(frozen=True)
class Promotion:
    """decision: "go", "hold" (not enough is known) or "harm"; why in words."""

    decision: str
    reason: str = ""


def may_promote(
    labels: Mapping[str, PairedLabels] | None, needed: int, worst: float, alpha: float
) -> Promotion:
    """May the next wave have the release? labels: by cohort.

    Harm: some cohort, or all together, lost accuracy beyond chance (exact test, `alpha` shared by all of
    them). Go: at least `needed` samples, and their 95 % interval excludes a loss of `worst` or more.
    """
    labels = labels or {}
    whole = sum(labels.values(), PairedLabels())
    groups = {f"cohort {c}": p for c, p in sorted(labels.items())} if len(labels) > 1 else {}
    for name, paired in {"all": whole, **groups}.items():
        p = paired.harm()
        if paired.old_only > paired.new_only and p <= alpha / (1 + len(groups)):
            lost = (paired.old_only - paired.new_only) / paired.n
            return Promotion(
                "harm", f"accuracy {lost:.0%} lower, {name}, {paired.n} samples (p {p:.1g})"
            )
    if whole.n < needed:
        return Promotion("hold", f"{whole.n} labelled samples of {needed}")
    low, _ = whole.interval()
    if needed and low < -worst:
        return Promotion(
            "hold", f"{whole.n} labels leave a loss of {-low:.0%} possible, at most {worst:.0%}"
        )
    return Promotion("go")
