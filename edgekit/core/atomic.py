"""A file that is there whole or not at all, whoever is killed and whoever else writes it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

BUSY_S = (0.01, 0.05, 0.2, 0.5)  # waits between tries at a file that another process has open


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path, with the same suffix, that becomes `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # another host, process or thread may write the same file at this moment
    temporary = path.with_name(f".half-{uuid4().hex}{path.suffix}")
    try:
        yield temporary
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """`data` as the content of `path`. mode: who may read it, from its first byte on (less the umask)."""
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with atomic_write(path) as temporary, os.fdopen(os.open(temporary, how, mode), "wb") as file:
        file.write(data)


def _replace(temporary: Path, path: Path) -> None:
    """Windows refuses while anybody reads `path`, or a scanner looks at what is new: they soon are done."""
    for wait in BUSY_S if os.name == "nt" else ():
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    temporary.replace(path)
