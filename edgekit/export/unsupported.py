"""What a model needs that the generator does not have: one line with the cause, and what to do."""

from __future__ import annotations

from collections import Counter

import flatbuffers

from edgekit.core.errors import EdgekitError
from edgekit.operators import OPERATORS, supported
from edgekit.operators.graph import Graph

TO_INT8 = "convert it with a representative dataset and supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"
WEIGHTS_ONLY = f"the model is quantized in its weights only and computes in float32: {TO_INT8}"
HALF = f"the model holds float16 and computes in float32: {TO_INT8}"
TYPES = {
    1: ("float16", HALF),
    5: ("string", "take text out of the model: it belongs in the code around it"),
    8: ("complex64", "take the transform out of the model: edgekit.signal has features with a C side"),
    10: ("float64", "build the model in float32"),
    13: ("resource", "the model keeps a table, or passes variables on: leave that to the code around it"),
    14: ("variant", "the model keeps lists, as a loop does: unroll it (in Keras, unroll=True)"),
    17: ("int4", "4-bit weights: convert the model with 8-bit ones"),
    18: ("bfloat16", TO_INT8),
}  # fmt: skip
LOOKUP = ("HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE")
FLOW = ("WHILE", "IF", "CALL", "STABLEHLO_WHILE", "STABLEHLO_CASE")
SIZED = ("FILL", "WHERE", "UNIQUE")  # what converters write for a batch that they do not know


def quoted(text: bytes | None) -> str:
    """A name from the file, on one line and not too long."""
    name = (text or b"").decode("utf-8", "replace")
    return repr(name if len(name) <= 60 else name[:57] + "…")


def operator_name(model, op, index: int, names: dict[int, str]) -> str:
    """An operator's name, as in the schema; a custom one's with the name that it has in the file."""
    if op.OpcodeIndex() >= model.OperatorCodesLength():
        raise EdgekitError(
            f"operator {index} refers to code {op.OpcodeIndex()}, which does not exist"
        )
    code = model.OperatorCodes(op.OpcodeIndex())
    # codes beyond 126 live in the newer field; the runtimes take the larger of the two, where the tflite
    # package's BuiltinCode() answers with the older field as long as that is set
    table = code._tab
    at = table.Offset(10)
    newer = table.Get(flatbuffers.number_types.Int32Flags, at + table.Pos) if at else 0
    number = max(code.DeprecatedBuiltinCode(), newer)
    name = names.get(number, f"number {number}, newer than the schema that edgekit reads")
    return f"CUSTOM {quoted(code.CustomCode())}" if name == "CUSTOM" else name


def check_operators(model, sub, names: dict[int, str]) -> None:
    """Refuse operators that the generator does not know: the first with its place, all by name."""
    found: Counter[str] = Counter()
    first = ""
    for index in range(sub.OperatorsLength()):
        op = sub.Operators(index)
        name = operator_name(model, op, index, names)
        if name in OPERATORS:
            continue
        found[name] += 1
        where = "nowhere"
        if op.OutputsLength() and 0 <= op.Outputs(0) < sub.TensorsLength():
            where = quoted(sub.Tensors(op.Outputs(0)).Name())
        first = first or f"operator {index} ({name}, writing {where}) is not supported"
    if not found:
        return
    advice = next(advice for kinds, advice in ADVICE if any(kinds(n) for n in found))
    others = [f"{n} ({count})" if count > 1 else n for n, count in found.items()]
    more = f"; all that are not: {', '.join(others[:12])}" if found.total() > 1 else ""
    more += f" and {len(others) - 12} more" if len(others) > 12 else ""
    raise EdgekitError(f"{first}: {advice}{more}. Known: {', '.join(supported())}")


ADVICE = (
    (
        lambda n: n in LOOKUP,
        "the model looks things up in a table: do that in the code around it",
    ),
    (
        lambda n: n in FLOW,
        "the model has control flow: convert one without (recurrent layers of Keras with unroll=True)",
    ),
    (
        lambda n: n.startswith("CUSTOM 'Flex"),
        "it needs TensorFlow's own kernels: replace that layer with one of TensorFlow Lite's operators",
    ),
    (
        lambda n: n.startswith("CUSTOM"),
        "custom operators have no code here: end the model before it, or replace that layer",
    ),
    (lambda n: n in SIZED, "convert the model with a fixed batch of 1, which avoids it"),
    (lambda n: True, "replace that layer, or move it out of the model"),
)


def check_single_subgraph(model, called: set[int]) -> None:
    """Refuse more than one graph, where no operator of the first calls the others; `called`: which are."""
    count = model.SubgraphsLength()
    if count == len(called):
        return
    if model.SignatureDefsLength() > 1:
        keys = [
            quoted(model.SignatureDefs(i).SignatureKey())
            for i in range(model.SignatureDefsLength())
        ]
        listed = ", ".join(keys[:6]) + (" …" if len(keys) > 6 else "")
        raise EdgekitError(
            f"the model has {len(keys)} signatures ({listed}), each with its own graph: convert the one "
            "function that the device runs"
        )
    raise EdgekitError(
        f"the model has {count} graphs, and nothing in its first one uses the others: convert it again "
        "from a single function"
    )


def check_tensor_type(t, name: str, known) -> None:
    """Refuse a type or a storage that the generator cannot read."""
    if t.Type() not in known:
        kind, advice = TYPES.get(t.Type(), (f"number {t.Type()}", TO_INT8))
        raise EdgekitError(f"tensor {name!r} has type {kind}: {advice}")
    if t.Sparsity() is not None:
        raise EdgekitError(
            f"tensor {name!r} is stored without its zeros: convert the model without EXPERIMENTAL_SPARSITY"
        )


def check_buffer(buffer, name: str) -> None:
    """Refuse constants outside of the flatbuffer (files of more than 2 GB hold them behind it)."""
    if buffer.Offset() > 1:
        raise EdgekitError(
            f"the values of tensor {name!r} lie behind the model, as in files above 2 GB: convert it "
            "again without use_buffer_offset"
        )


def quantization(graph: Graph) -> None:
    """Refuse a model that is quantized in another way than int8 throughout."""
    for op in graph.operators:
        inputs = [graph.tensors[i] for i in op.inputs if i >= 0]
        constant = {str(t.dtype) for t in inputs if t.data is not None}
        given = {str(t.dtype) for t in inputs if t.data is None}
        out = str(graph.tensors[op.outputs[0]].dtype)
        if "int8" in constant and out == "float32":
            raise EdgekitError(f"operator {op.index} ({op.name}): {WEIGHTS_ONLY}")
        if OPERATORS[op.name].weighted and "int16" in given and "int8" in constant:
            raise EdgekitError(
                f"operator {op.index} ({op.name}): the model has 16-bit activations and 8-bit weights: "
                f"{TO_INT8}, which is 8 bits for both"
            )


def require_int8(graph: Graph) -> None:
    """Raise EdgekitError unless each input of the model is int8 (or uint8) with one scale."""
    quantization(graph)
    for t in (graph.tensors[i] for i in graph.inputs):
        if str(t.dtype) not in ("int8", "uint8") or len(t.scale) != 1:
            raise EdgekitError(
                f"a model with int8 inputs is needed, and {t.name!r} is {t.dtype}: {TO_INT8} and "
                "inference_input_type = tf.int8"
            )
