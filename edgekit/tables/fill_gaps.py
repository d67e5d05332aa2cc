"""Missing cells: a few are filled in by straight lines, many cut the recording there; both are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.tables.reading import Reading, UnreadableError

FEW = 5  # missing samples in a row that a straight line may bridge
SHARE = (
    0.5  # of the samples of a channel; one that lacks more is slower than the others, or left out
)


def fill_gaps(reading: Reading) -> list[Reading]:
    """The reading without NaN or infinity: itself, or its parts. Raises UnreadableError for too many.

    A stack of windows comes without those that hold any, see `arrays`. A channel that was sampled more slowly
    than the others is filled in; one that lacks most of its values is left out where others remain.
    """
    x = reading.samples
    if x.ndim != 2 or reading.row or not len(x) or np.isfinite(x).all():
        return [reading]
    notes = list(reading.notes)
    reading, x = _sparse(reading, notes)
    missing = ~np.isfinite(x)
    bad = missing.any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bad, [0]))))
    stretches = list(zip(edges[::2], edges[1::2], strict=True))
    long = [(a, b) for a, b in stretches if b - a > FEW or a == 0 or b == len(x)]
    filled = sum(b - a for a, b in stretches) - sum(b - a for a, b in long)
    if filled:
        notes.append(f"{filled} missing samples filled in by straight lines")
    if long:
        notes.append(
            f"{sum(b - a for a, b in long)} missing samples in {len(long)} stretches: cut there"
        )
    at = np.arange(len(x))
    for c in np.flatnonzero(missing.any(axis=0)):
        good = ~missing[:, c]
        x[:, c] = np.interp(at, at[good], x[good, c])
    borders = [0, *(i for a, b in long for i in (a, b)), len(x)]
    parts = [(a, b) for a, b in zip(borders[::2], borders[1::2], strict=True) if b > a]
    more = len(parts) > 1
    return [
        replace(
            reading, samples=x[a:b], notes=tuple(notes),
            part=f"{reading.part}{f'#part{i}' if more else ''}",
        )
        for i, (a, b) in enumerate(parts)
    ]  # fmt: skip


def _sparse(reading: Reading, notes: list[str]) -> tuple[Reading, np.ndarray]:
    """Channels that lack most of their values: filled in where they come regularly, else left out."""
    x = reading.samples.copy()
    lacking = (~np.isfinite(x)).mean(axis=0)
    names = reading.channels or tuple(f"channel {c + 1}" for c in range(x.shape[1]))
    drop: list[int] = []
    for c in np.flatnonzero(lacking > SHARE).tolist():
        name = names[c]
        known = np.flatnonzero(np.isfinite(x[:, c]))
        steps = np.diff(known)
        if len(known) > 8 and steps.max() <= 2.5 * np.median(steps):
            x[:, c] = np.interp(np.arange(len(x)), known, x[known, c])
            notes.append(
                f"{name} has a value every {np.median(steps):.0f} rows: filled in by straight lines"
            )
        elif reading.channels is None:
            raise UnreadableError(f"lacks {lacking[c]:.0%} of the values of {name}")
        else:
            drop.append(c)
            notes.append(f"{name} lacks {lacking[c]:.0%} of its values: left out")
    if len(drop) == x.shape[1]:
        raise UnreadableError(f"lacks {lacking[drop[0]]:.0%} of the values of {names[drop[0]]}")
    if not drop:
        return reading, x
    kept = [c for c in range(x.shape[1]) if c not in drop]
    meta = dict(reading.meta)
    if isinstance(units := meta.get("units"), list) and len(units) == x.shape[1]:
        meta["units"] = [units[c] for c in kept]
    channels = tuple(names[c] for c in kept)
    return replace(reading, channels=channels, meta=meta), x[:, kept]
