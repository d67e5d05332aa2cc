"""Where large bodies lie: a folder, memory, S3, GCS, Azure … by fsspec's URL.

A key is `kind/owner/name` of plain characters. A device's objects are under the hash of its name: no name
from outside becomes a path, on no file system, and all that belongs to a device is found without a list.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.telemetry.event import Event

KEY = re.compile(r"(?!.{201})[a-z]+(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,4}", re.ASCII)
SEGMENTS, SAMPLES, STATES = "segments", "samples", "states"
OF_DEVICES = SEGMENTS, SAMPLES, STATES  # kinds under which each device has a folder


class Objects:
    """`url`: a folder, or `memory://…`, `s3://bucket/…` and whatever else fsspec has a package for.

    Raises EdgekitError where there is no such store, or its package is missing.
    """

    def __init__(self, url: str | Path):
        try:
            import fsspec
        except ImportError as error:
            raise missing("an object store needs", error.name, "fleet") from None
        try:
            self.fs, self.root = fsspec.core.url_to_fs(str(url))
        except ImportError as error:
            raise EdgekitError(f"{_shown(url)} needs one more package: {error}") from None
        except ValueError as error:
            raise EdgekitError(f"{_shown(url)} is no object store: {error}") from None
        protocol = self.fs.protocol
        local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)
        self.folder = Path(self.root) if local else None
        if self.folder:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise EdgekitError(
                    f"the folder {self.folder} cannot be made: {error.strerror}"
                ) from None

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`; it is on the disk when this returns."""
        path = self._path(key)
        if self.folder is None:
            self.fs.pipe_file(path, data)
            return
        with atomic_write(Path(path)) as half, half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(Path(path).parent)

    def get(self, key: str) -> bytes:
        """What was kept under `key`. Raises EdgekitError if there is nothing."""
        try:
            return self.fs.cat_file(self._path(key))
        except (FileNotFoundError, IsADirectoryError):
            raise EdgekitError(f"the object store has no {key}") from None

    def size(self, key: str) -> int:
        """Bytes of what is kept under `key`; 0 if there is nothing."""
        try:
            return int(self.fs.size(self._path(key)) or 0)
        except FileNotFoundError:
            return 0

    def delete(self, keys: Iterable[str]) -> int:
        """Remove what is there of `keys`; how many were."""
        gone = 0
        for key in keys:
            try:
                self.fs.rm_file(self._path(key))
                gone += 1
            except FileNotFoundError:
                continue
        return gone

    def find(self, prefix: str) -> list[str]:
        """The keys that begin with the folder `prefix`: `segments`, or `segments/1f…`."""
        try:
            found = self.fs.find(self._path(f"{prefix}/x")[:-2])
        except FileNotFoundError:
            return []
        start = len(self.root.rstrip("/")) + 1
        return [key for key in (path[start:] for path in found) if KEY.fullmatch(key)]

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right under `prefix`."""
        return sorted({key.split("/")[1] for key in self.find(prefix) if key.count("/") > 1})

    def delete_folder(self, prefix: str) -> None:
        """Remove the folder `prefix` and all that lies in it, also what a killed writer left half."""
        with suppress(FileNotFoundError):
            self.fs.rm(self._path(f"{prefix}/x")[:-2], recursive=True)

    def delete_halves(self, older_s: float) -> int:
        """Remove what killed writers of a folder left, `older_s` seconds ago or more; how many."""
        halves = [] if self.folder is None else list(self.folder.rglob(".half-*"))
        old = [half for half in halves if time.time() - half.stat().st_mtime > older_s]
        for half in old:
            half.unlink(missing_ok=True)
        return len(old)

    def age(self, key: str) -> float:
        """Seconds since it was written; 0 if it is gone, or the store does not tell."""
        try:
            return time.time() - self.fs.modified(self._path(key)).timestamp()
        except (FileNotFoundError, NotImplementedError):
            return 0.0

    def _path(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise EdgekitError(f"{key[:80]!r} is no key of an object")
        return f"{self.root.rstrip('/')}/{key}"


def owner(device: str) -> str:
    """The folder of a device's objects: half of the SHA-256 of its name."""
    return hashlib.sha256(device.encode()).hexdigest()[:32]


def segment_key(event: Event) -> str:
    """Where the body of a segment lies. With its own hash: another body under an event's key, which a mad
    gateway might send, does not replace the first."""
    content = hashlib.sha256(event.body).hexdigest()[:16]
    return f"{SEGMENTS}/{owner(event.device)}/{event.epoch}-{event.sequence}-{content}"


def body_of(row: Any, objects: Objects) -> bytes:
    """The body of a row of `events`, wherever it lies."""
    return objects.get(row.object) if row.object else bytes(row.body)


def _shown(url: str | Path) -> str:
    """A URL without a password that may stand in it."""
    return re.sub(r"//[^/@]*@", "//…@", str(url))[:200]


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
