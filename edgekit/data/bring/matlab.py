"""MATLAB's files: version 4 to 7.2 as scipy reads them, 7.3 (HDF5) as h5py does; numbers and texts only."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np

from edgekit.data.bring import arrays
from edgekit.data.bring.reading import Reading, UnreadableError, needs

LARGEST = 1 << 30  # bytes of all arrays of a file
DEEPEST = 4  # structures in structures
MOST = 200  # arrays of a file


def read(path: Path, name: str) -> list[Reading]:
    """The arrays of a file, those in structures by the name of their field, as `arrays.named` takes them.

    Several vectors of one length are the channels of one recording, and one called `t` or `time` (s) is
    its rate. Raises UnreadableError.
    """
    with path.open("rb") as file:
        head = file.read(640)
    modern = b"\x89HDF\r\n\x1a\n" in (head[:8], head[512:520])
    found = _modern(path) if modern else _classic(path)
    if not found:
        raise UnreadableError("holds no numbers that MATLAB would call an array")
    found = {k.lower(): v for k, v in found.items()}
    found = arrays.axes(found)
    return arrays.named(name, found, _columns(found))


def _columns(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Vectors of the commonest length, by their names without the number that all of them begin with:
    `X097_DE_time`, `X097_FE_time` of one file are `X098_…` in the next."""
    vectors = {
        k: v for k, v in found.items() if v.ndim == 1 and len(v) > 16 and v.dtype.kind in "iuf"
    }
    vectors = {
        k: v
        for k, v in vectors.items()
        if not arrays.is_about(k) and k not in (*arrays.LABELS, *arrays.GROUPS)
    }
    lengths = [len(v) for v in vectors.values()]
    if not lengths:
        return {}
    usual = max(lengths, key=lengths.count)
    same = {k: v for k, v in vectors.items() if len(v) == usual}
    bare = [re.sub(r"^[a-z]{0,3}\d+_", "", k) for k in same]
    return dict(zip(bare if len(set(bare)) == len(bare) else same, same.values(), strict=True))


# ------------------------------------------------------------------------------ up to version 7.2


def _classic(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat, whosmat

    try:
        claimed = [(n, shape) for n, shape, kind in whosmat(path) if kind not in ("cell", "struct")]
        size = sum(8 * int(np.prod(shape, dtype=np.float64)) for _, shape in claimed)
        if size > LARGEST or path.stat().st_size > LARGEST:
            raise UnreadableError(f"claims {size:,} bytes")
        content = loadmat(path, squeeze_me=True, chars_as_strings=True)
    except UnreadableError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # scipy raises whatever the damaged bytes lead it to
        text = " ".join(str(error).split())[:80]
        raise UnreadableError(f"is no .mat file that can be read ({text})") from None
    found: dict[str, np.ndarray] = {}
    for key, value in content.items():
        if not key.startswith("__"):
            _plain(found, key, value, 0)
    return found


def _plain(found: dict, key: str, value, depth: int) -> None:
    """Put an array, or those in a structure, under its name."""
    value = np.asarray(value)
    if value.dtype.names:
        if depth < DEEPEST and value.size == 1:
            entry = value.reshape(-1)[0]
            for field in value.dtype.names:
                _plain(found, field, entry[field], depth + 1)
        return
    if value.dtype == object:
        inner = [np.asarray(v) for v in value.reshape(-1)]
        if len(inner) == 1 and depth < DEEPEST:
            return _plain(found, key, inner[0], depth + 1)
        if not inner or not all(v.dtype.kind in "SU" and v.size == 1 for v in inner):
            return
        value = np.array([str(v.reshape(-1)[0]) for v in inner])  # a cell array of words
    _keep(found, key, value)


def _keep(found: dict, key: str, value: np.ndarray) -> None:
    if value.dtype.kind in "biufSU" and len(found) < MOST:
        value = value.reshape(-1) if value.ndim == 2 and 1 in value.shape else value
        while key in found:  # of another structure: named, but not used
            key += "'"
        found[key] = value


# ------------------------------------------------------------------------------------ version 7.3


def _modern(path: Path) -> dict[str, np.ndarray]:
    h5py = needs("h5py")
    found: dict[str, np.ndarray] = {}
    size = 0
    try:
        with h5py.File(path, "r") as file:
            for key, data in itertools.islice(_datasets(h5py, file, 0), MOST):
                size += data.size * max(1, data.dtype.itemsize)
                if size > LARGEST:
                    raise UnreadableError(f"claims {size:,} bytes")
                value = np.asarray(data[()])
                if data.attrs.get("MATLAB_class") == b"char" and value.dtype.kind == "u":
                    value = np.array("".join(map(chr, value.reshape(-1).tolist())))
                _keep(found, key, value.T)
    except UnreadableError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # as above
        text = " ".join(str(error).split())[:80]
        raise UnreadableError(f"is no .mat file that can be read ({text})") from None
    return found


def _datasets(h5py, group, depth: int):
    """(name, dataset) of all numbers in the file itself: no link to another file is followed."""
    for key in group:
        if key.startswith("#") or not isinstance(group.get(key, getlink=True), h5py.HardLink):
            continue
        item = group[key]
        if isinstance(item, h5py.Group) and depth < DEEPEST:
            yield from _datasets(h5py, item, depth + 1)
            continue
        numbers = (
            isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf" and item.shape is not None
        )
        if numbers and not item.is_virtual and item.external is None:
            yield key, item
