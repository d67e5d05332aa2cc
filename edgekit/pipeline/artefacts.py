"""What the chapters hand to each other: every file of `artefacts/`, its type, its writer and its readers.

What nobody reads is not written: a reader is a later chapter, a command, or the report, which shows a table
or offers a file to be taken along. `tests/notebooks/checker.py` holds the notebooks to this table.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edgekit.agent import DeviceFirmware, firmware_file
from edgekit.core.errors import EdgekitError
from edgekit.data import Split
from edgekit.data.windows import Windows
from edgekit.pipeline import records
from edgekit.pipeline.records import (
    GoldenPairs,
    LedgerTable,
    ModelCard,
    TrainingScores,
)

REPORT, SEARCH, UPDATES = "the report", "edgekit search", "edgekit ota"


@dataclass(frozen=True)
class Artefact:
    """One file: what it `holds`, and as which type; `bytes`: its suffix says the format."""

    holds: str
    type: type
    writer: str
    readers: tuple[str, ...]


ARTEFACTS = {
    "field.npz": Artefact(
        "windows of the target domain", Windows, "01_collect",
        ("02_adapt", "03_train", "04_compress", "05_export", "06_ota", SEARCH),
    ),
    "lab.npz": Artefact("windows of the source domain", Windows, "01_collect", ("02_adapt",)),
    "split.json": Artefact(
        "which groups train, validate and test", Split, "01_collect",
        ("03_train", "04_compress", "05_export", "06_ota", SEARCH),
    ),
    "teacher.h5": Artefact(
        "the float teacher, for Keras", bytes, "03_train", ("04_compress", SEARCH)
    ),
    "student.h5": Artefact("the float student, for Keras", bytes, "03_train", ("04_compress",)),
    "scores.json": Artefact(
        "widths and scores of both", TrainingScores, "03_train", ("04_compress",)
    ),
    "ledger.json": Artefact("every variant that was tried", LedgerTable, "04_compress", (REPORT,)),
    "model.tflite": Artefact(
        "the deployed int8 network", bytes, "04_compress", ("05_export", REPORT)
    ),
    "model.json": Artefact(
        "what its users must know", ModelCard, "04_compress",
        ("05_export", "06_ota", UPDATES, REPORT),
    ),
    "golden.npz": Artefact(
        "inputs, and outputs to the byte", GoldenPairs, "04_compress", ("05_export",)
    ),
    "firmware.zip": Artefact(
        "a CMake project with features and self-test", bytes, "05_export", (REPORT,)
    ),
    "tflm.zip": Artefact(
        "the model as a C array, for TensorFlow Lite Micro", bytes, "05_export", (REPORT,)
    ),
    "device.zip": Artefact(
        "the program that was judged: ELF, C, model and contract", DeviceFirmware, "05_export",
        ("06_ota", UPDATES, REPORT),
    ),
    "package.bin": Artefact("the first release, signed", bytes, "06_ota", (REPORT,)),
    "update.bin": Artefact("the retrained model as a signed delta", bytes, "06_ota", (REPORT,)),
    "search.csv": Artefact("every trial of the search", bytes, SEARCH, (REPORT,)),
    "found.json": Artefact("what the search found", dict, SEARCH, ("04_compress",)),
    "found.tflite": Artefact("the network that it found", bytes, SEARCH, ("04_compress",)),
}  # fmt: skip


def artefact_path(directory: Path, name: str) -> Path:
    """Where an artefact of the run in `directory` lies."""
    return directory / "artefacts" / name


def type_of(name: str) -> type | None:
    """The type of an artefact; None for one of somebody else's chapters, of which its suffix says all."""
    return ARTEFACTS[name].type if name in ARTEFACTS else None


def write(path: Path, value: Any, name: str) -> None:
    """Write the value of the artefact `name`. Raises EdgekitError for one that is not of its type."""
    kind, suffix = type_of(name), Path(name).suffix
    if kind not in (None, bytes, dict) and not isinstance(value, kind):
        raise EdgekitError(f"{name} holds a {kind.__name__}, not a {type(value).__name__}")
    if isinstance(value, Windows):
        value.save(path)
    elif isinstance(value, DeviceFirmware):
        path.write_bytes(firmware_file.to_bytes(value))
    elif isinstance(value, GoldenPairs):
        _save_arrays(path, _stamped(value))
    elif suffix == ".json" and hasattr(value, "SCHEMA"):
        path.write_text(records.dump(value), encoding="utf-8")
    elif suffix == ".npz":
        _save_arrays(path, value)
    elif suffix == ".npy":
        with open(path, "wb") as f:
            np.save(f, value, allow_pickle=False)
    elif suffix == ".json":
        text = json.dumps(records.to_jsonable(value), indent=1, allow_nan=False)
        path.write_text(text, encoding="utf-8")
    elif suffix == ".csv":
        value.to_csv(path, index=False)
    else:
        path.write_bytes(value.encode() if isinstance(value, str) else value)


def read(path: Path) -> Any:
    """The value of an artefact, of the type that the table says; else as its suffix says: arrays by name, an
    array, plain values, a DataFrame, bytes.

    Raises EdgekitError for another version and for a damaged file.
    """
    kind = type_of(path.name)
    try:
        if kind is Windows:
            return Windows.load(path)
        if kind is DeviceFirmware:
            return firmware_file.from_bytes(path.read_bytes())
        if kind is GoldenPairs:
            return _arrays(path, kind)
        if kind not in (None, bytes, dict):
            return records.load(path.read_text(encoding="utf-8"), kind, path)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as f:
                return dict(f)
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        if path.suffix == ".csv":
            import pandas

            return pandas.read_csv(path)
        return path.read_bytes()
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise EdgekitError(f"{path} cannot be read ({error}): make it again") from None


def _stamped(record) -> dict[str, Any]:
    named = {"record": np.array(type(record).__name__), "schema": np.int64(record.SCHEMA)}
    return named | {f.name: getattr(record, f.name) for f in fields(record)}


def _save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    with open(path, "wb") as f:
        np.savez(f, **arrays)


def _arrays(path: Path, kind: type):
    with np.load(path, allow_pickle=False) as f:
        records.check_schema((str(f["record"]), int(f["schema"])), kind, path)
        return kind(**{field.name: f[field.name] for field in fields(kind)})
