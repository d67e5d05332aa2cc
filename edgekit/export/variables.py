"""Variables as a file has them, handles and a graph that sets them up, made tensors that operators write.

In the file VAR_HANDLE names a variable, CALL_ONCE runs another graph whose ASSIGN_VARIABLEs give it a
constant before the first inference, and READ_VARIABLE and ASSIGN_VARIABLE refer to the handle. Here the
handle's tensor is the variable, CALL_ONCE has the constants as inputs and the variables as outputs, and
ASSIGN_VARIABLE has the variable as its output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators.graph import Operator, Tensor

RESOURCE = 13  # TensorType of a handle
ENDS = {  # operators that lack inputs or outputs: how many of each
    "CALL_ONCE": (0, 0),
    "VAR_HANDLE": (0, 1),
    "READ_VARIABLE": (1, 1),
    "ASSIGN_VARIABLE": (2, 0),
}


@dataclass(frozen=True)
class Parts:
    """One graph of a file: its tensors and operators."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]


def placeholder(index: int, name: str, handle: bool = False) -> Tensor:
    """What stands in for a tensor that nothing uses, and for a handle until its variable is known."""
    nothing = np.zeros(0, np.float32), np.zeros(0, np.int64)
    return Tensor(index, name, (), np.dtype(np.uint8), *nothing, 0, variable=handle)


def resolved(main: Parts, ends: Sequence[int], graph_of: Callable[[Operator], Parts]) -> Parts:
    """The same graph with its variables as tensors.

    ends: the model's inputs and outputs. graph_of: the graph that a CALL_ONCE runs. Raises EdgekitError for
    handles that are used otherwise, and variables without a constant first value.
    """
    names = _names(main)
    if not any(op.name in ENDS for op in main.operators):
        return main
    first: dict[tuple, int] = {}
    variable = {i: first.setdefault(name, i) for i, name in names.items()}
    tensors, operators, known = list(main.tensors), [], set()
    if variable.keys() & set(ends):
        raise EdgekitError("a variable's handle is an input or output of the model: not supported")
    for op in main.operators:
        if op.name == "CALL_ONCE":
            inputs, outputs = [], []
            for name, value in _initial(op, graph_of(op)).items():
                i = first.get(name)
                if i is None:  # no one uses it
                    continue
                if i in known:
                    raise EdgekitError(f"{_place(op)} sets up variable {name[1]!r} again")
                known.add(i)
                tensors.append(replace(value, index=len(tensors)))
                tensors[i] = replace(value, index=i, name=tensors[i].name, data=None, variable=True)
                inputs.append(len(tensors) - 1)
                outputs.append(i)
            if outputs:
                operators.append(replace(op, inputs=tuple(inputs), outputs=tuple(outputs)))
        elif op.name in ENDS and op.name != "VAR_HANDLE":
            i = variable.get(op.inputs[0])
            if i is None or (variable.keys() & {*op.inputs[1:], *op.outputs}):
                raise EdgekitError(f"{_place(op)} has no handle of a variable where it needs one")
            if i not in known:
                raise EdgekitError(
                    f"{_place(op)} uses variable {names[i][1]!r} before a CALL_ONCE gives it a "
                    "constant value: convert the model with its initial state"
                )
            ends_of = ((i,), op.outputs) if op.name == "READ_VARIABLE" else (op.inputs[1:], (i,))
            operators.append(replace(op, inputs=ends_of[0], outputs=ends_of[1]))
        elif op.name != "VAR_HANDLE":
            if variable.keys() & {*op.inputs, *op.outputs}:
                raise EdgekitError(f"{_place(op)} works on a variable's handle: not supported")
            operators.append(op)
    return Parts(tuple(tensors), tuple(operators))


def _names(graph: Parts) -> dict[int, tuple]:
    """For each handle the container and name of its variable."""
    found = {}
    for op in graph.operators:
        if op.name == "VAR_HANDLE":
            if not graph.tensors[op.outputs[0]].variable:
                raise EdgekitError(f"{_place(op)} does not write a handle")
            found[op.outputs[0]] = (op.options["container"], op.options["name"])
    return found


def _initial(op: Operator, graph: Parts) -> dict[tuple, Tensor]:
    """What each variable is set to."""
    names, found = _names(graph), {}
    for inner in graph.operators:
        if inner.name not in ("VAR_HANDLE", "ASSIGN_VARIABLE"):
            raise EdgekitError(
                f"{_place(op)} runs {inner.name}: only constants can be assigned there"
            )
        if inner.name == "ASSIGN_VARIABLE":
            name, value = names.get(inner.inputs[0]), graph.tensors[inner.inputs[1]]
            if inner.inputs[1] < 0 or name is None or value.data is None:
                raise EdgekitError(f"{_place(op)} does not assign constants to variables")
            found[name] = value
    return found


def _place(op: Operator) -> str:
    return f"operator {op.index} ({op.name})"
