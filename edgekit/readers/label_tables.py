"""A table of labels beside the recordings: `labels.csv` with a row for each file, or `info.labels`."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath

from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.data.recording_file import DamagedError
from edgekit.readers.folder_contents import FolderContents
from edgekit.tables import encoding, file_types

STEMS = ("labels", "label", "metadata", "annotations", "index")
LARGEST = 32 << 20  # bytes
FILE = (
    *("file", "filename", "file_name", "slice_file_name", "fname", "path", "name", "recording"),
    *("wav", "image", "id"),
)
LABEL = ("label", "class", "labels", "target", "category")
GROUP = ("group", "subject", "machine", "user", "session", "person", "patient", "speaker", "device")


def take(root: Path, files: dict[str, Path], found: FolderContents, wanted: str) -> None:
    """Move `labels.csv` (or `wanted`) and Edge Impulse's `info.labels` out of `files` into
    `found.label_table`.

    What does not fit is said in `found.warnings`; a file that has two labels goes to `found.failed`. Raises
    EdgekitError where `wanted` is not there, or names no file and label.
    """
    if wanted:
        candidates = {wanted: root / wanted}
        if not candidates[wanted].is_file():
            raise EdgekitError(f"{candidates[wanted]}: there is no such table of labels")
    else:
        others = {_key(p.name) for p in files.values() if p.suffix.lower() not in file_types.TABLES}
        candidates = {
            n: p for n, p in files.items()
            if p.suffix.lower() in file_types.TABLES
            and (p.stem.lower() in STEMS or (others and _names_files(p, others)))
        }  # fmt: skip
    for name, path in candidates.items():
        rows = _rows(path)
        if rows is None and wanted:
            raise EdgekitError(f"{path}: no column of it names files, and another their labels")
        if rows is not None:
            files.pop(name, None)
            _match(name, rows, files, found)
    info = root / "info.labels"
    if info.is_file() and not wanted:
        _match(info.name, _info(info), files, found)


def _names_files(table: Path, others: set[str]) -> bool:
    """Whether most rows of a table under another name name `others`: sounds or pictures of this folder."""
    rows = _rows(table) or []
    known = sum(_key(file.replace("\\", "/").rsplit("/", 1)[-1]) in others for file, _, _ in rows)
    return known > len(rows) / 2


def _match(
    label_table: str,
    rows: list[tuple[str, str, str]],
    files: dict[str, Path],
    found: FolderContents,
) -> None:
    """Rows of (file, label, group) put to the files that they name."""
    places: dict[str, set[str]] = {}
    for name in files:
        pure = PurePosixPath(name)
        for key in (name, pure.name, pure.stem, name.removesuffix(pure.suffix)):
            places.setdefault(_key(key), set()).add(name)
    said: dict[str, dict[tuple, int]] = {}
    lost: list[str] = []
    several: list[str] = []
    for number, (file, label, group) in enumerate(rows, 2):
        clean = file.strip().replace("\\", "/").removeprefix("./")
        match = places.get(_key(clean)) or places.get(_key(clean.rsplit("/", 1)[-1])) or set()
        if len(match) == 1:
            said.setdefault(next(iter(match)), {}).setdefault((label, group), number)
        else:
            (several if match else lost).append(file)
    found.ignored[label_table] = f"is a table of labels, of {len(said):,} of {len(files):,} files"
    for name, answers in said.items():
        if len(answers) > 1:
            shown = " and ".join(f"{label!r} (line {n})" for (label, _), n in answers.items())
            found.failed[name] = f"is named twice in {label_table}, as {shown}"
            del files[name]
            continue
        ((label, group),) = answers
        found.label_table[name] = {"label": label} | ({"group": group} if group else {})
    for what, names in (("no file", lost), ("several files", several)):
        if names:
            found.warnings.append(
                f"{label_table}: {len(names):,} of {len(rows):,} rows name {what} of this folder, the first "
                f"{names[0]!r}: not used."
            )


def _key(text: str) -> str:
    """The same name in the table and on the disk, however its accents are written."""
    return unicodedata.normalize("NFC", text)


def _rows(path: Path) -> list[tuple[str, str, str]] | None:
    """(file, label, group) of each row; None for a table that does not name files and labels."""
    try:
        with path.open("rb") as stream:
            text = encoding.decode(stream.read(LARGEST))
        dialect = csv.Sniffer().sniff(text[:4000], ",;\t|")
        rows = (r for r in csv.reader(io.StringIO(text, newline=""), dialect) if any(r))
        names = [c.strip().lower() for c in next(rows, [])]
        file_at, label_at, group_at = (_column(names, words) for words in (FILE, LABEL, GROUP))
        if file_at is None or label_at is None:
            return None  # a recording, whose rows nobody needs here
        read = [(_cell(r, file_at), _cell(r, label_at), _cell(r, group_at)) for r in rows]
    except (csv.Error, DamagedError, OSError):
        return None
    # a sheet has a row for a file; recordings that carry their own name repeat it
    if not read or max(Counter(file for file, _, _ in read).values()) > max(3, len(read) // 2):
        return None
    return [row for row in read if row[0] and row[1]]


def _column(names: list[str], words: tuple[str, ...]) -> int | None:
    """The column that is called by the first of `words` that there is."""
    return next((names.index(w) for w in words if w in names), None)


def _cell(row: list[str], at: int | None) -> str:
    return row[at].strip() if at is not None and at < len(row) else ""


def _info(path: Path) -> list[tuple[str, str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            (escape.encodable(str(f["path"])), escape.encodable(str(f["label"]["label"])), "")
            for f in content["files"]
            if f["label"]["type"] == "label"
        ]
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        return []
