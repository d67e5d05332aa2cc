"""Is a chapter's work still that of its code, its parameters and its inputs? Hashes over all of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from edgekit.pipeline.chapters import code, contract
from edgekit.pipeline.manifest import artefact_path, changed_artefact, file_hash, read_manifest

LIBRARY = ("*.py", "*.toml", "*.h", "*.c", "*.ld", "*.S")  # what the results depend on


def step_key(notebook: Path, values: dict, common: str, directory: Path) -> str:
    """One hash over all that a chapter's results depend on; empty if an input is missing.

    `values`: the chapter's parameters by name. `common`: the hash of what all chapters depend on.
    """
    asked = contract(notebook)
    inputs = [artefact_path(directory, name) for name in asked.reads]
    if not all(path.is_file() for path in inputs):
        return ""
    shown = {k: v for k, v in values.items() if k != "run_dir"}
    named = [Path(v) for v in shown.values() if isinstance(v, str) and v and Path(v).is_file()]
    around = {v: os.environ.get(v, "") for v in asked.environment}
    parts = [common, json.dumps([shown, around], sort_keys=True), *code(notebook)]
    return digest([*parts, *map(file_hash, [*inputs, *named])])


def is_fresh(directory: Path, notebook: Path, key: str) -> bool:
    """True if the chapter was sealed under this key and its artefacts still are what it sealed."""
    entry = read_manifest(directory).get("steps", {}).get(notebook.stem, {})
    if not key or entry.get("key") != key:
        return False
    if not (directory / "notebooks" / notebook.name).is_file():
        return False
    return not changed_artefact(entry, directory)


def tree_hash(folder: Path, patterns: tuple[str, ...]) -> str:
    """One hash over the names and contents of the files that match `patterns`, hidden and cached left out."""
    files = {
        path
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file() and not _ignored(path.relative_to(folder))
    }
    return digest(f"{p.relative_to(folder).as_posix()} {file_hash(p)}" for p in sorted(files))


def digest(parts: Iterable[str]) -> str:
    """SHA-256 over texts (`parts`), each with its length, in hex."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def _ignored(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
