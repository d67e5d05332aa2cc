"""NAME_weights.h: a network's constants as C arrays, or where they lie in its slot."""

from __future__ import annotations

import numpy as np

from edgekit.export.slot import constant_offsets, constants, head_region
from edgekit.export.source import Source
from edgekit.operators.layer import literal

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "float32": "float",
}


def head_of(source: Source) -> tuple[int, int]:
    """Where in the image the head begins and ends; nowhere where the last layer is none."""
    return head_region(source.graph, source.layers) if source.head else (0, 0)


def weights(source: Source) -> str:
    """NAME_weights.h: the constants, or where they lie in a slot."""
    own, by = f"Constants of {source.name}", f"Included by {source.program or source.name}.c only."
    if source.slot:
        return f"/* {own} in its slot: offsets in the image. {by} */\n{_weights_in_slot(source)}"
    return f"/* {own}, in the order its kernels read them. {by} */\n{_weights(source)}"


def _weights(source: Source) -> str:
    """Constant arrays. Small and equal arrays are not shared: a linker may, the reader should not have to."""
    parts = ["#include <stdint.h>\n"]
    for array, flat in constants(source.graph, source.layers):
        parts.append(
            f"static const {C_TYPES[str(flat.dtype)]} {array}[{flat.size}] "
            f"__attribute__((aligned(4))) = {{\n{_numbers(flat)}\n}};"
        )
    return "\n".join(parts) + "\n"


def _weights_in_slot(source: Source) -> str:
    """Where each constant lies in the slot; those of the head from its beginning on."""
    name, region = source.name, head_of(source)
    parts = ["#include <stdint.h>\n"]
    for array, flat, at in constant_offsets(source.graph, source.layers):
        kind = C_TYPES[str(flat.dtype)]
        where = f"slot + {at}" if not any(region) or at < region[0] else f"head + {at - region[0]}"
        parts.append(f"#define {array} ((const {kind} *)({name}_{where})) /* [{flat.size}] */")
    return "\n".join(parts) + "\n"


def _numbers(a: np.ndarray) -> str:
    if a.dtype == np.float32:
        words = [literal(v) for v in a]
    else:
        words = [str(v) for v in a.tolist()]
        words = ["INT32_MIN" if w == "-2147483648" else w for w in words]
    per_line = 24 if a.dtype == np.int8 else 8
    rows = [words[i : i + per_line] for i in range(0, len(words), per_line)]
    return ",\n".join("  " + ", ".join(r) for r in rows)
