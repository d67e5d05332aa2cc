"""Seven shoulder exercises, ten people, a smartwatch on either wrist: the data of `activity`.

D. M. Burns, N. Leung, M. Hardisty, C. M. Whyne, P. Henry, S. McLachlin, "Shoulder physiotherapy
exercise recognition: machine learning the inertial signals from a smartwatch", Physiological
Measurement 39 (2018) 075007. `data/watch.toml` is its card.

The file is a pickle inside a `.npy`. A pickle may call any function, so it is read by an unpickler that
knows numpy arrays and nothing else.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import SOURCE, TARGET, Recording
from edgekit.datasets.sources import sources

FILE = "watch_dataset.npy"
RATE = 50.0  # Hz
CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
UNITS = ("g",) * 3 + ("rad/s",) * 3
CLASSES = {  # the file's abbreviations
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "elevation",
    "IR": "internal",
    "ER": "external",
    "TRAP": "trapezius",
    "ROW": "row",
}
WRISTS = {0: ("left", SOURCE), 1: ("right", TARGET)}


def load(folder: Path | str, domain: str | None = None) -> list[Recording]:
    """The 140 recordings in a folder that `fetch("watch")` returned, or the 70 of one domain.

    Left wrists are the `"lab"`, right wrists the `"field"`. Samples (time, 6): acceleration in g,
    gravity included, then angular rate in rad/s, at 50 Hz. `group` is the person in both domains;
    `meta` has `side`. Raises EdgekitError where the file is missing, is not what it says it is, or asks
    for anything but arrays.
    """
    found = sorted(Path(folder).rglob(FILE))
    if not found:
        raise EdgekitError(f"{FILE} is not in {folder}; remove that folder and fetch 'watch' again")
    held = _read(found[0])
    try:
        if [str(c) for c in held["X_labels"]] != list(CHANNELS):
            raise ValueError("other channels")
        names = [CLASSES[str(name)] for name in held["y_labels"]]
        recordings = [
            _recording(np.asarray(x, np.float64), names[int(y)], int(subject), *WRISTS[int(side)])
            for x, y, subject, side in zip(
                held["X"], held["y"], held["subject"], held["side"], strict=True
            )
        ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EdgekitError(
            f"{found[0].name} is not the watch data ({type(error).__name__}: {error}); "
            "remove it and fetch 'watch' again"
        ) from None
    recordings.sort(key=lambda r: (r.group, r.name))
    return [r for r in recordings if domain in (None, r.domain)]


def _recording(samples, label: str, subject: int, side: str, domain: str) -> Recording:
    return Recording(
        name=f"s{subject:02d}-{side}-{label}",
        samples=samples,
        rate=RATE,
        label=label,
        group=f"subject-{subject:02d}",
        domain=domain,
        channels=CHANNELS,
        unit="g, rad/s",
        licence=sources()["watch"].licence,
        source="watch",
        meta={"side": side, "units": list(UNITS)},
    )


# ------------------------------------------------------------------------------ a pickle, tamed


def _read(path: Path) -> dict:
    """The dictionary inside the `.npy`."""
    from numpy.lib import format as npy

    try:
        with path.open("rb") as file:
            if npy.read_magic(file) != (1, 0):
                raise ValueError("not a version 1.0 .npy")
            shape, _, dtype = npy.read_array_header_1_0(file)
            if shape != () or dtype.kind != "O":
                raise ValueError(f"holds {dtype} {shape}, not one object")
            held = _Arrays(file, encoding="latin1").load()
        held = held.item()
        if not isinstance(held, dict):
            raise ValueError("holds no dictionary")
    except Exception as error:  # the bytes decide what goes wrong
        raise EdgekitError(
            f"{path.name} cannot be read ({type(error).__name__}: {error}); "
            "remove it and fetch 'watch' again"
        ) from None
    return held


class _Arrays(pickle.Unpickler):
    """Numpy arrays, numbers, text and containers; whatever else a pickle names is refused."""

    def find_class(self, module: str, name: str):
        module = module.replace("numpy._core", "numpy.core")
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def _empty(kind, shape, code) -> np.ndarray:
    """What `numpy.core.multiarray._reconstruct` does for a plain array; its contents follow."""
    if kind is not _ALLOWED["numpy", "ndarray"]:
        raise pickle.UnpicklingError("an array of an unknown kind")
    return np.empty(0)


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 2's bytes were written down."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in {encoding!r}")
    return text.encode("latin1")


def _plain(kind, *_) -> np.dtype:
    """Numbers and objects only: no records, no subarrays."""
    dtype = np.dtype(str(kind))
    if dtype.kind not in "biufSUO":
        raise pickle.UnpicklingError(f"an array of {dtype}")
    return dtype


_ALLOWED = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _plain,
    ("numpy.core.multiarray", "_reconstruct"): _empty,
    ("_codecs", "encode"): _latin1,
}
