"""Names for what lies in the arena, so that the generated C says `MODEL_AT_CONV_2D_3` and not `15632`."""

from __future__ import annotations

from edgekit.export.plan import Plan
from edgekit.operators.graph import Graph
from edgekit.operators.layer import shape_text


def buffer_names(
    graph: Graph, name: str, layers, memory: Plan, root
) -> dict[object, tuple[str, str]]:
    """Each buffer of the plan -> the macro of its offset, and a comment.

    root: from a tensor to the one that it only renames.
    """
    prefix = f"{name.upper()}_AT"
    found: dict[object, tuple[str, str]] = {}

    def tensor(i: int, what: str) -> None:
        t = graph.tensors[i]
        found.setdefault(root(i), (f"{prefix}_{what}", f"{t.dtype} {shape_text(t)}"))

    for n, i in enumerate(graph.inputs):
        tensor(i, f"INPUT{index_suffix(graph.inputs, n)}")
    for n, layer in enumerate(layers):
        what = layer.name.upper()
        for k, i in enumerate(layer.outputs):
            tensor(i, f"{what}{index_suffix(layer.outputs, k)}")
        if layer.scratch:
            found["scratch", n] = (f"{prefix}_{what}_SCRATCH", f"{layer.scratch} bytes")
        if layer.state:
            found["state", n] = (f"{prefix}_{what}_STATE", f"{layer.state} bytes, kept")
    return {b.key: found[b.key] for b in memory.buffers}


def offset_macros(memory: Plan, names: dict[object, tuple[str, str]]) -> str:
    """The macros, in the order in which the buffers are first needed."""
    lines = [
        "/* Where each value lies in the arena, in bytes; what is not needed at once may overlap. */"
    ]
    for b in sorted(memory.buffers, key=lambda b: (b.first, memory.offsets[b.key])):
        macro, comment = names[b.key]
        lines.append(f"#define {macro} {memory.offsets[b.key]} /* {comment} */")
    return "\n".join(lines) + "\n"


def index_suffix(tensors, i: int) -> str:
    """ "" for the only input or output, "_0", "_1" … where there are several."""
    return f"_{i}" if len(tensors) > 1 else ""
