"""Heartbeats of a recording: windows around them, and how well a detector finds them.

Counted as ANSI/AAMI EC57 has it, "Testing and reporting performance results of cardiac rhythm and ST
segment measurement algorithms".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows


def beat_windows(
    recordings: list[Recording],
    classes: tuple[str, ...],
    before: int,
    after: int,
    most: dict[str, int] | None = None,
) -> Windows:
    """One window for each event of `classes`: `before` samples before it, `after` from it on.

    `most` says how many of each class a recording gives at most, evenly thinned; None takes all.
    `dropped` counts the samples of beats that are too near to an end of the recording. Raises
    EdgekitError where rates differ or no beat fits.
    """
    length, rows, dropped = before + after, [], 0
    for r in recordings:
        if r.rate != recordings[0].rate:
            raise EdgekitError(f"{r.name} ({r.rate:g} Hz) differs in rate; prepare() all first")
        for c, name in enumerate(classes):
            at = np.array([first for first, _, label in r.events if label == name], np.int64)
            fits = (at >= before) & (at + after <= len(r.samples))
            dropped += int((~fits).sum())
            at = at[fits]
            if most and len(at) > most[name]:
                at = at[np.linspace(0, len(at) - 1, most[name]).round().astype(int)]
            rows += [(r, int(a), c) for a in at]
    if not rows:
        raise EdgekitError(f"no beat of {', '.join(classes)} has {length} samples around it")
    rows.sort(key=lambda row: (row[0].name, row[1]))
    return Windows(
        X=np.stack([r.samples[a - before : a + after] for r, a, _ in rows]).astype(np.float32),
        y=np.array([c for *_, c in rows], np.int64),
        classes=tuple(classes),
        group=np.array([r.group for r, *_ in rows]),
        domain=np.array([r.domain for r, *_ in rows]),
        origin=np.array([f"{r.name}@{a - before}" for r, a, _ in rows]),
        rate=recordings[0].rate,
        dropped=dropped,
        simulated=np.array([r.simulated for r, *_ in rows]),
    )


def windows_at(recording: Recording, at: np.ndarray, before: int, after: int) -> np.ndarray:
    """(n, before + after, 1) around the samples `at`, which must be that far from both ends."""
    around = np.asarray(at, np.int64)[:, None] + np.arange(-before, after)
    return recording.samples[around]


def match(reference: ArrayLike, found: ArrayLike, tolerance: int) -> np.ndarray:
    """For each reference beat the index of the found one that belongs to it, or -1: (n,) int64.

    `reference` and `found` are sample numbers, ascending. Pairs are at most `tolerance` samples apart, as
    ANSI/AAMI EC57 counts them (150 ms); each found beat is given once, to the first that has it nearest.
    """
    reference, found = np.asarray(reference, np.int64), np.asarray(found, np.int64)
    pairs, taken = np.full(len(reference), -1), np.zeros(len(found), bool)
    for i, at in enumerate(reference):
        low, high = np.searchsorted(found, [at - tolerance, at + tolerance + 1])
        near = [j for j in range(low, high) if not taken[j]]
        if near:
            pairs[i] = min(near, key=lambda j: abs(int(found[j]) - int(at)))
            taken[pairs[i]] = True
    return pairs


def judged(recording: Recording, at: ArrayLike, tolerance: int) -> np.ndarray:
    """Which of the samples `at` lie outside of ventricular flutter, that EC57 does not count: (n,) bool.

    `meta["flutter"]` of a recording as it was read is in samples of that rate: see `Recording.rate`.
    """
    at, scale = (
        np.asarray(at),
        recording.rate / recording.meta.get("resampled_from", recording.rate),
    )
    spells = recording.meta.get("flutter", ())
    inside = [(at >= a * scale - tolerance) & (at <= b * scale + tolerance) for a, b in spells]
    return ~np.any(inside, axis=0) if inside else np.ones(len(at), bool)


def detection_counts(
    recording: Recording, found: ArrayLike, tolerance: int, learning: int = 500
) -> tuple[int, int, int]:
    """Beats found, missed and invented, as ANSI/AAMI EC57 counts them: within `tolerance` samples,
    ventricular flutter left out, and the first `learning` samples, too. Only the annotated part counts.
    """
    found = np.asarray(found)
    at = np.array([first for first, *_ in recording.events])
    first, last = max(learning, at[0] - tolerance), at[-1] + tolerance
    pairs = match(at, found, tolerance)
    alone = found[np.setdiff1d(np.arange(len(found)), pairs)]
    counts = judged(recording, at, tolerance) & (at >= learning)
    invented = judged(recording, alone, tolerance) & (alone >= first) & (alone <= last)
    return (
        int(((pairs >= 0) & counts).sum()),
        int(((pairs < 0) & counts).sum()),
        int(invented.sum()),
    )
