"""A place on the disk to fetch a file into: one download's at a time, and nobody else's files.

What arrives lies beside the file, under names that anybody can guess: see `core.safe_files`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, cast

from edgekit.core.errors import EdgekitError
from edgekit.core.lock import try_lock
from edgekit.core.safe_files import OPEN_FLAGS

BESIDE = ("part", "map", "etag")  # the bytes of a download, and the record that tells of them
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def reserve_target(to: Path | str, timeout_s: float) -> Iterator[Path]:
    """`to` as a path that no other download fetches into while the block runs.

    Waits `timeout_s` seconds for one that does. Raises EdgekitError then, and if there is no such folder.
    """
    to = Path(to)
    if to.is_dir() or not to.parent.is_dir():
        raise EdgekitError(f"{to} is no place for a file: name a file in a folder that is there")
    lock, until = sidecar_path(to, "lock"), time.monotonic() + timeout_s
    while not (file := _hold(lock, to)):
        if time.monotonic() >= until:
            raise EdgekitError(
                f"{to}: another download fetches it; wait for that one, or name another file"
            )
        time.sleep(0.05)
    try:
        yield to
    finally:
        remove(lock)  # first: whoever opened it meanwhile sees that it is no longer the one
        file.close()
        if os.name == "nt":  # there no file goes that is open, ours before or another's now
            remove(lock)


def sidecar_path(to: Path, what: str) -> Path:
    return to.with_name(f"{to.name}.{what}")


def remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def finalize_download(file: BinaryIO, part: Path, to: Path, digest: bytes | None, size: int) -> str:
    """Rename `part`, which is open as `file`, to `to` if it has `size` bytes and the SHA-256 `digest`.

    Returns its SHA-256. Else removes `part` and raises EdgekitError.
    """
    with disk(to):
        file.flush()
        file.seek(0)
        found = hashlib.file_digest(cast("BufferedRandom", file), "sha256")
        there = file.tell()
        same = os.path.samestat(os.fstat(file.fileno()), os.lstat(part))
        file.close()
        if there != size or not same or digest not in (None, found.digest()):
            remove(part)
            why = f"{there:,} bytes are there, {size:,} came" if there != size else "what came"
            raise EdgekitError(f"{to.name}: {why} is not the file that was asked for; nothing kept")
        part.replace(to)
    return found.hexdigest()


def sync(file) -> None:
    """On the disk before this returns (fdatasync: the length does not change)."""
    file.flush()
    getattr(os, "fdatasync", os.fsync)(file.fileno())


@contextmanager
def disk(to: Path) -> Iterator[None]:
    """Whatever the disk says, in one line; a full one is not left full of what will not be whole."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        if error.errno in FULL:
            remove(*(sidecar_path(to, what) for what in BESIDE))
            why = f"{why}; what had come was removed"
        raise EdgekitError(f"{to}: {why}") from None


def _hold(lock: Path, to: Path):
    """The open lock file, if it is ours now and still bears its name."""
    with disk(to):
        if lock.is_symlink():
            lock.unlink()
        file = os.fdopen(os.open(lock, OPEN_FLAGS | os.O_CREAT, 0o666), "r+b")
        with suppress(OSError):
            if try_lock(file) and os.path.samestat(os.fstat(file.fileno()), os.lstat(lock)):
                return file
        file.close()
        return None
