"""A file that one process at a time may hold; the system frees it when that process ends, however it ends.

By filelock, on Unix and Windows alike. Where a file system has no such locks this fails: what could stand in
for one, a file that says "taken", would outlive its process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout, lock_descriptor


class LockedError(Exception):
    """Another process holds the file."""


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold `path` (made if need be) inside the block. Raises LockedError if it is taken and not `wait`."""
    lock = FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise LockedError(path) from None
    try:
        yield
    finally:
        lock.release()


def try_lock(file: IO[bytes]) -> bool:
    """Hold an open file until it is closed; False if another holds it."""
    return lock_descriptor(file.fileno(), blocking=False)
