"""Read everything in a folder: what could be read, and why the rest could not."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgekit.data.bring import arrays, images, impulse, layout, mend, tables, waves
from edgekit.data.bring.reading import Reading
from edgekit.data.format import DamagedError
from edgekit.errors import EdgekitError

TABLES, IMPULSE = (".csv", ".tsv", ".txt", ".dat", ".asc"), (".json", ".cbor")
ARRAYS, WAVES = (".npy", ".npz"), (".wav", ".wave")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
KNOWN = (*TABLES, *IMPULSE, *ARRAYS, *WAVES, *PICTURES)
ASIDE = ("readme", "license", "licence", "requirements", "notes", "info", "package", "metadata")
SHEETS = ("labels", "label", "metadata", "annotations", "index")  # name.csv: a row for each file
MOST_FILES = 20_000


@dataclass
class Found:
    """`readings` in the order of their names; `failed`: file -> why; `aside`: file -> why it is no data;
    `sheet`: file -> {"label": …, "group": …} of a table of labels."""

    root: Path
    readings: list[Reading] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    sheet: dict[str, dict[str, str]] = field(default_factory=dict)


def read(
    root: Path | str, *, label_column="", group_column="", sheet="", time_unit="", progress=None
) -> Found:
    """Every file below `root` that one of the readers knows.

    `label_column`, `group_column` and `time_unit` go to the reader of tables; `sheet` names a table of
    labels in the folder. Raises EdgekitError for a folder that is not there, or has nothing to read.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise EdgekitError(f"{root} is no folder")
    found = Found(root)
    files = _files(root, found)
    _take_sheet(root, files, found, sheet)
    for path in progress(files) if progress else files:
        name = path.relative_to(root).as_posix()
        try:
            made = _one(path, name, label_column, group_column, time_unit)
            found.readings += [part for reading in made for part in mend.mend(reading)]
        except DamagedError as error:
            found.failed[name] = str(error)
        except OSError as error:
            found.failed[name] = f"cannot be opened ({error.strerror or error})"
        except MemoryError:
            found.failed[name] = "does not fit into memory"
        except EdgekitError:
            raise
        except Exception as error:  # no file of a thousand may stop the others
            found.failed[name] = f"cannot be read ({type(error).__name__}: {_short(error)})"
    if not found.readings:
        why = next((f": {n} {w}" for n, w in found.failed.items()), f" of {', '.join(KNOWN)}")
        raise EdgekitError(f"{root} holds nothing that can be read{why}")
    return found


def _one(path: Path, name: str, label: str, group: str, unit: str) -> list[Reading]:
    kind = path.suffix.lower()
    if kind in TABLES:
        return tables.read(path, name, label, group, unit)
    if kind in WAVES:
        return waves.read(path, name)
    if kind in ARRAYS:
        return arrays.read(path, name)
    if kind in IMPULSE:
        return impulse.read(path, name)
    return images.read(path, name)


def _files(root: Path, found: Found) -> list[Path]:
    """Files to read, sorted; what is set aside says why. Links are not followed out of the folder."""
    files = []
    for folder, below, names in os.walk(root):
        below[:] = sorted(b for b in below if not b.startswith(".") and b != "__MACOSX")
        for n in sorted(names):
            path = Path(folder) / n
            name = path.relative_to(root).as_posix()
            if n.startswith(".") or n.lower() in ("thumbs.db", "desktop.ini"):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
                found.failed[name] = "is a link that leads out of the folder"
            elif path.suffix.lower() not in KNOWN:
                found.aside[name] = "of a kind that edgekit does not read"
            elif path.suffix.lower() in (".txt", ".json") and path.stem.lower() in ASIDE:
                found.aside[name] = "a text beside the data"
            else:
                files.append(path)
    if len(files) > MOST_FILES:
        raise EdgekitError(
            f"{root} holds {len(files):,} files, more than {MOST_FILES:,}: take a part"
        )
    return files


# ---------------------------------------------------------------------------- a table of labels


def _take_sheet(root: Path, files: list[Path], found: Found, wanted: str) -> None:
    """`labels.csv` (or `wanted`) and Edge Impulse's `info.labels` are about files, not data."""
    candidates = [root / wanted] if wanted else [p for p in files if p.stem.lower() in SHEETS]
    if wanted and not candidates[0].is_file():
        raise EdgekitError(f"{candidates[0]}: there is no such table of labels")
    known = {p.relative_to(root).as_posix(): p for p in files}
    for path in candidates:
        rows = _sheet(path, known) if path.suffix.lower() in TABLES else {}
        if rows:
            found.sheet |= rows
            files[:] = [f for f in files if f != path]
            found.aside[path.relative_to(root).as_posix()] = f"labels of {len(rows)} files"
        elif wanted:
            raise EdgekitError(f"{path}: no row of it names a file of {root} and a label")
    info = root / "info.labels"
    if info.is_file() and not wanted:
        rows = _info_labels(info, known)
        found.sheet |= rows
        found.aside[info.name] = f"labels of {len(rows)} files"


def _sheet(path: Path, known: dict[str, Path]) -> dict[str, dict[str, str]]:
    try:
        text = layout.decode(path.read_bytes()[: 32 << 20])
        dialect = csv.Sniffer().sniff(text[:4000], ",;\t|")
        rows = list(csv.DictReader(text.splitlines(), dialect=dialect))
    except (csv.Error, DamagedError):
        return {}
    names = {(k or "").strip().lower(): k for k in (rows[0] if rows else {})}
    file = next(
        (names[k] for k in ("file", "filename", "file_name", "path", "name") if k in names), None
    )
    label = next(
        (names[k] for k in ("label", "class", "labels", "target", "category") if k in names), None
    )
    group = next(
        (names[k] for k in ("group", "subject", "machine", "user", "session") if k in names), None
    )
    if not file or not label:
        return {}
    short = {}
    for name in known:
        short.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    found = {}
    for row in rows:
        said = (row[file] or "").strip().replace("\\", "/").removeprefix("./")
        match = [said] if said in known else short.get(said.rsplit("/", 1)[-1], [])
        if len(match) == 1 and (row[label] or "").strip():
            found[match[0]] = {"label": row[label].strip()}
            if group and (row[group] or "").strip():
                found[match[0]]["group"] = row[group].strip()
    return found


def _info_labels(path: Path, known: dict[str, Path]) -> dict[str, dict[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = {
            str(f["path"]): {"label": str(f["label"]["label"])}
            for f in content["files"]
            if f["label"]["type"] == "label"
        }
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        return {}
    return {name: row for name, row in rows.items() if name in known}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def with_sheet(found: Found) -> list[Reading]:
    """The readings with what the table of labels says of them."""
    return [
        replace(r, **{k: v for k, v in found.sheet.get(r.path, {}).items()}) for r in found.readings
    ]
