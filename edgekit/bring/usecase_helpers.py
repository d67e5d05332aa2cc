"""What a use case made by `edgekit new` calls: its recordings, and the lab beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data import recording_file
from edgekit.data.prepare import window
from edgekit.data.quality import RecordingList
from edgekit.data.recordings import Recording
from edgekit.data.windows import Windows, subsample

QUICK_GROUPS, QUICK_RECORDINGS = 12, 4  # groups of a class, recordings of a group
QUICK_WINDOWS, FULL_WINDOWS = 700, 8000
EXCLUDED_FILE = "left_out.toml"  # files that are not there, and why
GAIN, NOISE = (
    0.25,
    0.1,
)  # of the other sensor: spread of its gain (ln), noise over the signal's spread


def recordings(folder: Path | str, domain: str, profile: str, seed: int = 0) -> RecordingList:
    """Of the `domain` "field" what was recorded; of "lab" what is in `folder/lab`, else a copy by another
    sensor, simulated from the `seed`.

    The `profile` "quick" takes some recordings of each class, spread over the groups, "full" takes all.
    What `edgekit new` could not read comes along as `.unreadable`, so that `inspect` names it. Raises
    EdgekitError where the folder holds no recordings, or one that is damaged.
    """
    folder, lab = Path(folder), Path(folder) / "lab"
    second = lab.is_dir() and any(lab.glob("*.npz"))
    found = recording_file.load_folder(lab if domain == "lab" and second else folder)
    found = [replace(r, domain=domain) for r in (_some(found) if profile == "quick" else found)]
    if domain == "lab" and not second:
        return RecordingList(simulate_sensor_shift(r, seed) for r in found)
    return RecordingList(found, {} if domain == "lab" else _left_out(folder))


def simulate_sensor_shift(recording: Recording, seed: int = 0) -> Recording:
    """The recording as another specimen of the sensor might have made it; the same group.

    Each channel gets a gain of its own (a quarter more or less), an offset of a tenth of its spread, and
    noise of a tenth; pictures get another exposure. It says nothing about another machine or person.
    """
    stream = [seed, *recording.name.encode()]
    own, device = np.random.default_rng(stream), np.random.default_rng(seed)  # one device for all
    x = recording.samples.astype(np.float32)
    if recording.samples.dtype == np.uint8:
        x = 255 * (np.clip(x, 0, 255) / 255) ** np.exp(device.normal(0, GAIN))
        samples = np.clip(np.rint(x + own.normal(0, 6, x.shape)), 0, 255).astype(np.uint8)
    else:
        # gains turn about the middle, so that 20 °C does not become 25
        middle = np.nanmedian(x, axis=0) if len(x) else 0
        spread = np.nanstd(x, axis=0) if len(x) else 0
        gain = np.exp(device.normal(0, GAIN, x.shape[1]))
        offset = device.normal(0, NOISE, x.shape[1]) * spread
        samples = middle + (x - middle) * gain + offset + NOISE * spread * own.normal(size=x.shape)
        samples = samples.astype(np.float32)
    meta = {**recording.meta, "stand_in": "another sensor, simulated"}
    return replace(recording, samples=samples, meta=meta, domain="lab", simulated=True)


def windows(
    recordings: list[Recording], classes: tuple[str, ...], length: int, hop: int, profile: str
) -> Windows:
    """Windows of `length` samples, one every `hop`, of the `recordings`; y counts in `classes`.

    At most about 700 in the quick `profile`.
    """
    cut = window(recordings, classes, length, hop)
    return subsample(cut, QUICK_WINDOWS if profile == "quick" else FULL_WINDOWS)


def pictures(recordings: list[Recording], classes: tuple[str, ...], profile: str) -> Windows:
    """Each frame of each of the `recordings` as a window, (n, height, width, 1); y counts in `classes`.

    The `profile` "quick" takes fewer of them. Raises EdgekitError where there are none, or one has another
    shape, or a label that is no class.
    """
    classes = tuple(classes)
    if not recordings:
        raise EdgekitError("there are no pictures")
    first = recordings[0]
    for r in recordings:
        if r.label not in classes or r.samples.shape[1:] != first.samples.shape[1:]:
            raise EdgekitError(
                f"{r.name}: {r.label!r}, {r.samples.shape[1:]} does not fit the others"
            )
    count = [len(r.samples) for r in recordings]
    cut = Windows(
        X=np.concatenate([r.samples for r in recordings])[..., None].astype(np.float32),
        y=np.repeat([classes.index(r.label) for r in recordings], count).astype(np.int64),
        classes=classes,
        group=np.repeat([r.group for r in recordings], count),
        domain=np.repeat([r.domain for r in recordings], count),
        origin=np.array([f"{r.name}@{i}" for r in recordings for i in range(len(r.samples))]),
        rate=first.rate,
        simulated=np.repeat([r.simulated for r in recordings], count),
    )
    return subsample(cut, QUICK_WINDOWS if profile == "quick" else FULL_WINDOWS)


def augment_signals(
    X: np.ndarray, rng: np.random.Generator, gain: float = 0.1, noise: float = 0.05
) -> np.ndarray:
    """Windows X (n, time, channel) as the same thing would have looked another time: louder or softer by
    `gain` (ln) around the window's mean, with noise of `noise` times its spread. The same shape.
    """
    mean = X.mean(axis=1, keepdims=True)
    spread = X.std(axis=1, keepdims=True)
    louder = np.exp(rng.normal(0, gain, (len(X), 1, 1)))
    level = rng.uniform(0, noise, (len(X), 1, 1)) * spread
    varied = mean + (X - mean) * louder + level * rng.normal(size=X.shape)
    return varied.astype(np.float32)


def augment_images(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures X (n, height, width, 1), 0 … 255: some mirrored, moved by up to a twelfth, of other light."""
    n, height, width, _ = X.shape
    varied = np.where(rng.random((n, 1, 1, 1)) < 0.5, X[:, :, ::-1], X)
    down, right = (rng.integers(-(s // 12), s // 12 + 1, n) for s in (height, width))
    rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
    varied = varied[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    light = rng.normal(1, 0.15, (n, 1, 1, 1)) * varied + rng.normal(0, 12, (n, 1, 1, 1))
    return np.clip(light + rng.normal(0, 4, X.shape), 0, 255).astype(np.float32)


def _some(found: list[Recording]) -> list[Recording]:
    """Some recordings of each class: QUICK_RECORDINGS of QUICK_GROUPS groups, as they follow by name."""
    taken: dict[tuple, int] = {}
    groups: dict[str | None, set[str]] = {}
    chosen = []
    for r in found:
        mine = groups.setdefault(r.label, set())
        if r.group not in mine and len(mine) >= QUICK_GROUPS:
            continue
        mine.add(r.group)
        count = taken[r.label, r.group] = taken.get((r.label, r.group), 0) + 1
        if count <= QUICK_RECORDINGS:
            chosen.append(r)
    return chosen


def _left_out(folder: Path) -> dict[str, str]:
    import tomllib

    path = folder / EXCLUDED_FILE
    if not path.is_file():
        return {}
    try:
        return {str(k): str(v) for k, v in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, OSError) as error:
        raise EdgekitError(f"{path} cannot be read ({error})") from None


def block_statistics(X: np.ndarray, fields: int = 8) -> np.ndarray:
    """Pictures X (n, height, width, 1) as a table (n, 2 · fields²): mean and spread of each field.

    `fields` is how many there are along each side.
    """
    n, height, width, _ = X.shape
    rows, columns = height // fields, width // fields
    cut = np.nan_to_num(X[:, : rows * fields, : columns * fields, 0])  # as every feature takes NaN
    cut = cut.reshape(n, fields, rows, fields, columns)
    tables = [f(cut, axis=(2, 4)).reshape(n, -1) for f in (np.mean, np.std)]
    return np.concatenate(tables, axis=1).astype(np.float64)
