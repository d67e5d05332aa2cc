"""Which devices are ill with a release, and whether the release is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.rollout.health import (
    AGREEMENT,
    ALARMS,
    FREEDOM,
    INPUTS,
    MEASURES,
    Excess,
    Health,
    excesses_of,
    weeks_on,
)

OUTPUTS = ALARMS, AGREEMENT
CHANGED = 0.01  # level at which a device's inputs count as changed: to excuse it costs little
GROSS = 10.0  # standard errors that are a fault however few devices there are to tell (2: 0.5 % by chance)


@dataclass(frozen=True)
class Judgement:
    """By device, why it is ill; or why its weeks say nothing of the release. release: why that is ill as a
    whole, or "".
    """

    ill: dict[str, str]
    unjudged: dict[str, str]
    release: str = ""


def judge(
    health: Mapping[str, Health],
    release: int,
    devices: Collection[str],
    alpha: float,
    withdrawn: Collection[int] = (),
    better: Collection[str] = (),
) -> Judgement:
    """Devices that took `release`, each beside its own weeks before and beside devices that changed nothing.

    A difference in differences: what happens to all is not blamed on the release. A fault is significant, at
    `alpha` shared by all comparisons (Bonferroni), and larger than its measure's floor. A failed self-test
    needs no comparison. Weeks with a release that was `withdrawn` say nothing of how a device is when it
    is well. Alarms and agreement stand for being right: who is `better` with it by labels of its own is not
    ill by these.
    """
    own = {d: health[d] for d in sorted(devices) if d in health and weeks_on(health[d], release)}
    groups = _groups(own)
    level = alpha / (len(MEASURES) * max(1, len(own) + len(groups)))
    found = excesses_of(health, release, own, withdrawn)
    changed = frozenset(
        d for d, e in found.items() if (x := e.get(INPUTS)) and _fault(INPUTS, [x], CHANGED)
    )

    unjudged = dict.fromkeys(changed, "its inputs changed: not judged")
    for d, excesses in found.items():
        if all(e.freedom < FREEDOM for e in excesses.values()):
            unjudged[d] = "neither weeks before nor devices beside it: not judged"

    def counts(device: str, name: str) -> bool:
        excesses = found[device]
        if name not in excesses or name == INPUTS or _excused(name, excesses):
            return False
        return not (name in OUTPUTS and (device in changed or device in better))

    ill: dict[str, str] = {}
    for d, excesses in found.items():
        if any(v.selftest is False for v in weeks_on(own[d], release)):
            ill[d] = "its self-test failed"
            continue
        texts = (_fault(n, [e], level) for n, e in excesses.items() if counts(d, n))
        if text := next(filter(None, texts), ""):
            ill[d] = text
    if len(changed) > max(1, len(own) / 2):
        text = f"the inputs of {len(changed)} of {len(own)} changed, and not those beside them"
        return Judgement(ill, unjudged, text)
    for label, members in groups.items():
        for name in MEASURES:
            some = [found[m][name] for m in members if counts(m, name)]
            if len(some) > 1 and (text := _fault(name, some, level)):
                return Judgement(ill, unjudged, f"{label}: {text}")
    return Judgement(ill, unjudged)


def _groups(own: Mapping[str, Health]) -> dict[str, list[str]]:
    """All devices, and each cohort's, where there are two or more."""
    found = {"all that took it": list(own)}
    cohorts = sorted({h.cohort for h in own.values()})
    if len(cohorts) > 1:
        for cohort in cohorts:
            found[f"cohort {cohort}"] = [d for d, h in own.items() if h.cohort == cohort]
    return {label: members for label, members in found.items() if len(members) > 1}


def _excused(name: str, excesses: Mapping[str, Excess]) -> bool:
    """Another alarm rate is what a better model has, too, as long as the gateway agrees with it."""
    agreement = excesses.get(AGREEMENT)
    if name != ALARMS or agreement is None:
        return False
    return agreement.value > -MEASURES[AGREEMENT].floor


def _fault(name: str, excesses: Sequence[Excess], level: float) -> str:
    """In words, "" if there is none. More excesses than one are a group's mean."""
    measure = MEASURES[name]
    mean = Excess(
        float(np.mean([e.value for e in excesses])), max(e.spread for e in excesses),
        min(e.freedom for e in excesses), min(e.controls for e in excesses),
    )  # fmt: skip
    size = measure.sense * mean.value if measure.sense else abs(mean.value)
    if size < measure.floor * (1 if mean.controls else 2):
        return ""
    p = mean.p(measure.sense, len(excesses))
    gross = mean.freedom >= FREEDOM and mean.score(measure.sense, len(excesses)) >= GROSS
    if p > level and not gross:
        return ""
    much = (
        f"{math.exp(mean.value):.2f} times" if name.startswith("energy") else f"{mean.value:+.2f}"
    )
    beside = f"{mean.controls} devices beside" if mean.controls else "no device beside it"
    return f"{name} {much} (p {p:.1g}, {beside})"
