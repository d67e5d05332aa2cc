"""What leaves the exporter beside code: the contract a firmware can check, and a bundle of files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.export.source import Source


def compatibility(source: Source, features: Mapping[str, str]) -> dict[str, Any]:
    """The fields that make a model safe to run: memory, operators, shapes, quantization, features.

    `abi` is a hash over the generated C without its constants: with another one, the program would read the
    right numbers from the wrong places. `features` are the C files of the feature pipeline; the field is a
    hash over them: another pipeline feeds the network other numbers, even if their shape is the same.
    `operators` gives each its number in TFLite's schema. source: generated with `slot`; EdgekitError for
    another, whose constants would be in the hash.
    """
    import tflite

    if not source.slot:
        raise EdgekitError("a contract is that of code which reads its constants from a slot")
    graph, numbers = source.graph, vars(tflite.BuiltinOperator)
    return {
        "abi": _hash(source.files),
        "arena_bytes": source.plan.size,
        "operators": {n: numbers[n] for n in sorted({o.name for o in graph.operators})},
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "features": _hash(features),
    }


def bundle(files: Mapping[str, str | bytes] | Path) -> bytes:
    """A zip of files, given by name or as a folder; same files, same bytes."""
    if isinstance(files, Path):
        paths = [p for p in files.rglob("*") if p.is_file()]
        files = {p.relative_to(files).as_posix(): p.read_bytes() for p in paths}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tensor(tensor) -> str:
    """`int8[1,1,40,1] scale 0.0342 zero -128`: text, so that it is compared as a whole."""
    shape = ",".join(str(n) for n in tensor.shape)
    if not len(tensor.scale):
        return f"{tensor.dtype}[{shape}]"
    scale, zero = float(tensor.scale[0]), int(tensor.zero_point[0])
    return f"{tensor.dtype}[{shape}] scale {scale:.9g} zero {zero}"


def _hash(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{files[name]}\0".encode())
    return digest.hexdigest()[:16]
