"""Missing cells: a few are filled in by straight lines, many cut the recording there; both are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.data.bring.reading import Reading, UnreadableError

FEW = 5  # missing samples in a row that a straight line may bridge
SHARE = 0.5  # of the samples of a channel; if more are missing, the file is not usable


def mend(reading: Reading) -> list[Reading]:
    """The reading without NaN or infinity: itself, or its parts. Raises UnreadableError for too many."""
    x = reading.samples
    if x.ndim != 2 or reading.row or np.isfinite(x).all():
        return [reading]
    missing = ~np.isfinite(x)
    if (missing.mean(axis=0) > SHARE).any():
        channel = int(missing.mean(axis=0).argmax())
        name = reading.channels[channel] if reading.channels else f"channel {channel + 1}"
        raise UnreadableError(f"lacks {missing[:, channel].mean():.0%} of the values of {name}")
    bad = missing.any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bad, [0]))))
    stretches = list(zip(edges[::2], edges[1::2], strict=True))
    long = [(a, b) for a, b in stretches if b - a > FEW or a == 0 or b == len(x)]
    filled = sum(b - a for a, b in stretches) - sum(b - a for a, b in long)
    notes = list(reading.notes)
    if filled:
        notes.append(f"{filled} missing samples filled in by straight lines")
    if long:
        notes.append(
            f"{sum(b - a for a, b in long)} missing samples in {len(long)} stretches: cut there"
        )
    x = x.copy()
    at = np.arange(len(x))
    for c in range(x.shape[1]):
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
