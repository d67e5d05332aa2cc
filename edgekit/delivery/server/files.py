"""Which files of a folder are served: packages by their names, and nothing that lies beside them.

The key that signs is often their neighbour.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from edgekit.core.safe_files import SAFE_FLAGS
from edgekit.delivery.transport import LIMIT

FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")  # no path, nothing hidden
KINDS = (".suit",)  # what is served of a folder


def offered(folder: Path, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Names of the files in `folder` that are served: a plain name that ends in one of `kinds`, of a file or
    of a link to such a one beside it, no larger than what a client takes (16 MiB)."""
    return sorted(p.name for p in folder.iterdir() if _file(folder, p.name, kinds))


def _file(folder: Path, name: str, kinds: tuple[str, ...]) -> tuple[Path, os.stat_result] | None:
    """The file of that name and what the system says of it, if it is one that is served."""
    if not FILE_NAME.fullmatch(name) or not name.endswith(kinds):
        return None
    folder = folder.resolve()
    try:
        file = (folder / name).resolve()  # a link may lead to another package, but not elsewhere
        found = file.lstat()
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    ours = file.parent == folder and FILE_NAME.fullmatch(file.name) and file.name.endswith(kinds)
    good = ours and stat.S_ISREG(found.st_mode) and found.st_size <= LIMIT
    return (file, found) if good else None


def read_offered(
    files: Mapping[str, bytes] | Path | str, name: str, kinds: tuple[str, ...]
) -> tuple[bytes, str] | None:
    """The bytes of that name and their SHA-256."""
    if isinstance(files, Mapping):
        data = files.get(name) if FILE_NAME.fullmatch(name) else None
        return None if data is None else (data, _sha256(data))
    if (there := _file(Path(files), name, kinds)) is None:
        return None
    file, found = there
    try:
        return _loaded(file, found.st_ino, found.st_size, found.st_mtime_ns)
    except OSError:
        return None


class Streams(Mapping[str, bytes]):
    """The packages of a folder by their names without the end, as they are when they are asked for."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __getitem__(self, name: str) -> bytes:
        if (there := read_offered(self.folder, f"{name}{KINDS[0]}", KINDS)) is None:
            raise KeyError(name)
        return there[0]

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(KINDS[0]) for name in offered(self.folder))

    def __len__(self) -> int:
        return len(offered(self.folder))


@lru_cache(maxsize=4)  # what many devices ask for at once is read once, and held once
def _loaded(file: Path, _inode: int, size: int, _changed: int) -> tuple[bytes, str]:
    with os.fdopen(os.open(file, os.O_RDONLY | SAFE_FLAGS), "rb") as opened:
        data = opened.read(size)
    return data, _sha256(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
