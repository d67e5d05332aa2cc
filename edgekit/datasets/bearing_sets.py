"""Four public bearing rigs as the field of `bearing`: CWRU, Paderborn, HUST, Ottawa.

load("cwru:/where/the/files/are")     # .mat files in a folder, at any depth; CWRU's under any name
load("cwru")                          # or downloaded, see `bearing_download`

CWRU: W. A. Smith, R. B. Randall, MSSP 64-65 (2015) 100-131. Paderborn: C. Lessmeier et al., PHM Society
European Conference 3 (2016). HUST: N. D. Thuan, H. S. Hong, BMC Research Notes 16 (2023) 138. Ottawa:
M. Sehri, P. Dumond, M. Bouchard, Data in Brief 49 (2023) 109327. What is in a file, `bearing_files` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace
from edgekit.data.recordings import TARGET, Recording
from edgekit.datasets import mfpt
from edgekit.datasets.bearing_download import download
from edgekit.datasets.bearing_files import dataset_of, index
from edgekit.datasets.bearing_files import fault_lines as fault_lines
from edgekit.datasets.sources import fetch


def load(target: str, classes: tuple[str, ...] = ("normal", "inner", "outer")) -> list[Recording]:
    """Recordings of one set (or of "mfpt"), sorted by name, `domain` "field", those of `classes` only.

    Labels are "normal", "inner", "outer", "ball". `group` is the bearing, because its other recordings
    are near copies; where a class has fewer than three bearings (CWRU has one healthy one), the recording,
    and `meta["group_is"]` says so. `meta` has `shaft_hz` and the bearing's geometry. Prints what is left
    out, and why. Raises EdgekitError for a folder without such files, a file that cannot be read or is not
    what its name says, and a class that nothing is left of.
    """
    if target == "mfpt":
        return [r for r in mfpt.load(fetch("mfpt")) if r.label in classes]
    chosen, (name, _, where) = dataset_of(target), target.partition(":")
    name = name.strip().lower()
    folder = Workspace.find().folder / Path(where).expanduser() if where else download(name)
    if not folder.is_dir():
        raise EdgekitError(f"there is no folder {folder} with the files of {chosen.title}")
    found: list[Recording] = []
    other: dict[str, int] = {}
    unknown = twice = 0
    for path in sorted(folder.rglob("*.mat")):
        held = chosen.read(path, index(chosen))
        if held is None:
            unknown += 1
        elif held["label"] not in classes:
            other[held["label"]] = other.get(held["label"], 0) + 1
        elif held["name"] in {r.name.removeprefix(f"{name}-") for r in found}:
            twice += 1
        else:
            found.append(_recording(name, path, held))
    if not found:
        raise EdgekitError(
            f"{folder} holds no recording of {chosen.title} with {', '.join(classes)} in it: expected "
            "its .mat files under their own names"
        )
    left = [f"{n} of {label!r}" for label, n in sorted(other.items())]
    left += [f"{twice} that are there twice"] * bool(twice)
    left += [f"{unknown} with other names or several faults"] * bool(unknown)
    if left:
        print(f"{name}: {len(found)} recordings; left out: {', '.join(left)}")
    missing = [c for c in classes if c not in {r.label for r in found}]
    if missing:
        raise EdgekitError(
            f"{folder} has no recording labelled {missing[0]!r}; take it out of CLASSES, or add its files"
        )
    return sorted(_grouped(found, classes), key=lambda r: r.name)


def _recording(name: str, path: Path, held: dict) -> Recording:
    samples = np.asarray(held["samples"])
    rate, shaft = float(held["rate"]), float(held["shaft_hz"])
    if samples.ndim != 1 or samples.dtype.kind not in "fiu" or len(samples) < 64:
        raise EdgekitError(f"{path.name}: its signal {samples.shape} is no vibration recording")
    if not (1_000 <= rate <= 1e6 and 0.1 <= shaft <= 1_000):
        raise EdgekitError(
            f"{path.name}: {rate:g} Hz and a shaft of {shaft:g} Hz are no such rig's"
        )
    return Recording(
        name=f"{name}-{held['name']}",
        samples=samples.astype(np.float64) * held.get("unit_g", 1.0),
        rate=rate,
        label=held["label"],
        group=f"{name}-{held['bearing']}",
        domain=TARGET,
        channels=("acceleration",),
        unit=held.get("unit", "g"),
        licence=f"see the card {name}",
        source=name,
        meta={
            "shaft_hz": shaft,
            "bearing": held["geometry"].to_dict(),
            "load": held.get("load"),
            "file": path.name,
            "group_is": "bearing",
        },
    )


def _grouped(found: list[Recording], classes) -> Iterator[Recording]:
    """By bearing, and by recording in a class of fewer than three bearings."""
    bearings = {c: {r.group for r in found if r.label == c} for c in classes}
    few = {c for c in classes if len(bearings[c]) < 3}
    shared = {g for c in few for g in bearings[c]}
    for r in found:
        if r.label not in few and r.group in shared:
            few.add(r.label)  # its bearing is torn apart in another class: then everywhere
    for r in found:
        torn = r.label in few
        yield replace(
            r,
            group=r.name if torn else r.group,
            meta={**r.meta, "group_is": "recording" if torn else "bearing"},
        )
