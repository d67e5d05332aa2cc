"""One pinned file by HTTP: resumed where an earlier call broke off, never longer than pinned, checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.core import safe_files
from edgekit.core.errors import EdgekitError

ATTEMPTS = 4  # a connection may break this often before we give up; each attempt resumes
TIMEOUT = (10, 60)  # seconds to connect, seconds of silence


@dataclass(frozen=True)
class Pin:
    """What a file must be: its `size` in bytes and their `sha256` (hex); `name` is for people."""

    name: str
    size: int
    sha256: str

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` is the pinned one."""
        return path.is_file() and path.stat().st_size == self.size and sha256(path) == self.sha256


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_of(path: Path) -> Path:
    """Where the beginning of a file stands until all of it is there."""
    return path.with_name(f"{path.name}.part")


def download(
    pin: Pin,
    path: Path,
    address: Callable[[], str],
    *,
    get: Callable | None = None,
    instead: str = "get it by hand",
    update: Callable[[int], object] = lambda _: None,
    reset: Callable[[int], object] = lambda _: None,
) -> Path:
    """Bring the pinned file to `path`; what is left of an earlier call, beside it as `.part`, is not asked
    for again.

    `address` gives the URL and may itself ask the network; `get` is `requests.get` or a session's. `update`
    hears of bytes as they come, `reset` of the size where they begin. Raises EdgekitError, with what to do
    `instead`, where the network does not answer or the bytes are others (they are removed); OSError where
    the disk refuses.
    """
    part = part_of(path)
    resumed = part.exists()
    trouble = _transfer(pin, part, address, get, update, reset)
    if resumed and not pin.matches(part) and safe_files.size(part) == pin.size:
        part.unlink()  # the old beginning may be what is wrong: once more
        trouble = _transfer(pin, part, address, get, update, reset)
    if pin.matches(part):
        return part.replace(path)
    if safe_files.size(part) == pin.size:
        part.unlink()
        raise EdgekitError(
            f"the download of {pin.name} is not the pinned file: its SHA-256 is another. It was removed; "
            f"run again, or {instead}"
        )
    raise EdgekitError(
        f"cannot download {pin.name} ({trouble}); check the network and run again (it resumes), or {instead}"
    )


def _transfer(pin: Pin, part: Path, address, get, update, reset) -> str:
    """Bring `part` to the pinned size, resuming after each broken connection; what the last trouble was."""
    import requests

    trouble = "the connection ended early"
    for attempt in range(ATTEMPTS):
        if safe_files.size(part) == pin.size:
            break
        time.sleep(0.2 * attempt)
        try:
            _append(pin, part, get or requests.get, address(), update, reset)
        except (
            requests.RequestException,
            ValueError,
        ) as error:  # no reply, or not what was asked for
            trouble = type(error).__name__
    return trouble


def _append(pin: Pin, part: Path, get, url: str, update, reset) -> None:
    """Append to `part` from where it ends if the server can (206), else begin again (200)."""
    have = safe_files.size(part)
    if have > pin.size:
        part.unlink()
        have = 0
    # identity: a server must not gzip the file once more, or ranges would count other bytes
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
        if reply.status_code == 416:  # nothing left to send: what we have is not a beginning of it
            part.unlink(missing_ok=True)
            return
        reply.raise_for_status()
        resumed = reply.status_code == 206 and reply.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        )
        have = have if resumed else 0
        reset(pin.size)
        update(have)
        with safe_files.open_to_append(part) if resumed else safe_files.create_new(part) as file:
            for chunk in reply.iter_content(1 << 16):
                have += len(chunk)
                file.write(chunk)
                update(len(chunk))
                if have > pin.size:
                    break
    if have > pin.size:
        part.unlink()
        raise EdgekitError(f"{pin.name} is longer than the pinned file; what came was removed")
