"""Several labellers: what they say together, and how far they agree beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan

import numpy as np

from edgekit.core.errors import EdgekitError

DRAWS = 1000
LEAST = 2  # samples that more than one person labelled, below which no interval is given


@dataclass(frozen=True)
class Agreement:
    """`value` 1: always the same, 0: as often as by chance; its interval (95 %, samples drawn anew), on how
    many `samples` with more than one label it rests, and which `figure` it is."""

    figure: str
    value: float
    low: float
    high: float
    samples: int
    annotators: int

    def __str__(self) -> str:
        return (
            f"{self.figure} {self.value:.2f} ({self.low:.2f}–{self.high:.2f}), {self.annotators} annotators, "
            f"{self.samples} samples with more than one label"
        )


def majority(labels: Iterable[str]) -> str | None:
    """What more than half say; None where nobody has said anything, or opinions are divided."""
    votes = Counter(labels)
    if not votes:
        return None
    label, most = votes.most_common(1)[0]
    return label if 2 * most > votes.total() else None


def agreement(votes: Mapping[int, Mapping[str, str]], seed: int = 0) -> Agreement:
    """Of `votes`, sample -> annotator -> label: Cohen's kappa of two who labelled the same samples, else
    Krippendorff's alpha (nominal, with gaps: K. Krippendorff, "Content Analysis", chapter 12).

    Raises EdgekitError where no sample has two labels.
    """
    shared = [dict(v) for v in votes.values() if len(v) > 1]
    if not shared:
        raise EdgekitError("agreement takes samples that two people labelled; there is none")
    people = sorted({name for v in shared for name in v})
    two = len(people) == 2
    measure = _kappa if two else _alpha
    rng = np.random.default_rng(seed)
    drawn = []
    if len(shared) >= LEAST:
        for _ in range(DRAWS):
            again = [shared[i] for i in rng.integers(len(shared), size=len(shared))]
            drawn.append(measure(again, people))
    known = [d for d in drawn if d == d]
    low, high = np.quantile(known, (0.025, 0.975)) if known else (nan, nan)
    name = "Cohen's kappa" if two else "Krippendorff's alpha"
    value = measure(shared, people)
    return Agreement(name, value, float(low), float(high), len(shared), len(people))


def _kappa(shared: list[dict[str, str]], people: list[str]) -> float:
    first, second = ([v[name] for v in shared] for name in people)
    n = len(shared)
    same = sum(a == b for a, b in zip(first, second, strict=True)) / n
    one, other = Counter(first), Counter(second)
    chance = sum(one[label] * other[label] for label in one) / n**2
    return (same - chance) / (1 - chance) if chance < 1 else nan


def _alpha(shared: list[dict[str, str]], people: list[str]) -> float:
    different, totals = 0.0, Counter[str]()
    for votes in shared:
        counts, m = Counter(votes.values()), len(votes)
        different += (m * m - sum(c * c for c in counts.values())) / (m - 1)
        totals.update(votes.values())
    n = totals.total()
    expected = (n * n - sum(c * c for c in totals.values())) / (n - 1)
    return 1 - different / expected if expected else nan
