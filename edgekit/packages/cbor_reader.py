"""A place in some CBOR, from which it is read strictly forward, as `firmware/agent/cbor.c` does.

What does not fit raises CborError; a reader says in its own words what that means.
"""

from __future__ import annotations

from edgekit.packages import cbor
from edgekit.packages.cbor import CborError


class CborReader:
    """Begins at the first byte of `data`."""

    def __init__(self, data: bytes):
        self.data, self.at = bytes(data), 0

    def take(self, n: int) -> bytes:
        """n bytes as they are."""
        if n > len(self.data) - self.at:
            raise cbor.TruncatedError
        self.at += n
        return self.data[self.at - n : self.at]

    def expect(self, *wanted: int) -> None:
        """Exactly these bytes."""
        self.at = cbor.expect(self.data, self.at, bytes(wanted))

    def number(self, major: int = cbor.NUMBER) -> int:
        """The number that heads an item of this type, below 2^32 and in its shortest form."""
        found, number, at = cbor.head(self.data, self.at)
        if found != major or number >> 32:
            raise CborError("not the number that has to stand there")
        self.at = at
        return number

    def bytes(self, *sizes: int) -> bytes:
        """A byte string, of one of these sizes if any is named."""
        n = self.number(cbor.BYTES)
        if sizes and n not in sizes:
            raise CborError("not a byte string of the right size")
        return self.take(n)

    def end(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise CborError("longer than it may be")
