"""What the chapters hand to each other: every file of `artefacts/`, its type, its writer and its readers.

What nobody reads is not written: a reader is a later chapter, a command, or the report, which shows a table
or offers a file to be taken along. `tests/notebooks/checker.py` holds the notebooks to this table.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edgekit.agent import DeviceFirmware, firmware_file
from edgekit.core.errors import EdgekitError
from edgekit.core.jsonable import to_jsonable
from edgekit.data import Split
from edgekit.data.windows import Windows
from edgekit.pipeline import records
from edgekit.pipeline.records import (
    GoldenPairs,
    LedgerTable,
    ModelCard,
    TrainingScores,
)

FLEET, FEDERATE = "07_fleet", "08_federate"
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
        ("02_adapt", "03_train", "04_compress", "05_export", "06_ota", FLEET, FEDERATE, SEARCH),
    ),
    "lab.npz": Artefact("windows of the source domain", Windows, "01_collect", ("02_adapt",)),
    "split.json": Artefact(
        "which groups train, validate and test", Split, "01_collect",
        ("03_train", "04_compress", "05_export", "06_ota", FLEET, FEDERATE, SEARCH),
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
        ("05_export", "06_ota", FLEET, FEDERATE, UPDATES, REPORT),
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
        ("06_ota", FLEET, FEDERATE, UPDATES, REPORT),
    ),
    "package.bin": Artefact("the first release, signed", bytes, "06_ota", (REPORT,)),
    "update.bin": Artefact("the retrained model as a signed delta", bytes, "06_ota", (REPORT,)),
    "federated.bin": Artefact(
        "the release as its clients taught it, a signed delta", bytes, FEDERATE, (REPORT,)
    ),
    "search.csv": Artefact("every trial of the search", bytes, SEARCH, (REPORT,)),
    "found.json": Artefact("what the search found", dict, SEARCH, ("04_compress",)),
    "found.tflite": Artefact("the network that it found", bytes, SEARCH, ("04_compress",)),
}  # fmt: skip


def type_of(name: str) -> type | None:
    """The type of an artefact; None for one of somebody else's chapters, of which its suffix says all."""
    return ARTEFACTS[name].type if name in ARTEFACTS else None


def write(path: Path, value: Any, name: str) -> None:
    """Write the value of the artefact `name`. Raises EdgekitError for one that is not of its type."""
    kind = type_of(name)
    if kind not in (None, bytes, dict) and not isinstance(value, kind):
        raise EdgekitError(f"{name} holds a {kind.__name__}, not a {type(value).__name__}")
    _format(name)[0](path, value)


def read(path: Path) -> Any:
    """The value of an artefact, of the type that the table says; else as its suffix says: arrays by name, an
    array, plain values, a DataFrame, bytes.

    Raises EdgekitError for another version and for a damaged file.
    """
    try:
        return _format(path.name)[1](path)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise EdgekitError(f"{path} cannot be read ({error}): make it again") from None


# ----------------------------------------------------------------- how each is written, and read


def _format(name: str) -> tuple[Callable[[Path, Any], Any], Callable[[Path], Any]]:
    """What writes an artefact and what reads it: by its type, else by its suffix."""
    kind = type_of(name)
    if kind in (None, bytes, dict):
        return SUFFIXES.get(Path(name).suffix, SUFFIXES[""])
    return TYPES.get(kind) or (_write_record, partial(_read_record, kind=kind))


def _write_record(path: Path, value: Any) -> None:
    path.write_text(records.dump(value), encoding="utf-8")


def _read_record(path: Path, kind: type) -> Any:
    return records.load(path.read_text(encoding="utf-8"), kind, path)


def _write_pairs(path: Path, pairs: GoldenPairs) -> None:
    stamp = {"record": np.array(GoldenPairs.__name__), "schema": np.int64(GoldenPairs.SCHEMA)}
    _write_arrays(path, stamp | vars(pairs))


def _read_pairs(path: Path) -> GoldenPairs:
    held = _read_arrays(path)
    records.check_schema((str(held["record"]), int(held["schema"])), GoldenPairs, path)
    return GoldenPairs(held["inputs"], held["outputs"])


def _write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    with open(path, "wb") as f:
        np.savez(f, **arrays)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as f:
        return dict(f)


def _write_array(path: Path, array: np.ndarray) -> None:
    with open(path, "wb") as f:
        np.save(f, array, allow_pickle=False)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(to_jsonable(value), indent=1, allow_nan=False)
    path.write_text(text, encoding="utf-8")


def _read_table(path: Path):
    import pandas

    return pandas.read_csv(path)


def _write_bytes(path: Path, value: str | bytes) -> None:
    path.write_bytes(value.encode() if isinstance(value, str) else value)


TYPES: dict[Any, tuple[Callable, Callable]] = {  # other types are records
    Windows: (lambda path, windows: windows.save(path), Windows.load),
    GoldenPairs: (_write_pairs, _read_pairs),
    DeviceFirmware: (
        lambda path, value: path.write_bytes(firmware_file.to_bytes(value)),
        lambda path: firmware_file.from_bytes(path.read_bytes()),
    ),
}
SUFFIXES: dict[str, tuple[Callable, Callable]] = {
    ".npz": (_write_arrays, _read_arrays),
    ".npy": (_write_array, partial(np.load, allow_pickle=False)),
    ".json": (_write_json, lambda path: json.loads(path.read_text(encoding="utf-8"))),
    ".csv": (lambda path, table: table.to_csv(path, index=False), _read_table),
    "": (_write_bytes, Path.read_bytes),
}
