"""The loop's files by their content: models, packages, flashes, windows; each once, in the service's
object store."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from edgekit.cloud.objects import STATES, owner
from edgekit.cloud.objects import Objects as Store
from edgekit.core.errors import EdgekitError

KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
CONTENTS = "contents"


class Objects:
    """Objects in the store `url`, a folder or what fsspec takes; each under its SHA-256 in hex, which is
    checked when it is read. Any number of processes may write to it."""

    def __init__(self, url: Path | str):
        self.url = str(url)
        self.store = Store(url)

    def put(self, data: bytes, device: str = "", kind: str = STATES) -> str:
        """The object's key. What is a `device`'s own, of a `kind` of `cloud.objects`, lies where `edgekit
        cloud forget` finds it."""
        key = hashlib.sha256(data).hexdigest()
        if device:
            key = f"{kind}/{owner(device)}/{key}"
        if not self.store.size(_path(key)):
            self.store.put(_path(key), data)
        return key

    def delete(self, key: str) -> None:
        """Remove the object, if it is there."""
        self.store.delete([_path(key)])

    def get(self, key: str) -> bytes:
        """Raises EdgekitError for a key that is none, an object that is not there, or not what it was."""
        digest = key.rpartition("/")[2]
        if not KEY.fullmatch(digest):
            raise EdgekitError(f"{key[:80]!r} is no object's key: it ends in 64 hexadecimal digits")
        data = self.store.get(_path(key))
        if hashlib.sha256(data).hexdigest() != digest:
            raise EdgekitError(f"the object {digest[:12]}… in the store is damaged: remove it")
        return data


def _path(key: str) -> str:
    return key if "/" in key else f"{CONTENTS}/{key}"
