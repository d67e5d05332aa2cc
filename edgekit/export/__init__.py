"""From a `.tflite` to C99 that a person can read.

`read` a model into a Graph, `strip_float_io` takes the float conversions off its ends, `emit` writes its C
sources, `generate` the same together with layers and memory plan.
"""

from __future__ import annotations

from edgekit.core.lazy import getter

_HOMES = {
    "read": "edgekit.export.reader",
    "Graph": "edgekit.operators.graph",
    "strip_float_io": "edgekit.export.reader",
    "require_int8": "edgekit.export.unsupported",
    "emit": "edgekit.export.codegen",
    "generate": "edgekit.export.codegen",
    "dead_channels": "edgekit.export.dead",
    "DeadChannels": "edgekit.export.dead",
    "Source": "edgekit.export.source",
    "generate_several": "edgekit.export.several",
    "Several": "edgekit.export.several",
    "image": "edgekit.export.slot",
    "image_regions": "edgekit.export.slot",
    "c_array": "edgekit.export.tflm_array",
    "compatibility": "edgekit.export.contract",
    "bundle": "edgekit.export.contract",
    "write": "edgekit.export.projects",
}
__all__ = list(_HOMES)
__getattr__ = getter(__name__, _HOMES)
