"""What chapter 01 would refuse is left out by `edgekit new` already, by the same rule: blank, stuck, a copy."""

from __future__ import annotations

from collections import Counter

from edgekit.data import compare, quality
from edgekit.data.bring.reading import Reading
from edgekit.data.recordings import Recording
from edgekit.errors import EdgekitError

COPY = "repeats another recording, sample for sample"


def useless(readings: list[Reading], left: dict[str, str], said: list[str]) -> list[Reading]:
    """Readings from which something can be learned; the others go to `left`, each with its reason.

    A class of which none remains is said; raises EdgekitError where fewer than two classes remain.
    """
    why = {}
    for i, r in enumerate(readings):
        if reason := quality.unusable(_recording(r)):
            why[i] = f"would be refused by chapter 01: {reason}"
    sound = [i for i in range(len(readings)) if i not in why]
    copies = compare.copies([readings[i] for i in sound])
    for k, other in copies.items():
        why[sound[k]] = COPY + (
            ", labelled otherwise" if readings[sound[k]].label != readings[sound[other]].label else ""
        )
    if copies:
        one, other = (readings[sound[i]].name for i in next(iter(copies.items())))
        said.append(
            f"{len(copies):,} recordings are copies of others, the first {one} of {other}: they were left out, "
            "so that none stands in training and in the test."
        )
    left |= {readings[i].name: reason for i, reason in why.items()}
    kept = [r for i, r in enumerate(readings) if i not in why]
    remain = {r.label for r in kept}
    for gone in sorted({r.label for r in readings} - remain):
        reasons = Counter(why[i] for i, r in enumerate(readings) if r.label == gone)
        text = f"nothing of class {gone!r} can be learned: each recording {reasons.most_common(1)[0][0]}"
        if len(remain) < 2:
            raise EdgekitError(f"{text}; a classifier needs two classes")
        said.append(f"{text}. The class was left out; record it anew with the sensor on, if it should count.")
    return kept


def _recording(r: Reading) -> Recording:
    count = r.samples.shape[1] if r.samples.ndim == 2 else 1
    channels = r.channels or tuple(f"ch{i + 1}" for i in range(count))
    return Recording(r.name, r.samples, r.rate, r.label, r.group, "field", channels, r.unit, "", "")
