"""Bounds-check a `.tflite` flatbuffer before any reader follows an offset in it.

The Python flatbuffers reader trusts its input: a bad offset raises whatever `struct` or numpy raise,
and a vector that claims four billion elements makes it loop. This walks the tables the kit reads
(tensorflow/lite/schema/schema.fbs, version 3) once and refuses anything that leaves the file.
"""

from __future__ import annotations

import struct

from edgekit.core.errors import EdgekitError
from edgekit.operators import OPERATORS

MAX_BYTES = 64 << 20  # a microcontroller's flash is a hundred times smaller
MAX_TABLES = 200_000  # shared sub-tables could otherwise blow a small file up exponentially

# how other files begin that are handed in for a .tflite
OTHERS = {
    b"version https://git-lfs": "a pointer of Git LFS to one: run `git lfs pull`",
    b"PK\x03\x04": "a zip archive (a .keras file is one): convert that model, or unpack it",
    b"\x89HDF\r\n": "an HDF5 file of Keras: convert that model with tf.lite.TFLiteConverter",
    b"<": "a web page or XML: download the file itself",
    b"\x1f\x8b": "a gzip archive: unpack it",
}

# field number -> inline bytes (int), "s" string, "v1/v4/v8" vector of scalars, "t:X" table, "V:X" tables;
# what operators' records know of their options comes to it
WIDTHS: dict[str, int | str] = {
    "Int8": 1,
    "Bool": 1,
    "Int32": 4,
    "Float32": 4,
    "Vector": "v4",
    "String": "s",
}
SCHEMA: dict[str, dict[int, int | str]] = {
    "Model": {
        0: 4,
        1: "V:OperatorCode",
        2: "V:SubGraph",
        3: "s",
        4: "V:Buffer",
        5: "v4",
        7: "V:SignatureDef",
    },
    "SignatureDef": {2: "s", 4: 4},
    "OperatorCode": {0: 1, 1: "s", 2: 4, 3: 4},
    "SubGraph": {0: "V:Tensor", 1: "v4", 2: "v4", 3: "V:Operator", 4: "s"},
    "Tensor": {
        0: "v4",
        1: 1,
        2: 4,
        3: "s",
        4: "t:Quantization",
        5: 1,
        6: "t:Sparsity",
        7: "v4",
        8: 1,
    },
    "Sparsity": {},
    "Quantization": {0: "v4", 1: "v4", 2: "v4", 3: "v8", 4: 1, 6: 4},
    "Buffer": {0: "v1", 1: 8, 2: 8},
    "Operator": {0: 4, 1: "v4", 2: "v4", 3: 1, 4: "union", 5: "v1", 6: 1},
}


def verify(data: bytes, union_names: dict[int, str]) -> None:
    """Raise EdgekitError unless every table, vector and string the kit reads lies inside `data`.

    `union_names` maps a `BuiltinOptions` type number to its table's name.
    """
    if len(data) > MAX_BYTES:
        raise EdgekitError(f"the model has {len(data):,} bytes; the limit is {MAX_BYTES:,}")
    if len(data) < 16 or data[4:8] != b"TFL3":
        for start, what in OTHERS.items():
            if data.startswith(start):
                raise EdgekitError(f"not a .tflite file but {what}")
        raise EdgekitError("not a .tflite file: the identifier TFL3 is missing at byte 4")
    schema = SCHEMA | _options()
    work = [("Model", _u32(data, 0))]
    done: set[tuple[str, int]] = set()
    while work:
        kind, at = work.pop()
        if (kind, at) in done:
            continue
        done.add((kind, at))
        if len(done) > MAX_TABLES:
            raise EdgekitError(f"damaged .tflite: more than {MAX_TABLES:,} tables")
        work.extend(_table(data, kind, at, schema, union_names))


def _options() -> dict[str, dict[int, int | str]]:
    """The options tables of all operators, as `SCHEMA` has the others."""
    tables: dict[str, dict[int, int | str]] = {}
    for kind in OPERATORS.values():
        if kind.table:
            fields = {f.slot: WIDTHS[f.kind] for f in kind.fields.values()}
            tables.setdefault(kind.table, {}).update(fields)
    return tables


def _table(data: bytes, kind: str, at: int, schema: dict, union_names: dict[int, str]):
    """Check one table; yield the tables it points to."""
    vtable = at - _i32(data, at)
    size, inline = _u16(data, vtable), _u16(data, vtable + 2)
    if size < 4 or size % 2 or vtable + size > len(data) or inline < 4 or at + inline > len(data):
        raise EdgekitError(f"damaged .tflite: {kind} table at byte {at} leaves the file")
    fields = schema[kind]
    entries = {}
    for number, what in fields.items():
        slot = 4 + 2 * number
        offset = _u16(data, vtable + slot) if slot < size else 0
        if not offset:
            continue
        width = what if isinstance(what, int) else 4
        if offset < 4 or offset + width > inline:
            raise EdgekitError(f"damaged .tflite: field {number} of {kind} at byte {at}")
        entries[number] = at + offset
    for number, where in entries.items():
        what = fields[number]
        if isinstance(what, int):
            continue
        target = where + _u32(data, where)
        if what == "union":
            name = union_names.get(data[entries[3]] if 3 in entries else 0)
            if name in schema:
                yield name, target
        elif what[0] == "t":
            yield what[2:], target
        else:
            count = _u32(data, target)
            width = 1 if what == "s" else 4 if what[0] == "V" else int(what[1:])
            if target + 4 + count * width > len(data):
                raise EdgekitError(
                    f"damaged .tflite: a vector of {kind} at byte {target} is too long"
                )
            if what[0] == "V":
                for i in range(count):
                    here = target + 4 + 4 * i
                    yield what[2:], here + _u32(data, here)


def _read(data: bytes, at: int, form: str) -> int:
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise EdgekitError(f"damaged .tflite: an offset points to byte {at} of {len(data)}")
    return struct.unpack_from(form, data, at)[0]


def _u16(data, at):
    return _read(data, at, "<H")


def _u32(data, at):
    return _read(data, at, "<I")


def _i32(data, at):
    return _read(data, at, "<i")
