"""Put a project's files into a folder: all of them or none, and never over somebody's work."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.export.source import Source

MARKER = "edgekit.json"


def write_folder(files: dict[str, bytes], folder: Path, source: Source, kind: str) -> Path:
    """Write `files` (path -> content) as `folder`, beside it first and then in one rename.

    An empty folder and an unchanged project of an earlier call are replaced; EdgekitError for the rest.
    """
    _refuse_foreign(folder)
    marker = {
        "kind": kind,
        "name": source.name,
        "model_sha256": source.graph.sha256,
        "files": {path: _sha256(content) for path, content in sorted(files.items())},
    }
    files = files | {MARKER: (json.dumps(marker, indent=1) + "\n").encode()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".edgekit-") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        for path, content in files.items():
            target = new / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if old.exists():
                os.replace(old, folder)
            raise
    return folder


def _refuse_foreign(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise EdgekitError(f"{folder} is no folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        known = dict(json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise EdgekitError(
            f"{folder} holds files that edgekit did not write: choose another folder"
        ) from None
    inside = [p for p in folder.rglob("*") if not p.is_dir()]
    found = {
        p.relative_to(folder).as_posix(): p for p in inside if not _built(p.relative_to(folder))
    }
    found.pop(MARKER)
    changed = [n for n, p in found.items() if n not in known or _sha256(p.read_bytes()) != known[n]]
    if changed:
        raise EdgekitError(
            f"{folder} was changed since edgekit wrote it ({min(changed)}): move it away, or choose "
            "another folder"
        )


def _built(path: Path) -> bool:
    """Does it lie in a build folder, which a tool chain makes anew?"""
    return any(part.startswith(("build", ".pio")) for part in path.parts[:-1])


def archive(files: dict[str, bytes], top: str) -> bytes:
    """A zip of `files` under one folder; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{top}/{path}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            z.writestr(entry, content)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
