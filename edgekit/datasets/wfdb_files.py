"""Reading WFDB records (PhysioNet's format) without a package: header, signals 212 and 16, beats.

G. Moody, "WFDB Applications Guide", signal(5), header(5) and annot(5). What is read here is what the
arrhythmia databases use; the tests hold it against the `wfdb` package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError

# Codes of annot(5) that mark a beat; all others are rhythm changes, noise and waves.
BEATS = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j",
    12: "/", 13: "Q", 25: "B", 30: "?", 34: "e", 35: "n", 38: "f", 41: "r",
}  # fmt: skip
FLUTTER_BEGINS, FLUTTER_ENDS = 32, 33  # [ and ]: no beat can be told from the next
SKIP, NUMBER, SUBTYPE, CHANNEL, AUX = 59, 60, 61, 62, 63


@dataclass(frozen=True)
class Record:
    """One record: `signals` (time, channel) float32 in mV, NaN where invalid; `rate` in Hz.

    `beats` are `(sample, symbol)`; `flutter` are `(first, stop)` stretches of ventricular flutter.
    """

    name: str
    signals: np.ndarray
    rate: float
    channels: tuple[str, ...]
    beats: tuple[tuple[int, str], ...]
    flutter: tuple[tuple[int, int], ...]


def read(path: Path | str, annotator: str = "atr") -> Record:
    """The record `path` (without ending): its .hea, the .dat that it names, and the annotations.

    Raises EdgekitError naming the file that is missing, damaged, or of a kind not read here.
    """
    header = Path(f"{path}.hea")
    try:
        text = header.read_text(encoding="ascii").splitlines()
        lines = [line.split() for line in text if line.strip() and not line.startswith("#")]
        name, count, rate = lines[0][0], int(lines[0][1]), _number(lines[0][2])
        rows = lines[1 : count + 1]
        length = int(lines[0][3]) if len(lines[0]) > 3 else 0
        file, kind = rows[0][0], rows[0][1]
        if "/" in name or len(rows) != count or any(row[:2] != rows[0][:2] for row in rows):
            raise EdgekitError(
                f"{header} describes several files or segments, which is not read here"
            )
        raw = np.frombuffer(header.with_name(Path(file).name).read_bytes(), np.uint8)
        counts = _unpack(raw, kind, count, header)
        if length and len(counts) < length:
            raise EdgekitError(
                f"{file} is cut short: {len(counts)} of {length} samples; fetch it again"
            )
        gains, zeros = np.array([_scale(row) for row in rows], np.float32).T
        counts = counts[: length or None].astype(np.float32)
        invalid = counts == (-2048 if kind == "212" else -32768)
        signals = (counts - zeros) / gains
        signals[invalid] = np.nan
        channels = tuple(" ".join(row[8:]) or f"lead {i}" for i, row in enumerate(rows))
        beats, flutter = _annotations(Path(f"{path}.{annotator}").read_bytes())
    except FileNotFoundError as error:
        raise EdgekitError(
            f"{error.filename} is missing; a record has .hea, .dat and .atr"
        ) from None
    except (ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise EdgekitError(
            f"{header.with_suffix('')} is no readable WFDB record ({error})"
        ) from None
    if any(not 0 <= r < len(signals) for r, _ in beats):
        raise EdgekitError(f"{path}.{annotator} marks a beat outside of the recording")
    return Record(name, signals, rate, channels, beats, flutter)


def _number(field: str) -> float:
    """`360`, `360/1000(5)`: the number in front."""
    return float(field.split("/")[0].split("(")[0])


def _scale(row: list[str]) -> tuple[float, float]:
    """Counts per mV and the count at 0 mV of one signal line; 200 where no gain is given."""
    field = row[2] if len(row) > 2 else "200"
    field, _, unit = field.partition("/")
    gain, _, base = field.partition("(")
    zero = float(base.rstrip(")")) if base else float(row[4]) if len(row) > 4 else 0.0
    factor = {"": 1.0, "mV": 1.0, "uV": 1000.0, "V": 0.001}.get(unit)
    if factor is None:
        raise ValueError(f"unit {unit!r}")
    return (float(gain) or 200.0) * factor, zero


def _unpack(raw: np.ndarray, kind: str, count: int, header: Path) -> np.ndarray:
    """Bytes to counts (time, count). 212: two 12-bit numbers in three bytes; 16: little-endian."""
    if kind == "16":
        flat = raw[: len(raw) // 2 * 2].view("<i2").astype(np.int16)
    elif kind == "212":
        odd = len(raw) % 3  # a last, single number takes two bytes
        three = (
            np.concatenate([raw, np.zeros((3 - odd) % 3, np.uint8)]).reshape(-1, 3).astype(np.int16)
        )
        low = three[:, 0] | (three[:, 1] & 0x0F) << 8
        high = three[:, 2] | (three[:, 1] & 0xF0) << 4
        flat = np.stack([low, high], 1).reshape(-1)[: len(raw) * 2 // 3]
        flat = np.where(flat > 2047, flat - 4096, flat)
    else:
        raise EdgekitError(f"{header} uses signal format {kind}; 212 and 16 are read here")
    return flat[: len(flat) // count * count].reshape(-1, count)


def _annotations(raw: bytes):
    """MIT annotations: 16-bit words, a code in the upper six bits and the time since the last."""
    words = np.frombuffer(raw[: len(raw) // 2 * 2], "<u2").tolist()
    beats, flutter, began, time, i = [], [], None, 0, 0
    while i < len(words) and words[i]:
        code, value = words[i] >> 10, words[i] & 0x3FF
        i += 1
        if code == SKIP:
            jump = (words[i] << 16) + words[i + 1]
            time += jump - (1 << 32 if jump >> 31 else 0)
            i += 2
        elif code == AUX:
            i += (value + 1) // 2
        elif code in (NUMBER, SUBTYPE, CHANNEL):
            continue
        else:
            time += value
            if code in BEATS:
                beats.append((time, BEATS[code]))
            elif code == FLUTTER_BEGINS:
                began = time
            elif code == FLUTTER_ENDS and began is not None:
                flutter.append((began, time))
                began = None
    if began is not None:  # lasts to the end of the recording
        flutter.append((began, 1 << 62))
    return tuple(beats), tuple(flutter)
