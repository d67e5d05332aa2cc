"""The little of ELF32 that is needed to load a firmware and to say what is in it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgekit.core.errors import EdgekitError


@dataclass(frozen=True)
class Symbol:
    name: str
    address: int
    size: int
    kind: str  # "function", "object" or "other"


@dataclass(frozen=True)
class Elf:
    """`segments` are (address, bytes); sections are name -> (address, bytes of memory they take)."""

    entry: int
    segments: tuple[tuple[int, bytes], ...]
    sections: dict[str, tuple[int, int]]
    symbols: dict[str, Symbol]


def parse(data: bytes) -> Elf:
    """Parse `data`, a little-endian ELF32 executable; raises EdgekitError for anything else."""
    if data[:6] != b"\x7fELF\x01\x01":
        raise EdgekitError("not a 32-bit little-endian ELF file")
    try:
        return _parsed(data)
    except (struct.error, IndexError, ValueError) as error:
        raise EdgekitError(f"damaged ELF file: {error}") from None


def _parsed(data: bytes) -> Elf:
    entry, phoff, shoff = struct.unpack_from("<3I", data, 24)
    _, phsize, phnum, shsize, shnum, shstrndx = struct.unpack_from("<6H", data, 40)
    segments = []
    for i in range(phnum):
        kind, offset, _, address, size, *_ = struct.unpack_from("<8I", data, phoff + i * phsize)
        if kind == 1 and size:
            segments.append((address, data[offset : offset + size]))  # at its load address
    headers = [struct.unpack_from("<10I", data, shoff + i * shsize) for i in range(shnum)]
    names = headers[shstrndx]
    sections, symbols = {}, {}
    for h in headers:
        if h[2] & 2:  # SHF_ALLOC
            sections[_text(data, names[4] + h[0])] = h[3], h[5]
        if h[1] == 2:  # SHT_SYMTAB
            strings = headers[h[6]][4]
            for at in range(h[4], h[4] + h[5], 16):
                name, value, size, info, _, section = struct.unpack_from("<3I2BH", data, at)
                if name and section:
                    kind = {1: "object", 2: "function"}.get(info & 15, "other")
                    text = _text(data, strings + name)
                    address = value & ~1 if kind == "function" else value
                    symbols[text] = Symbol(text, address, size, kind)
    return Elf(entry, tuple(segments), sections, symbols)


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii", "replace")
