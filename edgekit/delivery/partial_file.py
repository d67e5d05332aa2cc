"""A file that arrives in blocks: the `.part` file, and the bitmap beside it that says what is there."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import BinaryIO

from edgekit.core.safe_files import create_new, open_existing
from edgekit.delivery.block_protocol import BLOCK_MAX, BLOCK_MIN
from edgekit.delivery.download_target import disk, finalize_download, remove, sidecar_path, sync

HEAD = struct.Struct(">32sQI")  # of a `.map` file: SHA-256, size, block size; then the bitmap


class PartialFile:
    """A file that arrives in blocks, in any order: `<to>.part` and its bitmap, `<to>.map`.

    A block's bytes are on the disk before its bit is written, so the bitmap never claims a block that
    is not there, whatever stops the process or the power. (The bit itself is left to the operating
    system: a killed process loses none, a power cut repeats the blocks of the last seconds.) What an
    earlier attempt at the same file left (same SHA-256 and size) is kept, with its block size.
    """

    def __init__(self, to: Path, digest: bytes, size: int, block: int):
        self.to, self.digest, self.size = to, digest, size
        self.part, self.map = sidecar_path(to, "part"), sidecar_path(to, "map")
        with disk(to):
            part, map_ = open_existing(self.part), open_existing(self.map)
            left = self._left(part, map_) if part and map_ else None
            self.discarded = map_ is not None and left is None  # what was there was given up
            if left and part and map_:
                self._part, self._map, (self.block, self.bits) = part, map_, left
            else:
                for file in (part, map_):
                    if file:
                        file.close()
                self._begin(block)
        self.count, self._next = ceil(size / self.block), 0
        self.resumed_bytes = self.got = sum(
            self.length(i) for i in range(self.count) if self.has(i)
        )

    def has(self, i: int) -> bool:
        return bool(self.bits[i >> 3] >> (i & 7) & 1)

    def length(self, i: int) -> int:
        """Bytes of block `i`; the last may be shorter."""
        return min(self.block, self.size - i * self.block)

    @property
    def complete(self) -> bool:
        return self.got == self.size

    def missing(self, limit: int, span: int) -> list[int]:
        """The next `limit` blocks that are not there, none of them `span` or more behind the first.

        Each is named once until `rewind`, so that however many there are, all calls together walk over
        them once.
        """
        found: list[int] = []
        while self._next < self.count and len(found) < limit:
            if not self.has(self._next):
                if found and self._next >= found[0] + span:
                    break
                found.append(self._next)
            self._next += 1
        return found

    def rewind(self) -> None:
        """What was named and has not come is missing again."""
        self._next = 0

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
        try:
            finalize_download(self._part, self.part, self.to, self.digest, self.size)
        finally:
            self.close()
            remove(self.map)

    def close(self) -> None:
        for file in (self._part, self._map):
            with suppress(OSError):  # of a full disk; whoever wrote has heard of it
                file.close()

    def _left(self, part: BinaryIO, map_: BinaryIO) -> tuple[int, bytearray] | None:
        """Block size and bitmap of an earlier attempt at this very file."""
        record = map_.read(HEAD.size + self.size // (8 * BLOCK_MIN) + 2)
        there = os.fstat(part.fileno()).st_size
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

    def _begin(self, block: int) -> None:
        """An empty bitmap first, so that it never speaks of another file's bytes."""
        remove(self.map)
        bits = bytearray(ceil(ceil(self.size / block) / 8))
        self._part = create_new(self.part)
        # written through: later blocks then only change data
        for at in range(0, self.size, 1 << 20):
            self._part.write(bytes(min(1 << 20, self.size - at)))
        sync(self._part)
        self._map = create_new(self.map)
        self._map.write(HEAD.pack(self.digest, self.size, block) + bits)
        sync(self._map)
        self.block, self.bits = block, bits
