"""From recordings at whatever rate to windows at one rate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows


def resample(recording: Recording, rate: float) -> Recording:
    """The recording at `rate` Hz, low-passed before decimation (polyphase Kaiser FIR).

    Nothing above half of the lower rate survives: going up adds samples, not bandwidth. The ratio
    of rates is taken as a fraction, exact to 1e-6. A sample that is not finite makes all that the filter
    mixes it with NaN, so that no window holds a trace of it. Raises EdgekitError for a rate that is not
    positive or a recording without a finite sample.
    """
    from scipy.signal import resample_poly

    if not (np.isfinite(rate) and rate > 0 and recording.rate > 0):
        raise EdgekitError(f"{recording.name}: cannot resample {recording.rate} Hz to {rate} Hz")
    ratio = Fraction(rate / recording.rate).limit_denominator(20_000)
    if not ratio or abs(float(ratio) * recording.rate / rate - 1) > 1e-6:
        raise EdgekitError(
            f"{recording.name}: {recording.rate:g} to {rate:g} Hz is no usable ratio"
        )
    if ratio == 1:
        return replace(recording, rate=float(rate))
    bad = ~np.isfinite(recording.samples).all(axis=tuple(range(1, recording.samples.ndim)))
    if bad.all():
        raise EdgekitError(
            f"{recording.name} is empty or holds NaN only; inspect() it and keep() the rest"
        )
    x = recording.samples.astype(np.float64)
    x[bad] = x[~bad].mean(axis=0)
    y = resample_poly(x, ratio.numerator, ratio.denominator, axis=0, padtype="line")
    reach = 1 + 10 * max(ratio.numerator, ratio.denominator) / ratio.numerator  # of the filter
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bad, [0]))))
    for first, stop in edges.reshape(-1, 2):
        low, high = ((at * float(ratio)) for at in (first - reach, stop + reach))
        y[max(0, int(low)) : max(0, int(np.ceil(high)))] = np.nan
    meta = {**recording.meta, "resampled_from": recording.rate}
    return replace(recording, samples=y.astype(np.float32), rate=float(rate), meta=meta)


def window(recordings: list[Recording], classes: tuple[str, ...], length: int, hop: int) -> Windows:
    """Pieces of `length` samples, one every `hop`; never across two recordings.

    What fills no window at a recording's end, or stands only in windows with a sample that is not finite,
    is left out and counted in `Windows.dropped`. Returns X (n, length, channel) float32. Raises
    EdgekitError where rates or channels differ, a label is not among `classes`, or no window is left.
    """
    classes = tuple(classes)
    if length < 1 or hop < 1:
        raise EdgekitError(
            f"a window of {length} samples every {hop} makes no sense; both must be ≥ 1"
        )
    if not recordings:
        raise EdgekitError("there are no recordings to cut into windows")
    first = recordings[0]
    pieces, rows, dropped = [], [], 0
    for recording in recordings:
        if recording.rate != first.rate or recording.channels != first.channels:
            raise EdgekitError(
                f"{recording.name} ({recording.rate:g} Hz, {len(recording.channels)} channels) "
                f"differs from {first.name} ({first.rate:g} Hz, {len(first.channels)}); "
                "resample() all to one rate first"
            )
        if recording.label not in classes:
            raise EdgekitError(
                f"{recording.name} is labelled {recording.label!r}."
                + did_you_mean(str(recording.label), classes)
            )
        n = len(recording.samples)
        starts = np.arange(0, n - length + 1, hop)
        bad = ~np.isfinite(recording.samples).all(axis=1)
        if bad.any():  # how many stand before each sample
            before = np.concatenate(([0], np.cumsum(bad)))
            starts = starts[before[starts + length] == before[starts]]
        dropped += n - _covered(starts, length, hop)
        if len(starts):
            view = np.lib.stride_tricks.sliding_window_view(recording.samples, length, axis=0)
            pieces.append(view[starts].transpose(0, 2, 1))
            rows += [(recording, int(start)) for start in starts]
    if not rows:
        raise EdgekitError(
            f"no recording has a window of {length} finite samples; take a shorter one, or inspect() them"
        )
    return Windows(
        X=np.concatenate(pieces).astype(np.float32),
        y=np.array([classes.index(r.label) for r, _ in rows], np.int64),
        classes=classes,
        group=np.array([r.group for r, _ in rows]),
        domain=np.array([r.domain for r, _ in rows]),
        origin=np.array([f"{r.name}@{start}" for r, start in rows]),
        rate=first.rate,
        dropped=dropped,
        simulated=np.array([r.simulated for r, _ in rows]),
    )


def _covered(starts: np.ndarray, length: int, hop: int) -> int:
    """Samples from the first window to the last, without gaps that are wider than a hop."""
    if not len(starts):
        return 0
    apart = np.diff(starts)
    return length + int(np.where(apart > hop, np.minimum(apart, length), apart).sum())


def center(recording: Recording) -> Recording:
    """The recording less each channel's mean: an offset is the sensor's, not the machine's. NaN stay NaN."""
    x = recording.samples
    there = np.isfinite(x)
    middle = np.sum(x, axis=0, dtype=np.float64, where=there) / np.maximum(there.sum(axis=0), 1)
    samples = x - middle
    return replace(recording, samples=samples)
