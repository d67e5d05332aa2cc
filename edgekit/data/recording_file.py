"""One recording in one file that keeps everything: samples, rate, labels, events, licence, where it is from.

The file is a `.npz`: a plain zip that holds `samples.npy` and `recording.json`. So samples keep their
type and every bit, `numpy.load(path)["samples"]` reads them anywhere, the rest is text that a person can
read with an unzip tool, and nothing in it can run. WAV knows no label and no third axis, CSV loses bits
and is ten times as long, HDF5 and Parquet would each bring a dependency.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.data.recordings import Recording

VERSION = 1
SAMPLES, METADATA_MEMBER = "samples.npy", "recording.json"
LARGEST_SAMPLES, LARGEST_METADATA = 2 << 30, 64 << 20  # bytes
TEXTS = ("name", "group", "domain", "unit", "licence", "source")
DATE = (1980, 1, 1, 0, 0, 0)  # of the members: the same recording makes the same bytes


class DamagedError(Exception):
    """A file that is not what it claims to be; the message ends a sentence that begins with its name."""


def save(recording: Recording, path: Path | str) -> Path:
    """Write one recording; whole or not at all. Returns the path, which must end in `.npz`.

    `meta` must be what JSON can hold (tuples come back as lists). Raises EdgekitError for another
    suffix, and for a rate or meta that cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise EdgekitError(f"{path}: a recording is kept in a .npz file")
    metadata: dict[str, object] = {
        "edgekit_recording": VERSION,
        **{k: getattr(recording, k) for k in (*TEXTS, "label", "rate")},
        "channels": list(recording.channels),
        "events": [list(e) for e in recording.events],
        "meta": recording.meta,
    }
    if recording.simulated:
        metadata["simulated"] = True
    try:
        text = json.dumps(metadata, indent=1, allow_nan=False, default=_plain, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise EdgekitError(f"{recording.name} cannot be saved: {error}") from None
    # half a character, which only stands in a string, becomes JSON's own escape for it
    samples = io.BytesIO()
    np.save(samples, np.ascontiguousarray(recording.samples), allow_pickle=False)
    with atomic_write(path) as half, zipfile.ZipFile(half, "w") as file:
        file.writestr(zipfile.ZipInfo(SAMPLES, DATE), samples.getbuffer())
        file.writestr(
            zipfile.ZipInfo(METADATA_MEMBER, DATE), text.encode("utf-8", "backslashreplace")
        )
    return path


def load(path: Path | str) -> Recording:
    """Read what `save` wrote, bit for bit. Raises EdgekitError, in one line, for anything else."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as file:
            metadata = json.loads(member(file, METADATA_MEMBER, LARGEST_METADATA))
            if not isinstance(metadata, dict) or "edgekit_recording" not in metadata:
                raise DamagedError("holds no recording")
            if metadata["edgekit_recording"] != VERSION:
                raise DamagedError(
                    f"is of version {metadata['edgekit_recording']!r}: update edgekit"
                )
            samples = npy(member(file, SAMPLES, LARGEST_SAMPLES))
        return _recording(metadata, samples)
    except FileNotFoundError:
        raise EdgekitError(f"{path}: there is no such file") from None
    except DamagedError as error:
        raise EdgekitError(f"{path} {error}") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise EdgekitError(f"{path} is no recording: it is damaged ({error})") from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, RuntimeError) as error:
        raise EdgekitError(f"{path} is no recording: {type(error).__name__} ({error})") from None


def load_folder(folder: Path | str) -> list[Recording]:
    """Every recording of a folder, by file name. Raises EdgekitError if there is none."""
    paths = sorted(Path(folder).glob("*.npz"))
    if not paths:
        raise EdgekitError(f"{folder} holds no recordings (.npz); `edgekit new` writes them")
    return [load(path) for path in paths]


def _recording(metadata: dict, samples: np.ndarray) -> Recording:
    texts = {key: metadata[key] for key in TEXTS}
    label, rate, channels, meta = (metadata[k] for k in ("label", "rate", "channels", "meta"))
    if not all(isinstance(t, str) for t in (*texts.values(), *channels)) or not (
        label is None or isinstance(label, str)
    ):
        raise DamagedError("is no recording: a name, a label or a channel of it is no text")
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not math.isfinite(rate):
        raise DamagedError(f"is no recording: its rate is {rate!r}")
    if samples.dtype not in (np.float32, np.uint8) or not isinstance(meta, dict):
        raise DamagedError(f"is no recording: its samples are {samples.dtype}")
    events = tuple((int(a), int(b), str(label)) for a, b, label in metadata["events"])
    return Recording(
        samples=samples, rate=rate, label=label, channels=tuple(channels), meta=meta,
        events=events, simulated=metadata.get("simulated") is True, **texts,
    )  # fmt: skip


def _plain(value):
    """NumPy's numbers, which JSON does not know."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"its meta holds a {type(value).__name__}, which JSON cannot keep")


# ---------------------------------------------------------------- files that somebody else wrote


def member(file: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """A member of an archive. It may lie about its size, so no more than `largest` bytes are read."""
    try:
        entry = file.getinfo(name)
    except KeyError:
        raise DamagedError(f"holds no {name}") from None
    if entry.flag_bits & 1:
        raise DamagedError(f"is encrypted ({name})")
    if entry.file_size > largest or entry.file_size > 1_000 * max(entry.compress_size, 1):
        raise DamagedError(f"claims {entry.file_size:,} bytes for {name}: nothing was unpacked")
    with file.open(entry) as stream:
        data = stream.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise DamagedError(f"does not hold the {entry.file_size:,} bytes that it claims for {name}")
    return data


def npy(data: bytes) -> np.ndarray:
    """The array that `data`, the bytes of a `.npy` file, holds, (n, …) of bools, numbers or texts, never a
    pickle. Raises DamagedError before anything large is allocated."""
    from numpy.lib import format as layout

    stream = io.BytesIO(data)
    try:
        version = layout.read_magic(stream)
        read = {(1, 0): layout.read_array_header_1_0, (2, 0): layout.read_array_header_2_0}
        shape, fortran, dtype = read[version](stream)
    except KeyError:
        raise DamagedError("is an array of a version that NumPy does not promise to keep") from None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise DamagedError(f"is no NumPy array ({' '.join(str(error).split())[:80]})") from None
    if dtype.hasobject:
        raise DamagedError("holds pickled Python objects, which may run anything: refused")
    if dtype.kind not in "biufSU":
        raise DamagedError(f"holds {dtype}, not numbers")
    count, rest = math.prod(shape), len(data) - stream.tell()
    if any(n < 0 for n in shape) or count * dtype.itemsize != rest:
        raise DamagedError(f"claims {shape} of {dtype}, and holds {rest:,} bytes")
    flat = np.frombuffer(data, dtype, count, stream.tell())
    return flat.reshape(shape, order="F" if fortran else "C")
