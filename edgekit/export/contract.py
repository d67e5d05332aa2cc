"""What leaves the exporter beside code: the contract a firmware can check, and a bundle of files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from types import ModuleType

from edgekit.export.emit import Source
from edgekit.export.graph import Graph

ABI = 1  # of the generated functions: input pointer, output pointer, invoke


def compatibility(graph: Graph, source: Source, usecase: ModuleType) -> dict:
    """The fields that make a model safe to run: memory, operators, shapes, quantization, features.

    `features` is a hash over the use case's file and the kit's feature code: another pipeline feeds the
    network other numbers, even if their shape is the same.
    """
    return {
        "abi": str(ABI),
        "arena_bytes": source.plan.size,
        "operators": sorted({operator.name for operator in graph.operators}),
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "features": _feature_hash(usecase),
    }


def bundle(files: dict[str, str]) -> bytes:
    """A zip of text files; same files, same bytes."""
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


def _feature_hash(usecase: ModuleType) -> str:
    from edgekit import signal

    digest = hashlib.sha256()
    for path in [Path(usecase.__file__), *sorted(Path(signal.__file__).parent.rglob("*.[pch]*"))]:
        if path.suffix in (".py", ".c", ".h"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
