"""What leaves the exporter beside code: the contract a firmware can check, and a bundle of files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from edgekit.export.emit import Source
from edgekit.export.graph import Graph

ABI = 1  # of the generated functions: input pointer, output pointer, invoke


def compatibility(graph: Graph, source: Source, features: dict[str, str]) -> dict:
    """The fields that make a model safe to run: memory, operators, shapes, quantization, features.

    `features` are the C files of the feature pipeline; the field is a hash over them: another pipeline
    feeds the network other numbers, even if their shape is the same.
    """
    return {
        "abi": str(ABI),
        "arena_bytes": source.plan.size,
        "operators": sorted({operator.name for operator in graph.operators}),
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "features": _feature_hash(features),
    }


def bundle(files: dict[str, str] | Path) -> bytes:
    """A zip of text files, given by name or as a folder; same files, same bytes."""
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


def _feature_hash(features: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(features):
        digest.update(f"{name}\0{features[name]}\0".encode())
    return digest.hexdigest()[:16]
