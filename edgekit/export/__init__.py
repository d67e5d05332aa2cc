"""From a `.tflite` to C99 that a person can read.

`read` a model into a Graph, `strip_float_io` takes the float conversions off its ends, `emit` writes its C
sources, `generate` the same together with layers and memory plan.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "read": "reader",
    "Graph": "reader",
    "strip_float_io": "reader",
    "require_int8": "unsupported",
    "emit": "codegen",
    "generate": "codegen",
    "Source": "source",
    "image": "slot",
    "image_regions": "slot",
    "c_array": "tflm_array",
    "compatibility": "contract",
    "bundle": "contract",
    "write": "projects",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
