"""A model's constants: where they lie, and the block of them that an update can replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.source import Source
from edgekit.operators.graph import Graph, Tensor
from edgekit.operators.layer import Layer


def constants(graph: Graph, layers) -> Iterator[tuple[str, np.ndarray]]:
    """Every constant array by its name in C, flat, in the order in which the layers run."""
    for layer in layers:
        arrays = dict(layer.constants)
        for k, i in enumerate(layer.inputs):
            t: Tensor = graph.tensors[i]
            if t.data is not None:
                arrays[f"in{k}"] = t.data
        for key, a in arrays.items():
            yield f"{layer.name}_{key}", np.ravel(a)


def constant_offsets(graph: Graph, layers) -> Iterator[tuple[str, np.ndarray, int]]:
    """Name, values and offset of every constant in the image, each on a multiple of 4."""
    at = 0
    for array, flat in constants(graph, layers):
        yield array, flat, at
        at += -(-flat.nbytes // 4) * 4


def image_size(graph: Graph, layers) -> int:
    """Bytes of the image: whole units of 8, as a flash is written."""
    ends = [at + flat.nbytes for _, flat, at in constant_offsets(graph, layers)]
    return -(-max(ends, default=0) // 8) * 8


def image(source: Source) -> bytes:
    """What a slot holds: the constants of a model, little-endian, for code generated with `slot`."""
    whole = bytearray(image_size(source.graph, source.layers))
    for _, flat, at in constant_offsets(source.graph, source.layers):
        whole[at : at + flat.nbytes] = flat.astype(flat.dtype.newbyteorder("<")).tobytes()
    return bytes(whole)


def head_region(graph: Graph, layers: Sequence[Layer]) -> tuple[int, int]:
    """Where in the image the constants of the last of `layers` begin and end: they lie behind all others.

    Raises EdgekitError for a last layer without any, or one whose output may lie over its input.
    """
    last = layers[-1]
    if last.overlap or not any(constants(graph, [last])):
        why = "works in place" if last.overlap else "has no constants"
        raise EdgekitError(
            f"the last layer, {last.operator}, cannot be replaced on its own: it {why}"
        )
    sizes = [(at, flat.nbytes) for _, flat, at in constant_offsets(graph, layers)]
    first = len(sizes) - sum(1 for _ in constants(graph, [last]))
    return sizes[first][0], sum(sizes[-1])


def image_regions(source: Source) -> list[tuple[int, str, int, int]]:
    """What the image is made of: (offset, "int8" | "int32" | "bytes", values, values in a row)."""
    kinds = {"int8": "int8", "int32": "int32"}
    found = []
    for _, flat, at in constant_offsets(source.graph, source.layers):
        kind = kinds.get(str(flat.dtype), "bytes")
        count = flat.nbytes if kind == "bytes" else flat.size
        found.append((at, kind, count, count))
    return found
