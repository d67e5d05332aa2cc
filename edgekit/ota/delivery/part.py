"""What has arrived so far: the `.part` file, the record beside it, and the limits of a transfer."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import ceil
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.figures import measured

LIMIT = 16 << 20  # bytes of the largest file that is taken unasked
BLOCK_MIN, BLOCK_MAX = 256, 131_072  # bytes of a block, as in AWS IoT's file delivery
HEAD = struct.Struct(">32sQI")  # of a `.map` file: SHA-256, size, block size; then the bitmap


@dataclass(frozen=True)
class Transfer:
    """A file that arrived whole. Counts are bytes of the file, not of what carried them.

    `had` was there from an earlier attempt, `received` came now, `repeated` of that had come before.
    `interruptions`: connections that were lost on the way; `restarts`: how often the file had changed,
    so that what was there was given up. `sha256` is hexadecimal.
    """

    path: Path
    size: int
    sha256: str
    seconds: float
    had: int
    received: int
    repeated: int
    interruptions: int
    restarts: int

    def _repr_html_(self) -> str:
        rate = measured(self.received / self.seconds / 1024, "KiB/s", "clock and bytes of this run")
        rows = {
            "file": f"{escape(self.path.name)}, {self.size:,} bytes",
            "SHA-256": f"<code>{self.sha256}</code>",
            "time": measured(self.seconds, "s", "clock of this run")._repr_html_(),
            "rate": rate._repr_html_(),
            "resumed at": f"{self.had:,} bytes",
            "came twice": f"{self.repeated:,} bytes",
            "interruptions": str(self.interruptions),
            "began anew": str(self.restarts),
        }
        cells = (f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows.items())
        return f"<table>{''.join(cells)}</table>"


class Pace:
    """The slowest that is borne: `floor` bytes/s, looked at every `patience` seconds.

    An outage counts as slowness, so this also says how long a broker or server may be gone.
    """

    def __init__(self, floor: float, patience: float):
        self.need, self.patience = max(1.0, floor * patience), patience
        self.since, self.before = time.monotonic(), 0

    def check(self, got: int, what: str) -> None:
        """`got` bytes are there by now. Raises EdgekitError, ending in `what`, when that is too slow."""
        now = time.monotonic()
        if now - self.since < self.patience:
            return
        came = got - self.before
        if came < self.need:
            raise EdgekitError(
                f"too slow: {max(0, came):,} bytes in {self.patience:g} s, "
                f"{self.need:,.0f} are the least; {what}"
            )
        self.since, self.before = now, got


class Blocks:
    """A file that arrives in blocks, in any order: `<to>.part` and its bitmap, `<to>.map`.

    A block's bytes are on the disk before its bit is written, so the bitmap never claims a block that
    is not there, whatever stops the process or the power. (The bit itself is left to the operating
    system: a killed process loses none, a power cut repeats the blocks of the last seconds.) What an
    earlier attempt at the same file left (same SHA-256 and size) is kept, with its block size.
    """

    def __init__(self, to: Path, digest: bytes, size: int, block: int):
        self.to, self.digest, self.size = to, digest, size
        self.part, self.map = _beside(to, "part"), _beside(to, "map")
        with disk(to):
            before, left = self.map.exists(), self._left()
            self.anew = before and left is None  # something was there, and was given up
            self.block, self.bits = left or self._begin(block)
            self._part, self._map = self.part.open("r+b"), self.map.open("r+b")
        self.count, self._first = ceil(size / self.block), 0
        self.had = self.got = sum(self.length(i) for i in range(self.count) if self.has(i))

    def has(self, i: int) -> bool:
        return bool(self.bits[i >> 3] >> (i & 7) & 1)

    def length(self, i: int) -> int:
        """Bytes of block `i`; the last may be shorter."""
        return min(self.block, self.size - i * self.block)

    @property
    def complete(self) -> bool:
        return self.got == self.size

    def missing(self, limit: int, but: set[int]) -> list[int]:
        """The first `limit` blocks that are neither there nor in `but`."""
        while self._first < self.count and self.has(self._first):
            self._first += 1
        found = []
        for i in range(self._first, self.count):
            if len(found) == limit:
                break
            if not self.has(i) and i not in but:
                found.append(i)
        return found

    def put(self, i: int, data: bytes) -> bool:
        """Keep block `i`; False if it was there already. `data` must have `length(i)` bytes."""
        if self.has(i):
            return False
        with disk(self.to):
            self._part.seek(i * self.block)
            self._part.write(data)
            sync(self._part)
            self.bits[i >> 3] |= 1 << (i & 7)
            self._map.seek(HEAD.size + (i >> 3))
            self._map.write(self.bits[i >> 3 : (i >> 3) + 1])
            self._map.flush()
        self.got += len(data)
        return True

    def finish(self) -> None:
        """The `.part` file becomes the file. Raises EdgekitError, and keeps nothing, if it is another."""
        self.close()
        try:
            settle(self.part, self.to, self.digest)
        finally:
            self.map.unlink(missing_ok=True)

    def close(self) -> None:
        self._part.close()
        self._map.close()

    def _left(self) -> tuple[int, bytearray] | None:
        """Block size and bitmap of an earlier attempt at this very file."""
        try:
            record, there = self.map.read_bytes(), self.part.stat().st_size
        except FileNotFoundError:
            return None
        if len(record) < HEAD.size or there != self.size:
            return None
        digest, size, block = HEAD.unpack_from(record)
        bits = bytearray(record[HEAD.size :])
        if (digest, size) != (self.digest, self.size) or not BLOCK_MIN <= block <= BLOCK_MAX:
            return None
        count = ceil(size / block)
        if len(bits) != ceil(count / 8) or bits[-1] >> ((count - 1) % 8 + 1):
            return None
        return block, bits

    def _begin(self, block: int) -> tuple[int, bytearray]:
        """An empty bitmap first, so that it never speaks of another file's bytes."""
        count = ceil(self.size / block)
        bits = bytearray(ceil(count / 8))
        self.map.unlink(missing_ok=True)
        with self.part.open("wb") as part:  # written through: later blocks then only change data
            part.truncate()
            for at in range(0, self.size, 1 << 20):
                part.write(bytes(min(1 << 20, self.size - at)))
            sync(part)
        with self.map.open("wb") as record:
            record.write(HEAD.pack(self.digest, self.size, block) + bits)
            sync(record)
        return block, bits


def settle(part: Path, to: Path, digest: bytes | None) -> str:
    """Rename `part` to `to` if its SHA-256 is `digest`; returns it. Else removes `part`, EdgekitError."""
    with disk(to):
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256")
        if digest is not None and found.digest() != digest:
            part.unlink()
            raise EdgekitError(
                f"{to.name}: what came is not the file that was asked for; nothing kept"
            )
        part.replace(to)
    return found.hexdigest()


def sync(file) -> None:
    """On the disk before this returns (fdatasync: the length does not change)."""
    file.flush()
    getattr(os, "fdatasync", os.fsync)(file.fileno())


def ready(to: Path | str) -> Path:
    """`to` as a path whose folder is there. Raises EdgekitError otherwise."""
    to = Path(to)
    if to.is_dir() or not to.parent.is_dir():
        raise EdgekitError(f"{to} is no place for a file: name a file in a folder that is there")
    return to


def progress(size: int, had: int, text: str):
    """A bar for a person at a screen; nothing in a headless run."""
    from tqdm.auto import tqdm

    watched = sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
    return tqdm(
        total=size or None,
        initial=had,
        desc=text,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=not watched,
    )


def _beside(to: Path, what: str) -> Path:
    return to.with_name(f"{to.name}.{what}")


@contextmanager
def disk(to: Path):
    """Whatever the disk says, in one line."""
    try:
        yield
    except OSError as error:
        raise EdgekitError(f"{to}: {error.strerror or error}") from None
