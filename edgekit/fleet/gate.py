"""Is the candidate better? Asked on labels of random windows that nothing was trained on, cohort by cohort.

Both models answer the same windows, so their difference is paired. The question is about these devices, not
about others like them, and of their windows the labelled ones were drawn at random: so it is windows that are
drawn anew (`learn.bootstrap`), within each cohort, each with the weight of those it stands for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from edgekit.learn.bootstrap import bounds, resample

DRAWS = 2000
# level of the whole fleet's interval: its lower end alone is asked, which is above by chance in 5 %
BETTER = 0.90
LEAST = 10  # labels, of two devices or more: of fewer, nothing is said


@dataclass(frozen=True)
class Paired:
    """n labelled random windows: whose they are, what each stands for, and which model was right on it.

    `device`, `cohort` (n,) names; `weight` (n,) windows of its device's week over those that were drawn of
    them; `before`, `after` (n,) bool: released model, candidate.
    """

    device: np.ndarray
    cohort: np.ndarray
    weight: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def __len__(self) -> int:
        return len(self.device)

    def of(self, rows: np.ndarray) -> Paired:
        """Only the given rows."""
        return Paired(
            *(getattr(self, n)[rows] for n in ("device", "cohort", "weight", "before", "after"))
        )


@dataclass(frozen=True)
class Finding:
    """Accuracy before and after on `labels` windows of `devices`, and the interval of the difference;
    `judged` False where they were too few: then nothing is known, which is not the same as nothing wrong."""

    labels: int
    devices: int
    before: float
    after: float
    low: float
    high: float
    judged: bool


@dataclass(frozen=True)
class GateReport:
    """Whether the candidate passed, why not (a line each), the whole fleet's Finding and each cohort's."""

    passed: bool
    reasons: tuple[str, ...]
    whole: Finding
    cohorts: dict[str, Finding] = field(default_factory=dict)
    update_bytes: int = 0
    budget_bytes: int = 0

    def to_dict(self) -> dict:
        return asdict(self)


def difference(paired: Paired, seed: int, level: float = 0.95) -> Finding:
    """Candidate minus released, weighted; windows drawn anew within their cohorts."""
    devices, n = len(np.unique(paired.device)), len(paired)
    if not n:
        return Finding(0, 0, 0.0, 0.0, -1.0, 1.0, False)
    weight = paired.weight
    before, after = (
        float((weight * right).sum() / weight.sum()) for right in (paired.before, paired.after)
    )
    if n < LEAST or devices < 2:
        return Finding(n, devices, before, after, -1.0, 1.0, False)
    gain = weight * (paired.after.astype(float) - paired.before)
    rng = np.random.default_rng(seed)
    strata = [np.flatnonzero(paired.cohort == c) for c in np.unique(paired.cohort)]
    drawn = np.concatenate([resample(rows, DRAWS, rng) for rows in strata], axis=1)
    low, high = bounds(gain[drawn].sum(axis=1) / weight[drawn].sum(axis=1), level)
    return Finding(n, devices, before, after, float(low), float(high), True)


def judge(
    paired: Paired, cohorts: list[str], update_bytes: int, budget_bytes: int, seed: int
) -> GateReport:
    """The candidate must be better on the whole, worse on no cohort beyond its interval, within the budget.

    `cohorts`: all that the fleet has; those without labels are named as not judged. `budget_bytes` 0: no
    limit.
    """
    whole = difference(paired, seed, BETTER)
    found = {c: difference(paired.of(paired.cohort == c), seed) for c in sorted(cohorts)}
    reasons = []
    if not whole.judged:
        reasons.append(f"not judged: {whole.labels} random labels of {whole.devices} devices")
    elif whole.low <= 0:
        reasons.append(
            f"not better beyond doubt: {whole.after - whole.before:+.3f} "
            f"[{whole.low:+.3f}, {whole.high:+.3f}]"
        )
    reasons += [
        f"worse on {name}: {f.after - f.before:+.3f} [{f.low:+.3f}, {f.high:+.3f}]"
        for name, f in found.items()
        if f.judged and f.high < 0
    ]
    if budget_bytes and update_bytes > budget_bytes:
        reasons.append(
            f"its signed update takes {update_bytes:,} bytes, the budget is {budget_bytes:,}"
        )
    return GateReport(not reasons, tuple(reasons), whole, found, update_bytes, budget_bytes)
