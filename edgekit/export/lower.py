"""Graph → layers: check each operator against its tensors, and choose its kernel and constants."""

from __future__ import annotations

from edgekit.core.errors import EdgekitError
from edgekit.export import unsupported
from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, OperatorContext

HOSTILE = (
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
)  # of shapes and scales that are none
COMPUTED = ("int8", "uint8", "int16", "float32")  # types of values computed at run time


def lower(graph: Graph) -> tuple[list[Layer], dict[int, int]]:
    """Return the layers, and for each tensor that only renames another (RESHAPE …) the one it renames.

    Raises EdgekitError, naming the operator, where shapes, types or quantization do not fit together.
    """
    unsupported.quantization(graph)
    layers: list[Layer] = []
    alias: dict[int, int] = {}
    for op in graph.operators:
        p = OperatorContext(graph, op)
        for t in p.inputs:
            if t is not None and t.data is None and str(t.dtype) not in COMPUTED:
                p.refuse(f"{t.name!r} has type {t.dtype}; convert the model to int8")
        lower_one = OPERATORS[op.name].lower
        if lower_one is None:
            raise EdgekitError(f"operator {op.index} ({op.name}) is not supported here")
        try:
            layer = lower_one(p)
        except HOSTILE as error:
            p.refuse(f"has sizes or scales that cannot be used ({error})")
        if layer is None:
            alias[p.y.index] = p.x.index
        else:
            layers.append(layer)
    if not layers:
        raise EdgekitError("the model does nothing: it has no operator that computes")
    return layers, alias
