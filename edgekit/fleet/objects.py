"""Files by their content: models, packages, flashes, windows; whole or not there, each once."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError

KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Objects:
    """A folder of objects, each under its SHA-256 in hex; any number of processes may write to it."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

    def put(self, data: bytes) -> str:
        """The object's key."""
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key)
        if not path.is_file():
            atomic_write_bytes(path, data)
        return key

    def get(self, key: str) -> bytes:
        """Raises EdgekitError for a key that is none, an object that is not there, or not what it was."""
        if not KEY.fullmatch(key):
            raise EdgekitError(f"{key[:80]!r} is no object's key: 64 hexadecimal digits")
        try:
            data = self._path(key).read_bytes()
        except OSError:
            raise EdgekitError(
                f"{self.folder} lacks the object {key[:12]}…: take the folder whole"
            ) from None
        if hashlib.sha256(data).hexdigest() != key:
            raise EdgekitError(f"the object {key[:12]}… in {self.folder} is damaged: remove it")
        return data

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key
