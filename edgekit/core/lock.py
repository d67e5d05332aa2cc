"""A file that one process at a time may hold; the system frees it when that process ends, however it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockedError(Exception):
    """Another process holds the file."""


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold `path` (made if need be) inside the block. Raises LockedError if it is taken and not `wait`."""
    with path.open("a+b") as file:
        while not try_lock(file):
            if not wait:
                raise LockedError
            time.sleep(0.2)
        yield


def try_lock(file) -> bool:
    """Hold an open file until it is closed; False if another holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the second is what Windows says
        return False
    return True
