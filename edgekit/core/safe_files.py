"""Files of ours under names that anybody can guess: never through a link, never somebody else's."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import BinaryIO

from edgekit.core.errors import EdgekitError

# not through a link; not waiting for whoever writes to a pipe; as bytes (Windows)
SAFE_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
OPEN_FLAGS = os.O_RDWR | SAFE_FLAGS
SECRET_MOST = 1 << 16  # bytes of a file with a secret


def open_existing(path: Path) -> BinaryIO | None:
    """The file that an earlier attempt left, to go on with; None if there is none, or it is not ours: a
    link, a file with a second name, one of another user's."""
    try:
        file = os.fdopen(os.open(path, OPEN_FLAGS), "r+b")
    except OSError:
        return None
    found = os.fstat(file.fileno())
    ours = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if ours and found.st_uid == getattr(os, "geteuid", lambda: found.st_uid)():
        return file
    file.close()
    return None


def create_new(path: Path) -> BinaryIO:
    """A new file; what had its name is not touched, but loses it."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, OPEN_FLAGS | os.O_CREAT | os.O_EXCL, 0o666), "r+b")


def size(path: Path) -> int:
    """Bytes that `open_existing` would go on from."""
    file = open_existing(path)
    if file is None:
        return 0
    with file:
        return os.fstat(file.fileno()).st_size


def open_to_append(path: Path) -> BinaryIO:
    """What is kept of it, to be written to at its end; else a new file."""
    file = open_existing(path) or create_new(path)
    file.seek(0, os.SEEK_END)
    return file


def read_private_file(path: Path) -> bytes:
    """The content of a file with a secret. Raises EdgekitError if others than its owner may read it."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & 0o077:
            raise EdgekitError(
                f"{path} is a secret that others may read or write: chmod 600 {shlex.quote(str(path))}"
            )
        return file.read(SECRET_MOST)
