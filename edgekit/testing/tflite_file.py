"""Write small `.tflite` files directly, damaged ones too, without TensorFlow or a converter.

`write` takes tables as the schema has them; `to_tflite` a `Graph`, whose options it looks up in the
operators' records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
import tflite

from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph, Operator

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "string": 5, "int16": 7, "int8": 9}
TYPES |= {"resource": 13, "int4": 17}


@dataclass
class T:
    """A tensor to write; `data` makes it a constant."""

    shape: tuple
    dtype: str = "int8"
    scale: object = None  # a number, or one for each slice of `axis`
    zero: int = 0
    axis: int = 0
    data: object = None
    variable: bool = False
    signature: tuple | None = None  # the shape with -1 for what the file does not know


@dataclass
class Op:
    """An operator to write, by its name, number or as "CUSTOM name".

    `options` is a list of (slot, kind, value) of its options table.
    """

    name: str
    inputs: list
    outputs: list
    table: str | None = None
    options: tuple = ()


def write(
    tensors: Sequence[T],
    ops: Sequence[Op],
    inputs: Sequence[int],
    outputs: Sequence[int],
    graphs: int = 1,
    signatures: Sequence[str] = (),
    others: Sequence[tuple[Sequence[T], Sequence[Op]]] = (),
) -> bytes:
    """The bytes of a model with these `tensors` and operators `ops`; `graphs` times the same graph.

    inputs, outputs: indices of tensors. signatures: their keys, where there are any. others: tensors and
    operators of further graphs.
    """
    b = flatbuffers.Builder(1024)

    def table(fields):
        """fields: (slot, kind, value); kind is a Prepend…Slot suffix or "Offset"."""
        b.StartObject(max((f[0] for f in fields), default=0) + 1)
        for slot, kind, value in fields:
            if kind == "Offset":
                b.PrependUOffsetTRelativeSlot(slot, value, 0)
            else:
                # a default that differs from any value, so that every field is stored
                getattr(b, f"Prepend{kind}Slot")(slot, value, None)
        return b.EndObject()

    def offsets(values):
        b.StartVector(4, len(values), 4)
        for v in reversed(values):
            b.PrependUOffsetTRelative(v)
        return b.EndVector()

    def vector(values, dtype):
        return b.CreateNumpyVector(np.asarray(values, dtype).reshape(-1))

    buffers = [table([])]

    def tensor(n: int, t: T) -> int:
        buffer = 0
        if t.data is not None:
            raw = np.ascontiguousarray(t.data, np.dtype(t.dtype)).reshape(-1).view(np.uint8)
            b.StartVector(1, len(raw), 16)
            b.head = b.head - len(raw)
            b.Bytes[b.head : b.head + len(raw)] = raw.tobytes()
            data = b.EndVector()
            buffers.append(table([(0, "Offset", data)]))
            buffer = len(buffers) - 1
        fields = [
            (0, "Offset", vector(t.shape, np.int32)),
            (1, "Int8", TYPES[t.dtype]),
            (2, "Uint32", buffer),
            (3, "Offset", b.CreateString(f"t{n}")),
        ]
        if t.variable:
            fields.append((5, "Bool", True))
        if t.signature is not None:
            fields.append((7, "Offset", vector(t.signature, np.int32)))
        if t.scale is not None:
            scale = np.atleast_1d(np.asarray(t.scale, np.float32))
            scales = vector(scale, np.float32)
            zeros = vector(np.full(len(scale), t.zero), np.int64)
            quantization = table(
                [(2, "Offset", scales), (3, "Offset", zeros), (6, "Int32", t.axis)]
            )
            fields.append((4, "Offset", quantization))
        return table(fields)

    names = sorted({op.name for every in (ops, *(o for _, o in others)) for op in every})
    codes = []
    for name in names:
        builtin, _, custom = name.partition(" ")
        number = int(builtin) if builtin.isdigit() else getattr(tflite.BuiltinOperator, builtin)
        fields = [(0, "Int8", min(number, 127)), (2, "Int32", 1), (3, "Int32", number)]
        codes.append(table(fields + ([(1, "Offset", b.CreateString(custom))] if custom else [])))

    def option(slot: int, kind: str, value) -> tuple:
        if kind == "Vector":
            return slot, "Offset", vector(value, np.int32)
        return (slot, "Offset", b.CreateString(value)) if kind == "String" else (slot, kind, value)

    def operator(op: Op) -> int:
        fields = [
            (0, "Uint32", names.index(op.name)),
            (1, "Offset", vector(op.inputs, np.int32)),
            (2, "Offset", vector(op.outputs, np.int32)),
        ]
        if op.table:
            options = table([option(*given) for given in op.options])
            fields += [
                (3, "Uint8", getattr(tflite.BuiltinOptions, op.table)),
                (4, "Offset", options),
            ]
        return table(fields)

    def graph(tensors: Sequence[T], ops: Sequence[Op], inputs=(), outputs=()) -> int:
        written = [tensor(n, t) for n, t in enumerate(tensors)]
        operators = [operator(op) for op in ops]
        return table(
            [
                (0, "Offset", offsets(written)),
                (1, "Offset", vector(inputs, np.int32)),
                (2, "Offset", vector(outputs, np.int32)),
                (3, "Offset", offsets(operators)),
            ]
        )

    sub = graph(tensors, ops, inputs, outputs)
    further = [graph(*other) for other in others]
    fields = [
        (0, "Uint32", 3),
        (1, "Offset", offsets(codes)),
        (2, "Offset", offsets([sub] * graphs + further)),
        (3, "Offset", b.CreateString("tiny")),
        (4, "Offset", offsets(buffers)),
    ]
    if signatures:
        keys = [table([(2, "Offset", b.CreateString(key))]) for key in signatures]
        fields.append((7, "Offset", offsets(keys)))
    b.Finish(table(fields), b"TFL3")
    return bytes(b.Output())


def to_tflite(graph: Graph) -> bytes:
    """A graph as a file that `edgekit.export.read` reads as the same graph."""
    tensors = [
        T(
            t.shape,
            str(t.dtype),
            t.scale if len(t.scale) else None,
            int(t.zero_point[0]) if len(t.zero_point) else 0,
            t.axis,
            t.data,
            t.variable,
        )
        for t in graph.tensors
    ]
    ops: list[Op] = []
    others: list[tuple[list[T], list[Op]]] = []
    for op in graph.operators:
        kind = OPERATORS[op.name]
        options = []
        for key, value in op.options.items():
            f = kind.fields[key]
            number = next((n for n, v in (f.values or {}).items() if v == value), value)
            options.append((f.slot, f.kind, number))
        ends = list(op.inputs), list(op.outputs)
        if op.name == "CALL_ONCE":
            others.append(_initialization(op, tensors))
            ends, options = ([], []), [(0, "Int32", len(others))]
        elif op.name == "ASSIGN_VARIABLE":
            ends = [op.outputs[0], *op.inputs], []
        ops.append(Op(op.name, *ends, kind.table, tuple(options)))
        if op.name == "CALL_ONCE":
            ops += [_handle(i, i) for i in op.outputs]
    for op in graph.operators:
        for i in op.outputs if op.name == "CALL_ONCE" else ():
            tensors[i] = T((), "resource")
    return write(tensors, ops, graph.inputs, graph.outputs, others=others)


def _handle(variable: int, tensor: int) -> Op:
    named = [(0, "String", ""), (1, "String", f"v{variable}")]
    return Op("VAR_HANDLE", [], [tensor], "VarHandleOptions", tuple(named))


def _initialization(op: Operator, tensors: Sequence[T]) -> tuple[list[T], list[Op]]:
    """The graph that CALL_ONCE calls: a handle and a constant for each variable."""
    count = len(op.outputs)
    inner = [T((), "resource")] * count + [tensors[i] for i in op.inputs]
    ops = [_handle(i, k) for k, i in enumerate(op.outputs)]
    return inner, ops + [Op("ASSIGN_VARIABLE", [k, k + count], []) for k in range(count)]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """`data` with one to five wounds: changed bytes, flipped bits, extreme integers, a cut."""
    d = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        kind, at = int(rng.integers(4)), int(rng.integers(len(d)))
        if kind == 0:
            d[at] = int(rng.integers(256))
        elif kind == 1:
            d[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            value = int(rng.choice([0, 1, -1, 2**31 - 1, -(2**31), 1 << 16, 127, 255]))
            d[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")[: len(d) - at]
        elif rng.random() < 0.2:
            d = d[: at + 1]
    return bytes(d)
