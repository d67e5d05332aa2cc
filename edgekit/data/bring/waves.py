"""WAV: PCM of 8, 16, 24 or 32 bits and float, any number of channels; nothing compressed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from edgekit.data.bring.reading import Reading, UnreadableError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
OPEN_ENDED = (0, 0xFFFFFFFF)  # sizes that a recorder writes before it knows the length


def read(path: Path, name: str) -> list[Reading]:
    """Samples as shares of full scale, -1 … 1. Raises UnreadableError."""
    data = path.read_bytes()
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64") or data[8:12] != b"WAVE":
        raise UnreadableError("is no WAV file")
    order = ">" if data[:4] == b"RIFX" else "<"
    chunks, notes = _chunks(data, order)
    if b"fmt " not in chunks or b"data" not in chunks:
        raise UnreadableError(
            "is a WAV file without " + ("data" if b"fmt " in chunks else "format")
        )
    kind, channels, rate, block, bits = _format(chunks[b"fmt "], order)
    body = chunks[b"data"]
    if not channels or not rate or block != channels * ((bits + 7) // 8):
        raise UnreadableError(f"contradicts itself: {channels} channels, {bits} bits, {rate} Hz")
    body = body[: len(body) // block * block]
    samples = _samples(body, kind, bits, order).reshape(-1, channels)
    names = ("sound",) if channels == 1 else ("left", "right") if channels == 2 else None
    return [
        Reading(
            name, samples, float(rate), names, "full scale", sound=True, notes=tuple(notes),
            meta={"bits": bits},
        )
    ]  # fmt: skip


def _chunks(data: bytes, order: str) -> tuple[dict[bytes, bytes], list[str]]:
    """The file's chunks, the first of each name. A size beyond the file's end is a lie or a broken copy."""
    chunks: dict[bytes, bytes] = {}
    notes, at = [], 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from(order + "I", data, at + 4)[0]
        rest = len(data) - at - 8
        if size > rest or (name == b"data" and size == 0):
            if name != b"data" or size not in OPEN_ENDED:
                raise UnreadableError(
                    f"is cut off or lies: {name.decode('latin-1')!r} claims {size:,} bytes, "
                    f"{rest:,} follow"
                )
            if rest:
                notes.append("its header knows no length; taken to the end of the file")
            size = rest
        chunks.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    return chunks, notes


def _format(chunk: bytes, order: str) -> tuple[int, int, int, int, int]:
    if len(chunk) < 16:
        raise UnreadableError("has a broken format chunk")
    kind, channels, rate, _, block, bits = struct.unpack_from(order + "HHIIHH", chunk)
    if kind == EXTENSIBLE and len(chunk) >= 26:
        kind = struct.unpack_from(order + "H", chunk, 24)[0]
    if kind not in (PCM, FLOAT):
        raise UnreadableError(f"is compressed (format {kind:#x}): save it as PCM")
    if bits not in {PCM: (8, 16, 24, 32), FLOAT: (32, 64)}[kind]:
        raise UnreadableError(f"has {bits} bits a sample, which no recorder writes")
    return kind, channels, rate, block, bits


def _samples(body: bytes, kind: int, bits: int, order: str) -> np.ndarray:
    if kind == FLOAT:
        with np.errstate(over="ignore"):
            return np.frombuffer(body, f"{order}f{bits // 8}").astype(np.float32)
    if bits == 8:  # the only one without a sign
        return (np.frombuffer(body, np.uint8).astype(np.float32) - 128) / 128
    if bits == 24:
        raw = np.frombuffer(body, np.uint8).reshape(-1, 3)
        raw = raw[:, ::-1] if order == ">" else raw
        wide = np.zeros((len(raw), 4), np.uint8)
        wide[:, 1:] = raw
        return (wide.view("<i4")[:, 0] / np.float64(1 << 31)).astype(np.float32)
    full = 1 << (bits - 1)
    return (np.frombuffer(body, f"{order}i{bits // 8}") / np.float64(full)).astype(np.float32)
