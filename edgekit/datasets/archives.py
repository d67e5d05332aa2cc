"""Take named members out of a `.tar.gz`, `.whl` or `.zip`, and nothing else.

An archive is somebody else's input: no absolute path, no `..`, no link, no device, no bomb.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO

LARGEST_MEMBER = 256 << 20  # bytes
LARGEST_TOTAL = 1 << 30  # bytes


class ArchiveError(Exception):
    """The archive is damaged, lacks what was asked for, or holds something unsafe."""


def unpack(archive: Path, into: Path, folder: str, members: tuple[str, ...]) -> list[str]:
    """Write the files below `folder` that match a glob of `members`; returns their sorted paths.

    `*` does not cross a `/`. Raises ArchiveError for an unsafe path, a link, a member above
    LARGEST_MEMBER or all above LARGEST_TOTAL, a glob without a match, and a damaged archive.
    """
    written: set[str] = set()
    total = 0
    try:
        for name, size, regular, stream in _entries(archive):
            path = _below(name, folder)
            if path is None or not any(_matches(path, glob) for glob in members):
                continue
            if not regular:
                raise ArchiveError(f"{name} is a link or a device")
            if ".." in path.parts or "\\" in name or ":" in name or str(path) in written:
                raise ArchiveError(f"{name} is an unsafe path")
            total += size
            if size > LARGEST_MEMBER or total > LARGEST_TOTAL:
                raise ArchiveError(f"{name} is larger than any data we expect")
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_exactly(stream(), size, name))
            written.add(str(path))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ArchiveError(f"it is damaged ({error})") from None
    for glob in members:
        if not any(_matches(PurePosixPath(path), glob) for path in written):
            raise ArchiveError(f"nothing in it matches {folder}/{glob}")
    return sorted(written)


def _entries(archive: Path) -> Iterator[tuple]:
    """(name, bytes, is a regular file, opener) of each entry; directories are left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if not entry.is_dir():
                    kind = stat.S_IFMT(entry.external_attr >> 16)
                    regular = kind in (0, stat.S_IFREG)
                    yield entry.filename, entry.file_size, regular, lambda e=entry: file.open(e)
    else:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                if not member.isdir():
                    regular = member.isreg()
                    yield member.name, member.size, regular, lambda m=member: tar.extractfile(m)


def _below(name: str, folder: str) -> PurePosixPath | None:
    path = PurePosixPath(name)
    return path.relative_to(folder) if path.is_relative_to(folder) else None


def _matches(path: PurePosixPath, glob: str) -> bool:
    patterns = glob.split("/")
    return len(patterns) == len(path.parts) and all(
        fnmatchcase(part, pattern) for part, pattern in zip(path.parts, patterns, strict=True)
    )


def _exactly(stream: BinaryIO, size: int, name: str) -> bytes:
    """The member's bytes; an archive may lie about a size, so never read more than it declares."""
    with stream:
        data = stream.read(size + 1)
    if len(data) != size:
        raise ArchiveError(f"{name} is not as long as the archive says")
    return data
