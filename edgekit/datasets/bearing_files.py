"""The files of four public bearing rigs: what one is called, holds and means, and where each set's index is.

What a file is called says which fault it holds; for the numbers in CWRU's files and for Paderborn's bearings
the index of the package bearing-datasets does.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.datasets import mfpt
from edgekit.datasets.bearing_physics import NICE, SKF_6205, Bearing, fault_frequencies
from edgekit.datasets.sources import fetch

LARGEST = 256 << 20  # bytes of a .mat: more than any of theirs
STANDARD_GRAVITY = 9.80665  # m/s²
SKF_6203 = Bearing(elements=8, roller=6.746, pitch=28.5)  # mm; CWRU's fan end
ER_6203 = Bearing(elements=8, roller=6.77, pitch=28.50)  # Ottawa: NSK 6203ZZ and FAFNIR 203KD


@dataclass(frozen=True)
class BearingDataset:
    """One public set: its name in the index, a typical geometry and shaft speed (Hz), and its reader.

    `read(path, index)` gives what is in one file as keywords of `Recording`, or None for a file that is
    not part of the set or holds a fault that is not one of a single place; `index` opens a table of the
    package. `file_pattern` matches the names that `download` brings.
    """

    index: str
    title: str
    geometry: Bearing
    shaft_hz: float
    read: Callable
    file_pattern: str


def dataset_of(target: str) -> BearingDataset:
    """The set that `target` ("cwru", "cwru:/folder") names. Raises EdgekitError for an unknown one."""
    name = target.partition(":")[0].strip().lower()
    if name not in DATASETS:
        raise EdgekitError(
            f"no bearing set is called {name!r}.{did_you_mean(name, [*DATASETS, 'mfpt'])}"
        )
    return DATASETS[name]


def fault_lines(target: str) -> dict[str, float]:
    """Where the faults of a set must show, Hz, for a typical geometry and speed; of "mfpt" its own."""
    chosen = MFPT if target == "mfpt" else dataset_of(target)
    return fault_frequencies(chosen.geometry, chosen.shaft_hz)


def index(chosen: BearingDataset) -> Callable[[str], list[dict]]:
    """Opens a table of the package bearing-datasets, which is fetched (0.5 MB) when first asked for."""

    def rows(table: str) -> list[dict]:
        key = (chosen.index, table)
        if key not in _tables:
            path = fetch("bearing-index", progress=False) / chosen.index / table
            with path.open(encoding="utf-8") as file:
                _tables[key] = list(csv.DictReader(file))
        return _tables[key]

    return rows


_tables: dict[tuple[str, str], list[dict]] = {}


def _mat(path: Path, **how) -> dict:
    from scipy.io import loadmat

    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.stat().st_size >> 20} MB")
        return loadmat(path, **how)
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        raise EdgekitError(
            f"{path.name} is not a readable .mat file ({type(error).__name__}: {str(error)[:80]}); "
            "take it out of the folder, or get it again"
        ) from None


def _layout(path: Path, error: Exception) -> EdgekitError:
    return EdgekitError(
        f"{path.name} is not laid out as its set's files are ({type(error).__name__}: {error})"
    )


CWRU_FAULT = {"inner_race": "inner", "outer_race": "outer", "rolling_element": "ball", "": "normal"}


def _cwru(path: Path, index) -> dict | None:
    """`<number>.mat`, or by any other name, with `X<number>_DE_time`, `_FE_time` and often `X<number>RPM`."""
    mat = _mat(path)
    row = _cwru_row(path.stem, mat, index("files.csv"))
    if row is None:
        return None
    end = row["fault_end"] or "DE"
    try:
        keys = [k for k in mat if re.fullmatch(rf"X\d+_{end}_time", k)]
        own = f"X{int(Path(row['file']).stem):03d}_{end}_time"  # some files also hold another's arrays
        key = own if own in keys else keys[0]
        rpm = mat.get(f"{key.split('_')[0]}RPM", float(row["rpm"]))
        place = row["native_label"].split("_")[0]
        return {
            "name": f"{row['fs'][:2]}k-{row['fault_end'] or 'N'}-{row['native_label']}",
            "bearing": f"{row['fault_end']}{place.split('@')[0]}",
            "label": CWRU_FAULT[row["sub_element"]],
            "samples": np.ravel(mat[key]),
            "rate": float(row["fs"]),
            "shaft_hz": float(np.ravel(rpm)[0]) / 60,
            "geometry": SKF_6205 if end == "DE" else SKF_6203,
            "load": f"{row['load_hp']} hp",
        }
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise _layout(path, error) from None


def _cwru_row(stem: str, mat: dict, rows: list[dict]) -> dict | None:
    """The row of the index that a file is: by its number, else by the numbers of its arrays (`99.mat` holds
    98's too), among which what the file is called decides: `IR007_0`, `12k_DE_OR007@6_0_130`."""
    by_number = {int(r["file"].split(".")[0]): r for r in rows}
    if stem.isdigit() and int(stem) in by_number:
        return by_number[int(stem)]
    held = sorted({int(n) for k in mat for n in re.findall(r"^X(\d+)_[DF]E_time$", k)})
    told = [int(n) for n in re.findall(r"\d+", stem)]
    held = [n for n in held if n in by_number]
    word = re.compile(r"(?:^|[_\W])({})(?:[_\W]|$)".format("|".join(
        re.escape(r["native_label"]) for r in rows)), re.I)  # fmt: skip
    said = word.search(stem)
    alike = [n for n in held if said and by_number[n]["native_label"].lower() == said[1].lower()]
    named = [n for n in held if n in told]
    if found := named or alike or held:
        return by_number[found[-1]]
    of_name = [r for r in rows if said and r["native_label"].lower() == said[1].lower()]
    vibration = any(re.fullmatch(r"X\d+_[DF]E_time", k) for k in mat)
    return of_name[0] if vibration and len(of_name) == 1 else None


def _paderborn(path: Path, index) -> dict | None:
    """`N15_M07_F10_KA04_1.mat`: a structure whose `Y` lists channels with `Name` and `Data`."""
    name = r"N(\d\d)_M(\d\d)_F(\d\d)_(K(?:[AIB]\d\d|\d{3}))_(\d+)"
    match = re.fullmatch(name, path.stem)
    if match is None or int(match[5]) != 1:  # of twenty repetitions of each condition, the first
        return None
    row = next((r for r in index("bearings.csv") if r["bearing_id"] == match[4]), None)
    if row is None or "+" in row["fault_type"]:
        return None
    mat = _mat(path, squeeze_me=True, struct_as_record=False)
    try:
        channels = {str(y.Name): y.Data for y in np.ravel(mat[path.stem].Y)}
        return {
            "name": path.stem,
            "bearing": match[4],
            "label": row["fault_type"],
            "samples": np.ravel(channels["vibration_1"]),
            "rate": 64_000.0,
            "shaft_hz": int(match[1]) * 100 / 60,
            "geometry": Bearing(8, 6.75, float(row["pitch_diameter_mm"])),
            "load": f"{int(match[3]) * 100} N",
            "unit": "unknown",
        }
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise _layout(path, error) from None


HUST_GEOMETRY = {  # bore and outer diameter, ball diameter in mm, balls; the pitch is half way between
    "4": (20, 47, 7.6, 8),
    "5": (25, 52, 7.8, 9),
    "6": (30, 62, 9.0, 9),
    "7": (35, 72, 11.0, 9),
    "8": (40, 80, 12.0, 9),
}
LETTERS = {"N": "normal", "H": "normal", "I": "inner", "O": "outer", "B": "ball"}


def _hust(path: Path, index) -> dict | None:
    """`I504.mat`: fault, bearing type 620x, load; `data`, and `fs`, which is the shaft's frequency."""
    match = re.fullmatch(r"([NIOB])([4-8])0([024])", path.stem)
    if match is None:
        return None
    mat = _mat(path)
    bore, outer, ball, balls = HUST_GEOMETRY[match[2]]
    try:
        return {
            "name": path.stem,
            "bearing": match[1] + match[2],
            "label": LETTERS[match[1]],
            "samples": np.ravel(mat["data"]),
            "rate": 51_200.0,
            "shaft_hz": float(np.ravel(mat["fs"])[0]),
            "geometry": Bearing(balls, ball, (bore + outer) / 2),
            "load": f"{int(match[3]) * 100} W",
        }
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise _layout(path, error) from None


def _ottawa(path: Path, index) -> dict | None:
    """`I_3_2.mat`: fault, bearing, stage; one matrix (n, 5): m/s², sound, rpm, load, temperature."""
    match = re.fullmatch(r"([HIOB])_(\d+)_([012])", path.stem)
    if match is None:
        return None
    mat = _mat(path)
    try:
        (table,) = (np.asarray(v) for k, v in mat.items() if not k.startswith("__"))
        return {
            "name": path.stem,
            "bearing": match[2],
            "label": LETTERS[match[1]],
            "samples": table[:, 0],
            "rate": 42_000.0,
            "shaft_hz": float(table[0, 2]) / 60,
            "geometry": ER_6203,
            "load": f"{float(table[0, 3]):g} N",
            "unit_g": 1 / STANDARD_GRAVITY,
        }
    except (IndexError, ValueError, TypeError) as error:
        raise _layout(path, error) from None


MFPT = BearingDataset("", "MFPT", NICE, 24.8, mfpt.read, "")
DATASETS = {
    "cwru": BearingDataset("cwru", "CWRU", SKF_6205, 1_772 / 60, _cwru, r"12k-DE-.*|48k-N-.*"),
    "paderborn": BearingDataset(
        "paderborn", "Paderborn", Bearing(8, 6.75, 29.05), 25.0, _paderborn,
        r"K00[1-3]\.rar|KA(04|15|16|22)\.rar|KI(04|14|16|17)\.rar",
    ),
    "hust": BearingDataset("hust", "HUST", Bearing(9, 9.0, 46.0), 25.0, _hust, r"[NIOB][4-8]0[024]\.mat"),
    "ottawa": BearingDataset("ottawa_uored", "Ottawa", ER_6203, 1_750 / 60, _ottawa,
        r".*/[HIOB]_\d+_[012]\.mat"),
}  # fmt: skip
