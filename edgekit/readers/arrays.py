"""NumPy files: one array (.npy) or several (.npz), never a pickle."""

from __future__ import annotations

import itertools
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file
from edgekit.data.recording_file import member, npy
from edgekit.readers import multi_sensor
from edgekit.tables import clock, column_roles, fill_gaps, timing
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.reading import Reading, UnreadableError

LARGEST = 1 << 30  # bytes of one array
SAMPLES = ("x", "samples", "data", "signal", "signals", "values", "images", "arr_0")
LABELS = ("y", "label", "labels", "class", "classes", "target", "targets")
GROUPS = ("group", "groups", "subject", "subjects", "user", "users", "machine", "id", "ids")
RATES = (  # the plainest first: beside `sr`, a `rate` may be that of a shaft
    "fs", "sr", "sampling_rate", "samplingrate", "sample_rate", "samplerate", "rate_hz", "hz", "rate",
    "frequency",
)  # fmt: skip
NAMES = ("channels", "channel_names", "columns", "class_names")
MOST_LABELS = 20  # different numbers of a `y` beside an `x`; with more it is an axis


def read(path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """Raises UnreadableError, and DamagedError for a file that lies."""
    if path.suffix.lower() == ".npy":
        if path.stat().st_size > LARGEST + 65_536:
            raise UnreadableError(f"is larger than {LARGEST >> 20:,} MB")
        return _stack(name, npy(path.read_bytes()))
    try:
        with zipfile.ZipFile(path) as file:
            members = [e.filename for e in file.infolist() if e.filename.endswith(".npy")]
            if recording_file.METADATA_MEMBER in file.namelist():
                return _ours(path, name)
            arrays = {m[:-4].lower(): npy(member(file, m, LARGEST)) for m in members[:64]}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise UnreadableError(f"is a damaged archive ({error})") from None
    return named(name, arrays, wanted=wanted)


def _ours(path: Path, name: str) -> list[Reading]:
    """A recording that edgekit saved keeps what it knows; without one label, its marked stretches count."""
    try:
        r = recording_file.load(path)
    except EdgekitError as error:
        raise UnreadableError(str(error).removeprefix(str(path)).strip()) from None
    meta = {k: v for k, v in r.meta.items() if k != "units" or len(v) == len(r.channels)}
    whole = Reading(
        name,
        r.samples,
        r.rate,
        r.channels,
        r.unit,
        r.label,
        r.group,
        meta=meta | {"licence": r.licence},
    )
    stretches = [e for e in r.events if e[1] - e[0] > 1]
    if r.label is not None or not stretches:
        whole = replace(whole, meta=whole.meta | {"events": r.events})
        return [whole] if r.events else _without_gaps(whole)
    return [
        replace(whole, samples=r.samples[a:b], label=said, part=f"#{i}")
        for i, (a, b, said) in enumerate(stretches)
    ]


def _without_gaps(whole: Reading) -> list[Reading]:
    """A recording cut at stretches in which nothing arrived, so that a long one does not spoil the rest."""
    if whole.image or whole.samples.dtype != np.float32:
        return [whole]
    gone = np.isnan(whole.samples).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], gone, [0]))))
    long = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > fill_gaps.FEW]
    if not long:
        return [whole]
    note = f"nothing arrived in {len(long)} stretches, {sum(b - a for a, b in long):,} samples: cut there"
    borders = [0, *(i for pair in long for i in pair), len(gone)]
    return [
        replace(whole, samples=whole.samples[a:b], part=f"#{i}", notes=(*whole.notes, note))
        for i, (a, b) in enumerate(zip(borders[::2], borders[1::2], strict=True))
        if b > a
    ]


def _pick(arrays: dict, names: tuple[str, ...]):
    return next((arrays[n] for n in names if n in arrays), None)


def named(
    name: str, arrays: dict[str, np.ndarray], columns: dict[str, np.ndarray] | None = None,
    wanted: ReadOptions = DEFAULT_READ_OPTIONS,
) -> list[Reading]:  # fmt: skip
    """Named `arrays` as readings: the samples, (time,), (time, channel), (n, time, channel) of windows or
    (n, height, width) of pictures, and what the others, (n,) or one for all, say of rate, labels and groups.

    `columns`: arrays (time,) of one length that are channels of one recording, where none is called
    samples. Those of several sensors are put side by side, see `multi_sensor`. Raises UnreadableError.
    """
    rate, said = _clocked(arrays)
    arrays = axes(arrays)
    names: tuple[str, ...] | None = None
    used: set[str | None]
    key = next((n for n in SAMPLES if n in arrays), None)
    if key is not None:
        samples, used = arrays[key], {key}
    else:
        large = {k: a for k, a in arrays.items() if a.dtype.kind in "iuf" and a.size > 16}
        large = {k: a for k, a in large.items() if k not in (*LABELS, *GROUPS, *RATES)}
        large = {k: a for k, a in large.items() if not (is_about(k) or is_times(k, a))}
        vectors = {k: a for k, a in large.items() if a.ndim == 1}
        joined = None
        if len(large) > 1 and not (len(vectors) == len(large) and _alike(vectors)):
            joined = multi_sensor.join(arrays, large, rate, wanted.channels)
        if len(large) == 1:
            key, samples = next(iter(large.items()))
            used = {key}
        elif joined:
            samples, names, rate, done = joined
            used, said = set(large), [*said, done]
        elif columns or (1 < len(vectors) == len(large) and _alike(vectors)):
            names = tuple(k.removeprefix("axis ") for k in columns or vectors)
            used = {k for k, a in vectors.items() if not columns or len(a) == _length(columns)}
            samples = np.stack(list((columns or vectors).values()), axis=1)
        else:
            raise UnreadableError(
                f"holds {', '.join(list(arrays)[:20]) or 'no numbers'}; call the samples X (and y, "
                "rate, groups)"
            )
    channels = _pick(arrays, NAMES[:3])
    if channels is not None and channels.ndim == 1 and channels.dtype.kind in "SU":
        names = tuple(map(_word, channels))
    label = next((n for n in LABELS if n in arrays), None) or _find_by_name(
        arrays, lambda n: column_roles.label_strength(n, list(arrays)) == 2, len(samples)
    )
    group = next((n for n in GROUPS if n in arrays), None) or _find_by_name(
        arrays, lambda n: (column_roles.identity(n) or (0, False))[1], len(samples)
    )
    used |= {label, group, *RATES, *NAMES}
    unused = [
        f"{k} {a.shape}"
        for k, a in arrays.items()
        if a.size > 16 and k not in used and not column_roles.is_time(k) and not is_times(k, a)
    ]
    if unused:
        said.append(f"holds other arrays too, which were not used: {', '.join(unused[:8])}")
    labels, groups = (arrays[k] if k else None for k in (label, group))
    made = _stack(name, samples, rate, names, labels, groups, _pick(arrays, NAMES[3:]))
    return [replace(r, notes=(*r.notes, *said)) for r in made]


def is_about(name: str) -> bool:
    """Whether an array is called after what tells about samples: their time, label or group."""
    sure = (column_roles.identity(name) or (0, False))[1]
    times = column_roles.is_time(name) or column_roles.stamp_strength(name) == 2
    return times or sure or (name != "y" and column_roles.label_strength(name, []) == 2)


def is_times(name: str, a: np.ndarray) -> bool:
    """Whether `a`, (n,), holds the times of one sensor of several: it is called `t_acc` or `acc_time`, and
    rises.
    `X097_DE_time` is a signal over time."""
    words = column_roles.tokens(name)
    called = len(words) > 1 and {words[0], words[-1]} & {"t", "time", "times", "ts"}
    return bool(called) and a.ndim == 1 and len(a) > 2 and bool((np.diff(a) > 0).all())


def _length(columns: dict[str, np.ndarray]) -> int:
    return len(next(iter(columns.values())))


def _alike(columns: dict[str, np.ndarray]) -> bool:
    return len({len(c) for c in columns.values()}) == 1


def axes(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`arrays` with vectors `x`, `y`, `z`, (time,), under names that no samples and labels have: they are
    the axes of a sensor, if there is a `z`, or `y` takes more values than labels do."""
    x, y, z = (arrays.get(n) for n in "xyz")
    if x is None or y is None or x.ndim != 1 or x.shape != y.shape:
        return arrays
    if any(a.dtype.kind not in "iuf" for a in (x, y)):
        return arrays
    third = z is not None and z.shape == x.shape
    if not third and len(np.unique(y)) <= MOST_LABELS:
        return arrays
    return {f"axis {k}" if k in ("x", "y") else k: a for k, a in arrays.items()}


def _find_by_name(arrays: dict[str, np.ndarray], what, rows: int) -> str | None:
    """The array, an entry for each row or one for all, whose name says that it is what is looked for."""
    fit = ((rows,), (rows, 1), (), (1,))
    return next((k for k, a in arrays.items() if a.shape in fit and what(k)), None)


def _clocked(arrays: dict[str, np.ndarray]) -> tuple[float | None, list[str]]:
    """The rate in Hz that a number says, else a vector of times; and what was guessed of its unit."""
    rate = _pick(arrays, RATES)
    if rate is not None and rate.size and len(np.unique(rate)) == 1:
        return float(rate.reshape(-1)[0]), []
    for key, t in arrays.items():
        if t.ndim == 1 and t.dtype.kind in "iuf" and len(t) > 2 and column_roles.is_time(key):
            notes: list[str] = []
            seen = timing.analyze_timestamps(clock.ticks(t.astype(np.float64), key, "", "", notes))
            if seen:
                return timing.nominal(seen.rate), [
                    n.replace("--time-unit", "--rate") for n in notes
                ]
    return None, []


def _stack(name, x, rate=None, channels=None, labels=None, groups=None, classes=None):
    """One array as readings: a recording, frames of a film, or a stack of windows."""
    if x.dtype.kind not in "biuf":
        raise UnreadableError(f"holds {x.dtype}, not numbers")
    if not x.size:
        raise UnreadableError("is empty")
    notes: tuple[str, ...] = ()
    labels, unlike = _column(labels, len(x), "labels", classes)
    groups, odd = _column(groups, len(x), "groups")
    notes = (*unlike, *odd)
    if x.ndim == 4 and x.shape[3] in (1, 3) and x.dtype == np.uint8:
        x = x[..., 0] if x.shape[3] == 1 else x.mean(axis=3).astype(np.uint8)
    if x.ndim == 3 and x.dtype == np.uint8 and min(x.shape[1:]) >= 16:
        return _rows(name, x, rate, None, labels, groups, None, ("frames of images",))
    x = x.astype(np.float32)
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim == 2 and x.shape[0] < x.shape[1] and labels is None:
        if x.shape[0] > 64:
            raise UnreadableError(f"has shape {x.shape}: time must run down, channels across")
        notes = (*notes, f"turned to (time, channel) from {x.shape}")
        x = x.T
    if x.ndim == 2 and labels is not None and len(set(labels)) > 1 and _windows(x, labels):
        x = x[:, :, None]
    if x.ndim == 2:
        return _rows(name, x, rate, channels, labels, groups, None, notes)
    if x.ndim == 3:
        if x.shape[1] < x.shape[2] and x.shape[1] <= 16:
            x, notes = x.transpose(0, 2, 1), (*notes, "windows turned to (time, channel)")
        return _rows(name, x, rate, channels, labels, groups, x.shape[1], notes)
    raise UnreadableError(f"has shape {x.shape}: expected (time, channel) or (n, time, channel)")


def _windows(x: np.ndarray, labels: list[str]) -> bool:
    """Whether the rows of a table (n, d) are windows of d samples, and not moments of d channels: they are
    long, or their labels change so often that no time can run down them."""
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    return x.shape[1] > 64 or (x.shape[1] >= 24 and changes > len(labels) / 8)


def _column(values, rows: int, what: str, classes=None) -> tuple[list[str] | None, tuple[str, ...]]:
    """A label or a group for each row, and what a person should know; None where there is none."""
    if values is None:
        return None, ()
    if values.size == 1 and rows > 1:
        word = values.reshape(-1)[0]
        word = int(word) if values.dtype.kind == "f" and word == np.round(word) else word
        return _column(np.full(rows, word), rows, what, classes)
    said = f"its {what} have the shape {values.shape}, not one for each of {rows:,} rows: not used"
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.ndim == 2 and len(values) == rows and what == "labels" and _one_hot(values):
        values = values.argmax(axis=1)
    if values.ndim != 1 or len(values) != rows:
        return None, (said,)
    whole = values.dtype.kind == "f" and np.all(values == np.round(values))
    values = values.astype(np.int64) if whole else values
    if (
        classes is not None
        and values.dtype.kind in "iu"
        and 0 <= values.min() <= values.max() < len(classes)
    ):
        values = np.asarray(classes).reshape(-1)[values]
    return [_word(v) for v in values], ()


def _one_hot(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())


def _word(value) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _rows(name, x, rate, channels, labels, groups, row, notes) -> list[Reading]:
    """One reading for each stretch of rows (or for all rows) of one label and group."""
    if row and x.dtype == np.float32:
        whole = np.isfinite(x).all(axis=(1, 2))
        if not whole.any():
            raise UnreadableError("has missing values in every window")
        if not whole.all():
            lost = f"{len(x) - whole.sum():,} of {len(x):,} windows lack values: left out"
            notes = (*notes, lost)
            labels, groups = (
                [v for v, good in zip(c, whole, strict=True) if good] if c else c
                for c in (labels, groups)
            )
            x = x[whole]
    keys = list(zip(labels or [None] * len(x), groups or [None] * len(x), strict=True))
    if row:  # windows: those of one label and group behind each other, cut again at the same places
        places: dict = {}
        for i, key in enumerate(keys):
            places.setdefault(key, []).append(i)
        parts = [(key, x[rows].reshape(-1, x.shape[2])) for key, rows in places.items()]
        notes = (*notes, f"a stack of {len(x):,} windows of {row} samples")
    else:
        edges = [0, *(i for i in range(1, len(x)) if keys[i] != keys[i - 1]), len(x)]
        parts = [(keys[a], x[a:b]) for a, b in itertools.pairwise(edges)]
    return [
        Reading(
            name, np.ascontiguousarray(part), rate, channels, label=label, group=group, row=row,
            part=f"#{i}" if len(parts) > 1 else "", notes=notes,
        )
        for i, ((label, group), part) in enumerate(parts)
    ]  # fmt: skip
