"""What chapter 01 would refuse `edgekit new` leaves out by the same rule: blank, stuck, a copy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from edgekit.bring.plan import LabelledReading
from edgekit.core.errors import EdgekitError
from edgekit.data import compare, quality
from edgekit.data.recordings import Recording

COPY = "copy of"  # in Reading.meta: the name of the recording that it repeats


def drop_unusable(
    readings: list[LabelledReading], excluded: dict[str, str], warnings: list[str]
) -> list[LabelledReading]:
    """Readings from which something can be learned; the others go to `excluded`, each with its reason.

    Copies are marked, so that they are one group. Those under two labels are said only: nobody knows
    which is right, and chapter 01 refuses them all. A class of which none remains is said too; raises
    EdgekitError where fewer than two classes remain.
    """
    why = {}
    for i, r in enumerate(readings):
        if reason := quality.refusal_reason(_recording(r)):
            why[i] = f"would be refused by chapter 01: {reason}"
    sound = [i for i in range(len(readings)) if i not in why]
    copies = compare.copies([readings[i] for i in sound])
    pairs = {sound[k]: sound[other] for k, other in copies.items()}
    alike = {
        k: o for k, o in pairs.items() if o not in pairs and readings[k].label == readings[o].label
    }
    contrary = {k: o for k, o in pairs.items() if k not in alike and k > o}
    for found, what in (
        (
            alike,
            "are copies of others: one group with them, so that none stands in training and in the test",
        ),
        (
            contrary,
            "are copies of others under ANOTHER LABEL: chapter 01 will refuse them, remove the wrong ones",
        ),
    ):
        if found:
            one, other = (readings[i].name for i in next(iter(found.items())))
            warnings.append(f"{len(found):,} recordings {what} (the first, {one}, is {other}).")
    excluded |= {readings[i].name: reason for i, reason in why.items()}
    marked = [
        replace(r, meta={**r.meta, COPY: readings[alike[i]].name}) if i in alike else r
        for i, r in enumerate(readings)
    ]
    kept = together([r for i, r in enumerate(marked) if i not in why])
    remain = {r.label for r in kept}
    for gone in sorted({r.label for r in readings} - remain):
        reasons = Counter(why[i] for i, r in enumerate(readings) if r.label == gone)
        text = f"nothing of class {gone!r} can be learned: each recording {reasons.most_common(1)[0][0]}"
        if len(remain) < 2:
            raise EdgekitError(f"{text}; a classifier needs two classes")
        warnings.append(
            f"{text}. The class was left out; record it anew with the sensor on, if it should count."
        )
    return kept


def together(readings: list[LabelledReading]) -> list[LabelledReading]:
    """Readings, copies in the group of the one that they repeat."""
    group = {r.name: r.group for r in readings}
    return [replace(r, group=group.get(r.meta.get(COPY, ""), r.group)) for r in readings]


def _recording(r: LabelledReading) -> Recording:
    return Recording(
        r.name, r.samples, r.rate, r.label, r.group, "field", r.channels, r.unit, "", ""
    )
