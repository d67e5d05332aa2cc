"""Text of any encoding and line ends as blocks of whole lines in UTF-8, however long the file is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.tables import file_types
from edgekit.tables.reading import UnreadableError

BLOCK = 8 << 20  # bytes that are looked at together
LONGEST = 16 << 20  # bytes of a line
HEAD = 1 << 16
CONTROL = bytes([*range(9), 11, *range(14, 27), *range(28, 32)])  # no text has many of these
BOMS = (
    (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"),
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A file of text: its `encoding` (utf-8 also stands for cp1252, which is found block by block), where
    it begins behind a byte order mark, and what should be said about it."""

    path: Path
    encoding: str = "utf-8"
    begin: int = 0
    notes: tuple[str, ...] = ()

    def blocks(self, size: int = BLOCK, quote: bytes = b"") -> Iterator[bytes]:
        """Whole lines, each ended by a line feed, as UTF-8. Line breaks between `quote`s end no line."""
        decoder = (
            None
            if self.encoding == "utf-8"
            else codecs.getincrementaldecoder(self.encoding)("replace")
        )
        rest = b""
        with self.path.open("rb") as file:
            file.seek(self.begin)
            while chunk := file.read(size):
                last = len(chunk) < size
                chunk = rest + (decoder.decode(chunk).encode() if decoder else chunk)
                if last and not chunk.endswith((b"\n", b"\r")):
                    chunk = chunk.rstrip(b"\0") + b"\n"
                cut = _cut(chunk, quote)
                if not cut and len(chunk) > max(LONGEST, 2 * size):
                    raise UnreadableError(f"has lines of more than {LONGEST >> 20} MB: no table")
                if cut:
                    yield _plain(chunk[:cut])
                rest = chunk[cut:]
        if rest.strip(b"\0 \r\n"):
            yield _plain(rest + b"\n")


def text(path: Path) -> Text:
    """Which encoding a file has. Raises UnreadableError for what is no text, with what it is instead."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return Text(path, encoding, len(mark))
    if what := file_types.mismatched_type(head, path.suffix.lower()):
        raise UnreadableError(what)
    if len(head.translate(None, CONTROL)) < 0.97 * len(head.replace(b"\0", b"")):
        raise UnreadableError("is binary, not text")
    if b"\0" not in head.rstrip(b"\0"):
        return Text(path)
    for encoding, most, fewest in (
        ("utf-16-le", head[1::2], head[::2]),
        ("utf-16-be", head[::2], head[1::2]),
    ):
        if most.count(0) > 0.7 * len(most) and fewest.count(0) < 0.1 * len(fewest):
            return Text(
                path, encoding, 0, ("its text is UTF-16 without a byte order mark: read as such",)
            )
    if head.count(0) < 0.02 * len(head):  # a logger that lost power leaves a few
        return Text(path, notes=("bytes of zero stand in the text: those rows were left out",))
    raise UnreadableError("is binary, not text")


def decode(data: bytes) -> str:
    """A short text as a whole. Raises UnreadableError."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if b"\0" in data[:4096]:
        raise UnreadableError("is binary, not text")
    return _plain(data).decode()


def _cut(chunk: bytes, quote: bytes) -> int:
    """Behind the last line that ends in the chunk."""
    # a single \r at the end may be half of \r\n
    end = len(chunk) - chunk.endswith(b"\r")
    cut = max(chunk.rfind(b"\n", 0, end), chunk.rfind(b"\r", 0, end)) + 1
    if not quote or not cut or chunk.count(quote, 0, cut) % 2 == 0:
        return cut
    for _ in range(1000):  # a quotation is open there: end before it
        before = chunk.rfind(b"\n", 0, cut - 1) + 1
        if not before:
            break
        if chunk.count(quote, before, cut) % 2:
            return before
        cut = before
    return 0


def _plain(block: bytes) -> bytes:
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if block.isascii():
        return block
    for encoding in ("utf-8", "cp1252"):
        try:
            text = block.decode(encoding)
        except UnicodeDecodeError:
            continue
        return block if encoding == "utf-8" else text.encode()
    return block.decode("latin-1").encode()
