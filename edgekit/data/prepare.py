"""From recordings at whatever rate to windows at one rate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows
from edgekit.errors import EdgekitError, did_you_mean


def resample(recording: Recording, rate: float) -> Recording:
    """The recording at `rate` Hz, low-passed before decimation (polyphase Kaiser FIR).

    Nothing above half of the lower rate survives: going up adds samples, not bandwidth. The ratio
    of rates is taken as a fraction, exact to 1e-6. Raises EdgekitError for a rate that is not
    positive or a recording with non-finite samples, which the filter would smear over their
    neighbours.
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
    if not len(recording.samples) or not np.isfinite(recording.samples).all():
        raise EdgekitError(
            f"{recording.name} is empty or holds NaN; inspect() it and keep() the rest"
        )
    x = recording.samples.astype(np.float64)
    y = resample_poly(x, ratio.numerator, ratio.denominator, axis=0, padtype="line")
    meta = {**recording.meta, "resampled_from": recording.rate}
    return replace(recording, samples=y.astype(np.float32), rate=float(rate), meta=meta)


def window(recordings: list[Recording], classes: tuple[str, ...], length: int, hop: int) -> Windows:
    """Pieces of `length` samples, one every `hop`; never across two recordings.

    What fills no window at a recording's end is left out and counted in `Windows.dropped`. Returns
    X (n, length, channel) float32. Raises EdgekitError where rates or channels differ, a label is
    not among `classes`, a sample is not finite, or nothing is long enough.
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
        if not np.isfinite(recording.samples).all():
            raise EdgekitError(
                f"{recording.name} holds NaN; inspect() the data and keep() the rest"
            )
        n = len(recording.samples)
        count = 1 + (n - length) // hop if n >= length else 0
        dropped += n - ((count - 1) * hop + length) if count else n
        if count:
            view = np.lib.stride_tricks.sliding_window_view(recording.samples, length, axis=0)
            pieces.append(view[::hop].transpose(0, 2, 1))
            rows += [(recording, i * hop) for i in range(count)]
    if not rows:
        raise EdgekitError(
            f"no recording is as long as a window of {length} samples; take a shorter one"
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


def center(recording: Recording) -> Recording:
    """The recording less each channel's mean: an offset is the sensor's, not the machine's."""
    samples = recording.samples - recording.samples.mean(axis=0, dtype=np.float64)
    return replace(recording, samples=samples)
