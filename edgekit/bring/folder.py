"""Read everything in a folder: what could be read, and why the rest could not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from edgekit.bring import files
from edgekit.bring.path_labels import find_label
from edgekit.core.errors import EdgekitError
from edgekit.data.recording_file import DamagedError
from edgekit.readers import (
    arrays,
    edge_impulse,
    images,
    label_tables,
    matlab,
    picture_annotations,
    records,
    sounds,
    waves,
)
from edgekit.readers.folder_contents import FolderContents
from edgekit.tables import delimited, file_types, fill_gaps
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.reading import Reading, UnreadableError

READERS: dict[tuple[str, ...], Callable[[Path, str], list[Reading]]] = {
    file_types.WAVES: waves.read,
    file_types.SOUNDS: sounds.read,
    file_types.PICTURES: images.read,
}
ROWS: dict[tuple[str, ...], Callable[..., list[Reading]]] = {  # these take the columns' names too
    file_types.TABLES: delimited.read,
    file_types.ARRAYS: arrays.read,
    file_types.MATLAB: matlab.read,
    file_types.IMPULSE: edge_impulse.read,
    file_types.LINES: records.read_lines,
    file_types.COLUMNS: records.read_parquet,
}


def read(
    root: Path | str,
    *,
    wanted: ReadOptions = DEFAULT_READ_OPTIONS,
    label_table: str = "",
    progress: Callable[[Iterable[str]], Iterable[str]] | None = None,
) -> FolderContents:
    """Every file below `root` that one of the readers knows.

    `wanted` goes to the readers of tables (`infer.wanted` makes it of a person's options); `label_table`
    names a table of labels in the folder; `progress` wraps the names of the files, as tqdm does. Raises
    EdgekitError for a folder that is not there, or has nothing to read.
    """
    root = _folder(root)
    paths, failed, ignored = files.listed(root)
    found = FolderContents(root, failed=failed, ignored=ignored)
    label_tables.take(root, paths, found, label_table)
    picture_annotations.take(paths, found)
    folders = (find_label(list(paths)) or "").startswith("folder")
    label = wanted.label or (None if found.label_table else wanted.label)
    wanted = replace(wanted, folders=folders, label=label)
    for name in progress(paths) if progress else paths:
        _add(found, name, paths[name], wanted)
    found.readings = images.normalize_bit_depth(found.readings)
    if not found.readings:
        raise EdgekitError(f"{root} holds nothing that can be read{failure_summary(found.failed)}")
    return found


def failure_summary(failed: dict[str, str], most: int = 3) -> str:
    """The files that could not be read, by reason, as the end of a sentence; empty if there are none."""
    reasons = group_by_reason(failed)
    said = [
        f"{names[0]}{f' (and {len(names) - 1:,} more)' if len(names) > 1 else ''} {reason}"
        for reason, names in list(reasons.items())[:most]
    ]
    more = [f"and {len(reasons) - most} more reasons"] if len(reasons) > most else []
    return f": {'; '.join([*said, *more])}" if said else ""


def group_by_reason(excluded: dict[str, str]) -> dict[str, list[str]]:
    """Reason -> files, the commonest first."""
    found: dict[str, list[str]] = {}
    for name, reason in excluded.items():
        found.setdefault(reason, []).append(name)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def apply_label_table(found: FolderContents) -> list[Reading]:
    """The readings with what the table of labels says of them."""
    said = [found.label_table.get(r.path, {}) for r in found.readings]
    return [
        replace(r, label=row.get("label", r.label), group=row.get("group", r.group))
        for r, row in zip(found.readings, said, strict=True)
    ]


# ---------------------------------------------------------------------------------------- inside


def _folder(root: Path | str) -> Path:
    if not str(root).strip():
        raise EdgekitError("no folder was named; write . for the one you are in")
    try:
        path = Path(root).expanduser()
        there = path.is_dir()
    except (ValueError, RuntimeError, OSError) as error:
        raise EdgekitError(f"{root} is no folder ({error})") from None
    if not there:
        raise EdgekitError(f"{root} is no folder")
    return path


def _add(found: FolderContents, name: str, path: Path, wanted: ReadOptions) -> None:
    """One file's readings; no file of a thousand may stop the others."""
    try:
        made = _one(path, name, wanted)
        found.readings += [part for reading in made for part in fill_gaps.fill_gaps(reading)]
    except DamagedError as error:
        found.failed[name] = str(error)
    except OSError as error:
        found.failed[name] = f"cannot be opened ({error.strerror or error})"
    except MemoryError:
        found.failed[name] = "does not fit into memory"
    except EdgekitError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:120]
        found.failed[name] = f"cannot be read ({type(error).__name__}: {text})"


def _one(path: Path, name: str, wanted: ReadOptions) -> list[Reading]:
    kind = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(512)
    if other := file_types.mismatched_type(head, kind):
        raise UnreadableError(other)
    read = next((r for suffixes, r in READERS.items() if kind in suffixes), None)
    if read:
        return read(path, name)
    return next(r for suffixes, r in ROWS.items() if kind in suffixes)(path, name, wanted)
