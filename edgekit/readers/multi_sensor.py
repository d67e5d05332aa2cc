"""Several sensors in one file, an array each: put side by side, at the rate of the fastest."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from edgekit.tables import clock, column_roles, timing
from edgekit.tables.reading import UnreadableError

LARGEST = 1 << 28  # numbers of all sensors together
APART = 0.02  # how far their lengths in seconds may differ, of the longest
RATES = {
    "fs", "sr", "rate", "sampling", "samplingrate", "samplerate", "sample", "hz", "frequency", "freq",
}  # fmt: skip
PLAIN = {"data", "samples", "signal", "signals", "values", "x", "raw"}


def is_rate(name: str) -> bool:
    """Whether `name` is that of a sampling rate, by its words."""
    words = set(column_roles.tokens(name))
    return bool(words) and words <= RATES and words != {"sample"}


class Joined(NamedTuple):
    """Samples (time, channel), or (n, time, channel) of windows; the channels; Hz, None where nobody says;
    and what was done."""

    samples: np.ndarray
    channels: tuple[str, ...]
    rate: float | None
    done: str


def join(
    arrays: dict[str, np.ndarray],
    sensors: dict[str, np.ndarray],
    rate: float | None,
    wanted: tuple[str, ...],
) -> Joined | None:
    """`sensors`, each (rows, channel), (rows,) or (n, time, channel), as one array of samples.

    Arrays of one length stand side by side. Of different ones each must have a rate of its own, `acc_fs`
    or `fs_acc`, or times, `acc_t`: the slower are filled in by straight lines, as `fill_gaps` does. If all
    channels in `wanted` are of one sensor, it is alone and keeps its rate. Labels in `arrays`, one for
    each row of a sensor, are brought to the rows of the result. None where arrays are no such sensors;
    raises UnreadableError where they do not fit together.
    """
    if _are_stacks(sensors):
        channels = tuple(n for k, a in sensors.items() for n in _names(k, a.shape[2]))
        side_by_side = f"{', '.join(sensors)} stand side by side"
        return Joined(np.concatenate(list(sensors.values()), 2), channels, rate, side_by_side)
    if len(sensors) < 2 or any(a.ndim > 2 for a in sensors.values()):
        return None
    x = {k: _down(a) for k, a in sensors.items()}
    names = {k: _names(k, a.shape[1]) for k, a in x.items()}
    rows = {k: len(a) for k, a in x.items()}
    if any(a.shape[1] > 64 for a in x.values()) or sum(a.size for a in x.values()) > LARGEST:
        return None
    rates = {k: _rate(arrays, k, rate, len(set(rows.values())) == 1, rows[k]) for k in x}
    alone = next((k for k, own in names.items() if wanted and set(wanted) <= {k, *own}), None)
    if alone:
        said = f"{alone} alone was taken, of {', '.join(x)}"
        return Joined(x[alone], names[alone], rates[alone], said)
    every = tuple(itertools.chain(*names.values()))
    if len(set(rows.values())) == 1 and len(set(rates.values())) == 1:
        said = f"{', '.join(x)} stand side by side"
        return Joined(np.concatenate(list(x.values()), 1), every, next(iter(rates.values())), said)
    hz = {k: r for k, r in rates.items() if r}
    lost = [k for k in rates if k not in hz]
    if lost and all(a.ndim == 1 for a in sensors.values()):
        return None
    if lost:
        raise UnreadableError(
            f"holds sensors of different length ({', '.join(f'{k} {n:,}' for k, n in rows.items())} rows), "
            f"and no rate of {lost[0]}: add fs_{lost[0]} (Hz), and so for each, or save them in a file each"
        )
    lasts = {k: rows[k] / hz[k] for k in x}
    if min(lasts.values()) < (1 - APART) * max(lasts.values()):
        raise UnreadableError(
            "holds sensors that were not recorded together: "
            f"{', '.join(f'{k} {s:.4g} s' for k, s in lasts.items())}; save a file for each"
        )
    fast = max(hz.values())
    n = int(min(lasts.values()) * fast + 1e-6)
    if n * len(every) > LARGEST:
        raise UnreadableError(f"would have {n:,} samples of {len(every)} channels at {fast:g} Hz")
    grid = np.arange(n) / fast
    at = {k: np.arange(rows[k]) / hz[k] for k in x}
    joined = [np.interp(grid, at[k], c) for k, a in x.items() for c in a.T]
    for key, a in arrays.items():
        about = column_roles.label_strength(key, list(arrays)) or column_roles.identity(key)
        told = key not in sensors and about
        mine = next((k for k in x if a.shape in ((rows[k],), (rows[k], 1))), None)
        if told and mine and rows[mine] != n:
            nearest = np.minimum(np.round(grid * hz[mine]).astype(int), rows[mine] - 1)
            arrays[key] = a.reshape(-1)[nearest]
    shown = ", ".join(f"{k} ({r:g} Hz)" for k, r in hz.items())
    said = f"{shown} were joined at {fast:g} Hz, the slower filled in by straight lines; --channels takes one"
    return Joined(np.stack(joined, 1).astype(np.float32), every, fast, said)


def _are_stacks(sensors: dict[str, np.ndarray]) -> bool:
    """Whether they are stacks of windows (n, time, channel) of one size."""
    shapes = {a.shape[:2] for a in sensors.values()}
    return len(sensors) > 1 and len(shapes) == 1 and all(a.ndim == 3 for a in sensors.values())


def _down(a: np.ndarray) -> np.ndarray:
    """Time down, channels across."""
    a = a[:, None] if a.ndim == 1 else a
    return a.T if a.shape[0] < a.shape[1] else a


def _names(sensor: str, count: int) -> tuple[str, ...]:
    sensor = sensor.removesuffix("_data").removesuffix("_samples").removesuffix("_signal")
    return column_roles.axis_names(sensor, count)


def _rate(arrays: dict, sensor: str, common: float | None, alike: bool, rows: int) -> float | None:
    """Hz of one sensor: the number or the times called after it, else those of all where lengths are alike,
    or where the others have their own."""
    mine = set(column_roles.tokens(sensor)) - PLAIN
    others = 0
    for key, a in arrays.items():
        words = set(column_roles.tokens(key))
        if a.size == 1 and a.dtype.kind in "iuf" and words & RATES:
            left = words - RATES
            if left and left - PLAIN == mine:
                return float(a.reshape(-1)[0])
            others += bool(left)
        left = words - column_roles.CLOCKS - column_roles.BESIDE_CLOCKS
        if a.ndim == 1 and len(a) == rows and words - left and left and left == mine:
            t = clock.ticks(a.astype(np.float64), "_".join(sorted(words - left)), "", "", [])
            if seen := timing.analyze_timestamps(t):
                return timing.nominal(seen.rate)
    return common if alike or others else None
