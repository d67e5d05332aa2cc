"""WAV: PCM of any number of bits and float, any number of channels; what is compressed goes to `sounds`."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from edgekit.readers import sounds
from edgekit.readers.full_scale import channel_names, scaled
from edgekit.tables.reading import Reading, UnreadableError

LARGEST = 2 << 30  # bytes of a file
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
OPEN_ENDED = (0, 0xFFFFFFFF)  # sizes that a recorder writes before it knows the length


def read(path: Path, name: str) -> list[Reading]:
    """Samples as shares of full scale, -1 … 1. Raises UnreadableError.

    Floats beyond are counts of 16 bits, which are divided by 32,768, or values in a unit of their own,
    which are left as they are; a note says which.
    """
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST >> 30} GB: cut it")
    data = path.read_bytes()
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or data[8:12] != b"WAVE":
        raise UnreadableError("is no WAV file")
    order = ">" if data[:4] == b"RIFX" else "<"
    chunks, notes = _chunks(data, order)
    if b"fmt " not in chunks or b"data" not in chunks:
        raise UnreadableError(
            "is a WAV file without " + ("data" if b"fmt " in chunks else "format")
        )
    kind, channels, rate, block, bits = _format(chunks[b"fmt "], order)
    if kind not in (PCM, FLOAT):
        return _compressed(path, name, kind)
    body = chunks[b"data"]
    width = block // channels if channels else 0  # bytes of a sample
    if not channels or not rate or block != channels * width or not _fits(kind, bits, width):
        raise UnreadableError(f"contradicts itself: {channels} channels, {bits} bits, {rate} Hz")
    body = body[: len(body) // block * block]
    if not body:
        raise UnreadableError("is empty: its header is followed by no sample")
    samples = _samples(body, kind, width, bits, order).reshape(-1, channels)
    unit, sound = "full scale", True
    if kind == FLOAT:
        samples, unit, note = scaled(samples)
        sound, notes = unit == "full scale", [*notes, *note]
    return [
        Reading(
            name, samples, float(rate), channel_names(channels), unit, sound=sound,
            notes=tuple(notes), meta={"bits": bits},
        )
    ]  # fmt: skip


def _compressed(path: Path, name: str, kind: int) -> list[Reading]:
    try:
        return sounds.read(path, name)
    except UnreadableError as error:
        raise UnreadableError(
            f"is compressed (format {kind:#x}) and {error}: save it as PCM"
        ) from None


def _chunks(data: bytes, order: str) -> tuple[dict[bytes, memoryview], list[str]]:
    """The file's chunks, the first of each name; what stands behind the end of the RIFF is not of it.

    A size beyond the file's end is a lie or a broken copy; but a recorder that was switched off has
    written none, and the sizes of an RF64 (EBU Tech 3306) stand in a chunk of their own.
    """
    view, at = memoryview(data), 12
    chunks: dict[bytes, memoryview] = {}
    notes: list[str] = []
    size = struct.unpack_from(order + "I", data, 4)[0]
    end = len(data) if size in OPEN_ENDED else min(len(data), 8 + size)
    long: dict[bytes, int] = {}  # sizes of 64 bits
    while at + 8 <= len(data) and not (at >= end and {b"fmt ", b"data"} <= set(chunks)):
        name, size = data[at : at + 4], struct.unpack_from(order + "I", data, at + 4)[0]
        rest = len(data) - at - 8
        size = long.get(name, size) if size == 0xFFFFFFFF else size
        if (
            name == b"data"
            and size in OPEN_ENDED
            and not (size == 0 and _tiles(data, at + 8, order))
        ):
            notes += ["its header knows no length; taken to the end of the file"] * bool(rest)
            size = rest
        if size > rest:
            raise UnreadableError(
                f"is cut off or lies: {name.decode('latin-1')!r} claims {size:,} bytes, "
                f"{rest:,} follow"
            )
        chunks.setdefault(name, view[at + 8 : at + 8 + size])
        if name == b"ds64" and size >= 16:
            riff, body = struct.unpack_from(order + "QQ", data, at + 8)
            long[b"data"], end = body, min(len(data), 8 + riff)
        at += 8 + size + size % 2
    return chunks, notes


def _tiles(data: bytes, at: int, order: str) -> bool:
    """Whether chunks with sane names follow each other from here to the end of the file."""
    begun = at
    while at + 8 <= len(data) and data[at : at + 4].isascii() and data[at : at + 4].isalnum():
        size = struct.unpack_from(order + "I", data, at + 4)[0]
        at += 8 + size + size % 2
    return at > begun and at - len(data) in (0, 1)


def _format(chunk: memoryview, order: str) -> tuple[int, int, int, int, int]:
    if len(chunk) < 16:
        raise UnreadableError("has a broken format chunk")
    kind, channels, rate, _, block, bits = struct.unpack_from(order + "HHIIHH", chunk)
    if kind == EXTENSIBLE and len(chunk) >= 26:
        kind = struct.unpack_from(order + "H", chunk, 24)[0]
    return kind, channels, rate, block, bits


def _fits(kind: int, bits: int, width: int) -> bool:
    """Whether samples of `bits` stand in `width` bytes: as few as hold them, or one more (24 in 32)."""
    if kind == FLOAT:
        return (bits, width) in ((32, 4), (64, 8))
    return 1 <= width <= 4 and 1 <= bits <= 8 * width and width - math.ceil(bits / 8) <= 1


def _samples(body, kind: int, width: int, bits: int, order: str) -> np.ndarray:
    """float32. Bits that do not fill their bytes stand at the upper end, as the format wants it, unless
    the values show that they stand at the lower."""
    if kind == FLOAT:
        with np.errstate(over="ignore"):
            return np.frombuffer(body, f"{order}f{width}").astype(np.float32)
    if width == 1:  # the only one without a sign
        return (np.frombuffer(body, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        raw = np.frombuffer(body, np.uint8).reshape(-1, 3)
        raw = raw[:, ::-1] if order == ">" else raw
        wide = np.zeros((len(raw), 4), np.uint8)
        wide[:, 1:] = raw
        counts = wide.view("<i4")[:, 0] >> 8
    else:
        counts = np.frombuffer(body, f"{order}i{width}")
    spare = 8 * width - bits
    low = spare and (counts & ((1 << spare) - 1)).any()
    within = low and -(1 << bits - 1) <= counts.min() and counts.max() < 1 << bits - 1
    full = 1 << (bits - 1 if within else 8 * width - 1)
    return (counts / np.float64(full)).astype(np.float32)
