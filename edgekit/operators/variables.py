"""CALL_ONCE, READ_VARIABLE and ASSIGN_VARIABLE: what a streaming model keeps between inferences.

As `export.variables` hands them over: a variable is a tensor that CALL_ONCE writes from constants before the
first inference, READ_VARIABLE reads and ASSIGN_VARIABLE writes. It lives in the arena for good. Where nothing
would be seen of it no value is copied: a value that is read stays where the variable is, and the layer
that computes a new value writes it there.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.record import Field, OperatorType

RENAMES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # their output lies where their input does


def call_once(p: OperatorContext) -> Layer:
    """Writes the initial values at the first inference after a reset; `{state}` says that it is done."""
    calls, constants = ["if (!ek_first({state})) return;"], {}
    for k, (value, variable) in enumerate(zip(p.inputs, p.outputs, strict=True)):
        raw = np.frombuffer(value.data.tobytes(), np.uint8)
        if (raw == raw[0]).all():
            calls.append(f"ek_set({{out{k}}}, {raw[0]}, {variable.nbytes});")
        else:
            constants[f"initial_{k}"] = value.data
            calls.append(f"ek_keep({{initial_{k}}}, {{out{k}}}, {variable.nbytes});")
    kept = tuple(t.index for t in p.outputs)
    return p.layer(
        "\n  ".join(calls),
        ["ek_state.h"],
        inputs=(),
        constants=constants,
        state=1,
        kept=kept,
        comment=f"{len(kept)} variables",
    )


def read(p: OperatorContext) -> Layer | None:
    """Checks it; a copy only where the variable changes while what was read is still needed."""
    _same(p)
    later = p.graph.operators[_position(p.graph, p.op) + 1 :]
    names, changed = {p.y.index}, False
    for op in later:
        if changed and names & set(op.inputs):
            return _copy(p)
        names |= set(op.outputs) if op.name in RENAMES and op.inputs[0] in names else set()
        changed |= p.x.index in op.outputs
    return _copy(p) if names & set(p.graph.outputs) else None


def assign(p: OperatorContext) -> Layer | None:
    """Checks it; a copy unless the value can be computed right where the variable is."""
    _same(p)
    return None if _in_place(p) else _copy(p)


def _in_place(p: OperatorContext) -> bool:
    """Whether only this operator needs the value, and none the old one once the new one is computed."""
    ops, value, variable = p.graph.operators, p.x.index, p.y.index
    makers = [n for n, op in enumerate(ops) if value in op.outputs]
    writers = [op for op in ops if variable in op.outputs]
    if len(makers) != 1 or len(writers) != 2 or writers[0].name != "CALL_ONCE":
        return False
    maker = ops[makers[0]]
    if maker.name in (*RENAMES, "READ_VARIABLE") or sum(value in op.inputs for op in ops) != 1:
        return False
    if value in p.graph.outputs or len(maker.outputs) > 1:
        return False
    before = ops[: _position(p.graph, p.op)]
    names = {variable} | _names(before, variable)
    between = before[makers[0] :]
    return not any(names & set(op.inputs) or variable in op.outputs for op in between)


def _names(ops: Iterable[Operator], variable: int) -> set[int]:
    """What was read of a variable, under every name that it got."""
    names: set[int] = set()
    for op in ops:
        reads = op.name == "READ_VARIABLE" and variable in op.inputs
        if reads or (op.name in RENAMES and op.inputs[0] in names):
            names |= set(op.outputs)
    return names


def _position(graph: Graph, op: Operator) -> int:
    return next(n for n, other in enumerate(graph.operators) if other is op)


def _same(p: OperatorContext) -> None:
    p.inputs_between(1, 1)
    fits = p.x.dtype == p.y.dtype and p.x.size == p.y.size
    p.require(fits, f"a variable of {p.x.dtype}{list(p.x.shape)} does not fit {p.y}")


def _copy(p: OperatorContext) -> Layer:
    return p.layer(f"ek_keep({{in0}}, {{out0}}, {p.y.nbytes});", ["ek_state.h"])


def _stream(rng: np.random.Generator, late: bool, several: int) -> Graph:
    """A window that moves on by what comes in; `late` reads: the old value is needed after the new one is."""
    new, old, width = (int(v) for v in rng.integers(1, 6, 3))
    x = e.quantization(rng)
    first = rng.integers(-128, 128, (1, old, width)) if rng.random() < 0.5 else x["zero"]
    start = np.broadcast_to(first, (1, old, width))
    tensors = [
        e.tensor((1, new, width), **x),
        e.tensor((1, old, width), data=start, **x),
        e.tensor((1, old, width), variable=True, **x),
        e.tensor((1, old, width), **x),  # what was read
        e.tensor((1, old + new, width), **x),
        e.ints((0, new, 0)),
        e.ints((1, old + new, width)),
        e.ints((1, 1, 1)),
        e.tensor((1, old, width), **x),  # what is kept
        e.tensor((1, old + new, width), **x),
        e.tensor((1, old, width), **x),
    ]
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    options = {f"{k}_mask": v for k, v in masks.items()} | {"offset": False}
    join = e.operator("CONCATENATION", [3, 0], [4], {"axis": 1, "activation": "none"})
    ops = [
        e.operator("CALL_ONCE", [1], [2], {"graph": 1}),
        e.operator("READ_VARIABLE", [2], [3]),
        join,
        e.operator("STRIDED_SLICE", [4, 5, 6, 7], [8], options),
        e.operator("ASSIGN_VARIABLE", [8], [2]),
        e.operator("LEAKY_RELU", [4], [9], {"alpha": 0.25}),
        e.operator("LEAKY_RELU", [3 if late else 8], [10], {"alpha": 0.5}),
    ]
    if several:  # assigned again, from what the first assignment left there
        tensors += [e.tensor((1, old, width), **x), e.tensor((1, old, width), **x)]
        ops += [e.operator("READ_VARIABLE", [2], [11])]
        ops += [e.operator("MAXIMUM", [11, 3], [12]), e.operator("ASSIGN_VARIABLE", [12], [2])]
    return e.model(tensors, ops, [0], [9, 10])


def stream_example(rng: np.random.Generator) -> Graph:
    """As streaming models do: read, join, cut, assign."""
    graph = _stream(rng, True, 0)
    ops = graph.operators[:-1]  # without the late reader
    return e.model(graph.tensors[:-1], ops, [0], [9])


def late_example(rng: np.random.Generator) -> Graph:
    """The old value or the new one is needed later on, and the variable may be assigned twice."""
    return _stream(rng, bool(rng.integers(2)), int(rng.integers(2)))


OPERATORS = (
    OperatorType(
        "CALL_ONCE",
        call_once,
        "CallOnceOptions",
        {"graph": Field("InitSubgraphIndex", 0)},
        examples=(stream_example, late_example),
    ),
    OperatorType(
        "VAR_HANDLE",
        table="VarHandleOptions",
        fields={
            "container": Field("Container", 0, "String"),
            "name": Field("SharedName", 1, "String"),
        },
    ),
    OperatorType("READ_VARIABLE", read, examples=(stream_example, late_example)),
    OperatorType("ASSIGN_VARIABLE", assign, examples=(stream_example, late_example)),
)
