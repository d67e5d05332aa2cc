"""CBOR (RFC 8949) read strictly forward, as `device/cbor.c` does: one encoding, nothing of indefinite length.

What does not fit raises `Other`; a reader's caller says in its own words what that means.
"""

from __future__ import annotations

NUMBER, BYTES, ARRAY = 0, 2, 4  # major types


class Other(Exception):
    """The bytes are not what was expected."""


class Forward:
    """A place in some bytes, from which the next item is read."""

    def __init__(self, data: bytes):
        self.data, self.at = bytes(data), 0

    def take(self, n: int) -> bytes:
        """n bytes as they are."""
        if n > len(self.data) - self.at:
            raise Other
        self.at += n
        return self.data[self.at - n : self.at]

    def expect(self, *wanted: int) -> None:
        """Exactly these bytes."""
        if self.take(len(wanted)) != bytes(wanted):
            raise Other

    def number(self, major: int = NUMBER) -> int:
        """The number that heads every item, below 2^32 and in its shortest form."""
        first = self.take(1)[0]
        low = first & 31
        if first >> 5 != major or low > 26:
            raise Other
        if low < 24:
            return low
        width = 1 << (low - 24)
        value = int.from_bytes(self.take(width), "big")
        if value < (24 if width == 1 else 1 << 4 * width):
            raise Other
        return value

    def bytes(self, *sizes: int) -> bytes:
        """A byte string, of one of these sizes if any is named."""
        n = self.number(BYTES)
        if sizes and n not in sizes:
            raise Other
        return self.take(n)

    def end(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise Other
