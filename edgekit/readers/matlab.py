"""MATLAB's files, version 4 to 7.2 as scipy reads them and 7.3 as h5py does, and other HDF5: numbers, texts.

Both are read as a tree: a structure is a dictionary, an array of structures or a cell array is a list.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.readers import arrays, multi_sensor
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.reading import Reading, UnreadableError, import_reader

LARGEST = 1 << 30  # bytes of all arrays of a file
DEEPEST = 4  # structures in structures
MOST = 200  # arrays of a recording
ELEMENTS = 10_000  # of an array of structures
SMALL = 16  # numbers that an array of samples has more than


def read(path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """The arrays of a file, those in structures by the name of their field, as `arrays.named` takes them.

    Several vectors of one length are the channels of one recording, and one called `t` or `time` (s) is
    its rate. Each element of an array of structures, or cell of arrays, is a recording; what stands beside
    it once is of all of them, what stands once for each is of that one. Raises UnreadableError.
    """
    with path.open("rb") as file:
        head = file.read(640)
    modern = b"\x89HDF\r\n\x1a\n" in (head[:8], head[512:520])
    tree = _modern(path) if modern else _classic(path)
    found: dict[str, np.ndarray] = {}
    lists: dict[str, list[dict[str, np.ndarray]]] = {}
    _flat(tree, found, lists)
    full = {k: e for k, e in lists.items() if any(map(_samples, e))}
    if full and not _samples({k: v for k, v in found.items() if not arrays.is_about(k)}):
        return _elements(name, found, full, wanted)
    if not found:
        raise UnreadableError("holds no numbers that could be an array of samples")
    made = _one(name, found, wanted)
    unused = f"holds the structures {', '.join(full)} too, which were not used"
    return [replace(r, notes=(*r.notes, unused)) for r in made] if full else made


def _one(name: str, found: dict[str, np.ndarray], wanted: ReadOptions) -> list[Reading]:
    found = arrays.axes({k.lower(): v for k, v in found.items()})
    return arrays.named(name, found, _columns(found), wanted)


def _samples(found: dict[str, np.ndarray]) -> bool:
    return any(v.dtype.kind in "iuf" and v.size > SMALL for v in found.values())


def _elements(name: str, common: dict, lists: dict, wanted: ReadOptions) -> list[Reading]:
    """The recordings of the longest list; `common`: what stands beside it in the file."""
    key = max(lists, key=lambda k: len(lists[k]))
    elements = lists.pop(key)
    others = {
        k: e for k, e in lists.items() if len(e) == len(elements)
    }  # a cell array for each field
    made, failed = [], {}
    for i, element in enumerate(elements):
        own = {k: v[i] if len(v.reshape(-1)) == len(elements) > 1 else v for k, v in common.items()}
        own = {k: np.asarray(v) for k, v in own.items()}
        for other in others.values():
            own |= other[i]
        try:
            made += [replace(r, part=f"#{i}{r.part}") for r in _one(name, own | element, wanted)]
        except UnreadableError as error:
            failed[i] = str(error)
    if not made:
        raise UnreadableError(
            f"has {len(elements)} elements of {key}, and each {next(iter(failed.values()))}"
        )
    notes = [f"an array of {len(elements)} structures, each a recording"]
    notes += [
        f"{len(failed)} elements of {key} were left out: element {i + 1} {why}"
        for i, why in [*failed.items()][:1]
    ]
    if unused := sorted(set(lists) - set(others)):
        notes.append(f"holds the structures {', '.join(unused)} too, which were not used")
    return [replace(r, notes=(*r.notes, *notes)) for r in made]


def _flat(tree: dict, found: dict, lists: dict) -> None:
    """Put all arrays of a tree into `found` by the names of their fields, lists into `lists`. The fields of
    structures that have some in common get these structures' names: `acc_fs`, `emg_fs`."""
    places = list(_leaves(tree, ()))[:MOST]
    counts = Counter(path[-1] for path, _ in places)
    alike = {path[:-1] for path, _ in places if counts[path[-1]] > 1}
    for path, value in places:
        key = "_".join(path[-2:]) if path[:-1] in alike else path[-1]
        while key in found:
            key += "'"
        if isinstance(value, list):
            lists[key] = [_fields(key, v) for v in value]
        else:
            found[key] = value


def _fields(key: str, value) -> dict[str, np.ndarray]:
    """What an element of a list holds itself, by name; lists in it are not gone into."""
    inside: dict[str, np.ndarray] = {}
    _flat(value if isinstance(value, dict) else {key: value}, inside, {})
    return inside


def _leaves(tree: dict, path: tuple[str, ...]):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        elif value is not None:
            yield (*path, key), value


def _array(value: np.ndarray) -> np.ndarray | None:
    """Numbers and texts, a row or column as a vector; None for any other."""
    if value.dtype.kind not in "biufSU":
        return None
    return value.reshape(-1) if value.ndim == 2 and 1 in value.shape else value


def _columns(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Vectors of the commonest length, by their names without the number that all of them begin with:
    `X097_DE_time`, `X097_FE_time` of one file are `X098_…` in the next."""
    vectors = {
        k: v for k, v in found.items() if v.ndim == 1 and len(v) > 16 and v.dtype.kind in "iuf"
    }
    vectors = {
        k: v
        for k, v in vectors.items()
        if not (arrays.is_about(k) or arrays.is_times(k, v))
        and k not in (*arrays.LABELS, *arrays.GROUPS)
    }
    lengths = [len(v) for v in vectors.values()]
    if not lengths:
        return {}
    usual = max(lengths, key=lengths.count)
    same = {k: v for k, v in vectors.items() if len(v) == usual}
    bare = [re.sub(r"^[a-z]{0,3}\d+_", "", k) for k in same]
    return dict(zip(bare if len(set(bare)) == len(bare) else same, same.values(), strict=True))


# ------------------------------------------------------------------------------ up to version 7.2


def _classic(path: Path) -> dict:
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
    return {k: _plain(v, 0) for k, v in content.items() if not k.startswith("__")}


def _plain(value, depth: int):
    """An array, the dictionary of a structure, or a list of either; None for what is none of them."""
    value = np.asarray(value)
    if depth > DEEPEST or (value.size > ELEMENTS and value.dtype.kind in "OV"):
        return None
    if value.dtype.names:
        found = [
            {field: _plain(entry[field], depth + 1) for field in value.dtype.names}
            for entry in value.reshape(-1)
        ]
        return found[0] if len(found) == 1 else found
    if value.dtype != object:
        return _array(value)
    return _cell([_plain(v, depth + 1) for v in value.reshape(-1)])


def _cell(inner: list):
    """A cell array: words as one array, one cell as what is in it, else a list."""
    if len(inner) == 1:
        return inner[0]
    plain = all(isinstance(v, np.ndarray) for v in inner)
    if inner and plain and all(v.dtype.kind in "SU" and v.size == 1 for v in inner):
        return np.array([str(v.reshape(-1)[0]) for v in inner])
    if inner and plain and all(v.size == 1 for v in inner):
        return np.array([float(v.reshape(-1)[0]) for v in inner if v.dtype.kind in "biuf"])
    return [v if isinstance(v, (dict, np.ndarray)) else {} for v in inner]


# ------------------------------------------------------------------------- version 7.3, and HDF5


def _modern(path: Path) -> dict:
    h5py = import_reader("h5py")
    try:
        with h5py.File(path, "r") as file:
            budget = [LARGEST, ELEMENTS]
            tree = _node(h5py, file, file, 0, budget, path.suffix.lower() == ".mat")
            return {**{k: np.asarray(v) for k, v in file.attrs.items() if np.size(v) == 1}, **tree}
    except UnreadableError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # as above
        text = " ".join(str(error).split())[:80]
        raise UnreadableError(f"is no HDF5 file that can be read ({text})") from None


def _node(h5py, file, item, depth: int, budget: list[int], turned: bool):
    """As `_plain`; of the file itself, no link to another file is followed. `budget`: bytes and nodes that
    are left; `turned`: MATLAB writes columns first."""
    budget[1] -= 1
    if depth > DEEPEST + 1 or budget[1] < 0:
        return None
    if isinstance(item, h5py.Group):
        inside = {
            key: _node(h5py, file, item[key], depth + 1, budget, turned)
            for key in itertools.islice(item, MOST)
            if not key.startswith("#") and isinstance(item.get(key, getlink=True), h5py.HardLink)
        }
        lists = {k: v for k, v in inside.items() if isinstance(v, list)}
        if lists and len(lists) == len(inside) and len({*map(len, lists.values())}) == 1 and depth:
            return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        return inside
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.is_virtual or item.external:
        return None
    if h5py.check_ref_dtype(item.dtype) is h5py.Reference:
        refs = np.asarray(item[()]).reshape(-1)[:ELEMENTS]
        found = [_node(h5py, file, file[r], depth + 1, budget, turned) for r in refs if r]
        return found[0] if len(found) == 1 else found
    texts = h5py.check_string_dtype(item.dtype) is not None
    budget[0] -= item.size * max(1, item.dtype.itemsize)
    if budget[0] < 0:
        raise UnreadableError(f"claims more than {LARGEST:,} bytes")
    if texts and item.size <= ELEMENTS:
        return _array(np.asarray(item.asstr(errors="backslashreplace")[()]).astype(str))
    if item.dtype.kind not in "biuf":
        return None
    value = np.asarray(item[()])
    if item.attrs.get("MATLAB_class") == b"char" and value.dtype.kind == "u":
        return np.array("".join(map(chr, value.reshape(-1).tolist())))
    plain = _array(value.T if turned else value)
    about = {
        k: np.asarray(v)
        for k, v in item.attrs.items()
        if multi_sensor.is_rate(k) and np.size(v) == 1
    }
    return {"data": plain, **about} if about else plain
