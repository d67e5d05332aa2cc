"""The model as a C array, for firmware that runs TensorFlow Lite Micro."""

from __future__ import annotations

import re

from edgekit.core.errors import EdgekitError

HEADER = """\
/* {name}: a TensorFlow Lite Micro model of {size:,} bytes, made by edgekit.
 * SHA-256 {sha}
 * Arena: {arena:,} bytes as TFLM's interpreter measured it on a 64-bit host; a 32-bit core needs less.
 */
#ifndef {guard}_H
#define {guard}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {guard}_SIZE {size}
#define {guard}_ARENA_BYTES {arena}

extern const uint8_t {name}[{guard}_SIZE];

#ifdef __cplusplus
}}
#endif
#endif
"""
SOURCE = """\
#include "{name}.h"

/* TFLM reads 16-byte aligned flatbuffers in place; const keeps it in flash. */
const uint8_t {name}[{guard}_SIZE] __attribute__((aligned(16))) = {{
{rows}
}};
"""
RESOLVER = """\
/* The operators of {name}, and no others: what is not registered is not linked. C++, as TFLM is. */
#ifndef {guard}_RESOLVER_H
#define {guard}_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

inline tflite::MicroMutableOpResolver<{count}> {name}_resolver() {{
  tflite::MicroMutableOpResolver<{count}> resolver;
{adds}
  return resolver;
}}

#endif
"""


def c_array(model: bytes, name: str, arena_bytes: int, operators: list[str]) -> dict[str, str]:
    """File name -> text: `<name>.h`, `<name>.c` and `<name>_resolver.h`.

    `operators` are builtin names (`CONV_2D`), as the interpreter lists them; each is registered once.
    Raises EdgekitError if `name` is no C identifier or `model` no `.tflite`.
    """
    import hashlib

    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise EdgekitError(f"{name!r} is no name for a C array: letters, digits and _ only")
    if model[4:8] != b"TFL3":
        raise EdgekitError("this is no .tflite: the identifier TFL3 is missing")
    unique = list(dict.fromkeys(operators))
    fields = {
        "name": name,
        "guard": name.upper(),
        "size": len(model),
        "sha": hashlib.sha256(model).hexdigest(),
        "arena": arena_bytes,
        "rows": "\n".join(_row(model[i : i + 16]) for i in range(0, len(model), 16)),
        "count": len(unique),
        "adds": "\n".join(f"  resolver.{registration_method(op)}();" for op in unique),
    }
    return {
        f"{name}.h": HEADER.format(**fields),
        f"{name}.c": SOURCE.format(**fields),
        f"{name}_resolver.h": RESOLVER.format(**fields),
    }


def registration_method(operator: str) -> str:
    """TFLM's registration method: `DEPTHWISE_CONV_2D` -> `AddDepthwiseConv2D`."""
    words = {"PADV2": "PadV2"}.get(operator) or "".join(
        part if part[0].isdigit() else part.capitalize() for part in operator.split("_")
    )
    return f"Add{words}"


def _row(data: bytes) -> str:
    return "    " + " ".join(f"0x{byte:02x}," for byte in data)
