"""Read a `.tflite` file into a `Graph`, trusting nothing in it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export import unsupported, variables
from edgekit.export.shapes import fold_shapes
from edgekit.export.verify import verify
from edgekit.operators import OPERATORS
from edgekit.operators.graph import MAX_ELEMENTS, MAX_RANK, Graph, Operator, Tensor

MAX_OPERATORS = 4096

DTYPES: dict[int, np.dtype] = {
    0: np.dtype("float32"),
    2: np.dtype("int32"),
    3: np.dtype("uint8"),
    4: np.dtype("int64"),
    6: np.dtype("bool"),
    7: np.dtype("int16"),
    9: np.dtype("int8"),
}


def read(model: bytes | bytearray | memoryview | str | Path) -> Graph:
    """Read a `.tflite` into a `Graph`; model: a path or the file's bytes.

    Raises EdgekitError, with one line that says what is wrong, for a file that is damaged, that uses
    an operator or a type the generator does not know, or whose pieces do not agree with each other.
    """
    if isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
    else:
        path = Path(model)
        if not path.is_file():
            raise EdgekitError(f"no model file at {path}")
        data = path.read_bytes()
    import tflite

    unions = {v: k for k, v in vars(tflite.BuiltinOptions).items() if isinstance(v, int)}
    verify(data, unions)
    try:
        graph = _parse(tflite, data, unions)
        _check_sizes(graph)
        graph = fold_shapes(graph)
    except EdgekitError:
        raise
    except (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError) as err:
        raise EdgekitError(f"damaged .tflite: {type(err).__name__}: {err}") from None
    check(graph)
    return graph


def _check_sizes(graph: Graph) -> None:
    for t in (graph.tensors[i] for i in graph.inputs if 0 <= i < len(graph.tensors)):
        if any(d < 0 for d in t.signature[1:]):
            raise EdgekitError(
                f"model input {t.name!r} has no fixed size ({list(t.signature)}): convert the model "
                "with the input's full shape"
            )


def strip_float_io(graph: Graph) -> Graph:
    """The same model without QUANTIZE at its inputs and DEQUANTIZE at its outputs.

    Firmware that quantizes its own features needs neither the float buffers nor the float code.
    """
    readers = [i for op in graph.operators for i in op.inputs]
    swap = {}
    for op in graph.operators:
        source, target = op.inputs[0], op.outputs[0]
        if op.name == "QUANTIZE" and source in graph.inputs and readers.count(source) == 1:
            swap[source] = target
        if op.name == "DEQUANTIZE" and target in graph.outputs and target not in readers:
            swap[target] = source
    gone = [op for op in graph.operators if op.inputs[0] in swap or op.outputs[0] in swap]
    return replace(
        graph,
        operators=tuple(op for op in graph.operators if op not in gone),
        inputs=tuple(swap.get(i, i) for i in graph.inputs),
        outputs=tuple(swap.get(i, i) for i in graph.outputs),
    )


def _parse(tflite, data: bytes, unions: dict[int, str]) -> Graph:
    model = tflite.Model.GetRootAs(data, 0)
    if model.Version() != 3:
        raise EdgekitError(f"this .tflite has schema version {model.Version()}; 3 is known")
    if not model.SubgraphsLength():
        raise EdgekitError("damaged .tflite: it has no graph")
    sub = model.Subgraphs(0)
    names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    ints = lambda v: tuple(int(i) for i in v) if not isinstance(v, int) else ()  # noqa: E731
    inputs, outputs = ints(sub.InputsAsNumpy()), ints(sub.OutputsAsNumpy())
    main, called = _parts(tflite, model, sub, names, unions), {0}

    def graph_of(op: Operator) -> variables.Parts:
        if not 0 < op.options["graph"] < model.SubgraphsLength():
            raise EdgekitError(f"operator {op.index} (CALL_ONCE) calls a graph that is not there")
        if op.options["graph"] in called:
            raise EdgekitError(f"operator {op.index} (CALL_ONCE) calls a graph a second time")
        called.add(op.options["graph"])
        return _parts(tflite, model, model.Subgraphs(op.options["graph"]), names, unions)

    whole = variables.resolved(main, inputs + outputs, graph_of)
    unsupported.check_single_subgraph(model, called)
    return Graph(
        whole.tensors,
        whole.operators,
        inputs,
        outputs,
        hashlib.sha256(data).hexdigest(),
        len(data),
        tflm_differs=not all(OPERATORS[op.name].tflm for op in whole.operators),
    )


def _parts(tflite, model, sub, names: dict[int, str], unions: dict[int, str]) -> variables.Parts:
    if sub.OperatorsLength() > MAX_OPERATORS or sub.TensorsLength() > 4 * MAX_OPERATORS:
        raise EdgekitError(f"the model has more than {MAX_OPERATORS} operators or too many tensors")
    # before the tensors: an unknown operator may need odd ones
    unsupported.check_operators(model, sub, names)
    ops = [sub.Operators(i) for i in range(sub.OperatorsLength())]
    handles = {
        int(op.Outputs(0))
        for i, op in enumerate(ops)
        if unsupported.operator_name(model, op, i, names) == "VAR_HANDLE" and op.OutputsLength()
    }
    # an LSTM brings tensors along that only say how it was quantized, some without a size
    ends = [f() for op in (sub, *ops) for f in (op.InputsAsNumpy, op.OutputsAsNumpy)]
    used = {int(i) for v in ends if not isinstance(v, int) for i in v}
    tensors = tuple(
        _tensor(model, sub.Tensors(i), i, i in handles)
        if i in used
        else variables.placeholder(i, f"tensor_{i}")
        for i in range(sub.TensorsLength())
    )
    return variables.Parts(
        tensors,
        tuple(_operator(tflite, model, op, i, names, unions, tensors) for i, op in enumerate(ops)),
    )


def _tensor(model, t, index: int, handle: bool) -> Tensor:
    name = (t.Name() or b"").decode("utf-8", "replace") or f"tensor_{index}"
    if handle and t.Type() == variables.RESOURCE:
        return variables.placeholder(index, name, handle=True)
    unsupported.check_tensor_type(t, name, DTYPES)
    dtype = DTYPES[t.Type()]
    # a dynamic batch is stored as 1 in shape and as -1 in shape_signature: the kit runs one at a time
    shape = tuple(int(d) for d in t.ShapeAsNumpy()) if t.ShapeLength() else ()
    if shape and shape[0] == -1:
        shape = (1, *shape[1:])
    count = 1
    for d in shape:
        count *= d
        if d < 1 or count > MAX_ELEMENTS:
            raise EdgekitError(f"tensor {name!r} has shape {list(shape)}: sizes must be 1 and more")
    if len(shape) > MAX_RANK:
        raise EdgekitError(f"tensor {name!r} has {len(shape)} dimensions; {MAX_RANK} is the limit")
    if t.Buffer() >= model.BuffersLength():
        raise EdgekitError(f"tensor {name!r} refers to buffer {t.Buffer()}, which does not exist")
    buffer = model.Buffers(t.Buffer())
    constant = None
    unsupported.check_buffer(buffer, name)
    if buffer.DataLength():
        raw = buffer.DataAsNumpy()
        if len(raw) != count * dtype.itemsize:
            raise EdgekitError(
                f"tensor {name!r} needs {count * dtype.itemsize} bytes and its buffer has {len(raw)}"
            )
        constant = np.frombuffer(raw, dtype.newbyteorder("<")).reshape(shape)
    scale, zero, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    q = t.Quantization()
    if q is not None and q.ScaleLength():
        scale = np.array(q.ScaleAsNumpy(), np.float32)
        zero = np.array(q.ZeroPointAsNumpy(), np.int64) if q.ZeroPointLength() else zero
        axis = int(q.QuantizedDimension())
    signature = t.ShapeSignatureAsNumpy() if t.ShapeSignatureLength() else ()
    signature = tuple(int(d) for d in signature) if any(d < 0 for d in signature) else ()
    variable = bool(t.IsVariable())
    return Tensor(index, name, shape, dtype, scale, zero, axis, constant, variable, signature)


def _operator(tflite, model, op, index: int, names, unions, tensors) -> Operator:
    name = unsupported.operator_name(model, op, index, names)
    inputs = tuple(int(i) for i in op.InputsAsNumpy()) if op.InputsLength() else ()
    outputs = tuple(int(i) for i in op.OutputsAsNumpy()) if op.OutputsLength() else ()
    for i in inputs + outputs:
        if not -1 <= i < len(tensors) or (i < 0 and i in outputs):
            raise EdgekitError(
                f"operator {index} ({name}) refers to tensor {i}, which does not exist"
            )
    wanted = variables.ENDS.get(name)
    if (len(inputs), len(outputs)) != wanted if wanted else not outputs or not inputs:
        raise EdgekitError(f"operator {index} ({name}) lacks inputs or outputs")
    kind = OPERATORS[name]
    if kind.table is None:
        return Operator(index, name, inputs, outputs)
    position = op.BuiltinOptions()
    if position is None or unions.get(op.BuiltinOptionsType()) != kind.table:
        raise EdgekitError(f"operator {index} ({name}) lacks its options")
    raw = getattr(tflite, kind.table)()
    raw.Init(position.Bytes, position.Pos)
    options: dict[str, Any] = {}
    for key, f in kind.fields.items():
        value = getattr(raw, f.accessor)()
        if f.values is not None:
            if value not in f.values:
                fused = "fused " if key == "activation" else ""
                raise EdgekitError(f"operator {index} ({name}) has an unknown {fused}{key}")
            value = f.values[value]
        elif f.kind == "Vector":
            value = tuple(map(int, value)) if isinstance(value, np.ndarray) else ()
        elif f.kind == "String":
            value = (value or b"").decode("utf-8", "replace")
        options[key] = value
    return Operator(index, name, inputs, outputs, options)


def check(graph: Graph) -> None:
    """Order and quantization: each tensor is written once and before it is read, each scale is usable."""
    if not graph.inputs or not graph.outputs or not graph.operators:
        raise EdgekitError("the model has no input, no output or no operator")
    ready = {t.index for t in graph.tensors if t.data is not None}
    states = {
        op.inputs[k]
        for op in graph.operators
        for k in OPERATORS[op.name].states
        if k < len(op.inputs)
    }
    ready |= {t.index for t in graph.tensors if t.variable and t.index in states}
    for i in graph.inputs:
        if not 0 <= i < len(graph.tensors) or i in ready:
            raise EdgekitError(f"model input {i} is not a tensor that can be set")
        ready.add(i)
    for op in graph.operators:
        for i in op.inputs:
            if i >= 0 and i not in ready:
                raise EdgekitError(
                    f"operator {op.index} ({op.name}) reads {graph.tensors[i].name!r} before it is "
                    "written"
                )
        for i in op.outputs:
            if i in ready and op.name != "ASSIGN_VARIABLE":
                raise EdgekitError(
                    f"operator {op.index} ({op.name}) overwrites {graph.tensors[i].name!r}"
                )
            ready.add(i)
    for i in graph.outputs:
        if i not in ready or not 0 <= i < len(graph.tensors):
            raise EdgekitError(f"model output {i} is never written")
    used = set(graph.inputs) | {i for op in graph.operators for i in op.inputs + op.outputs}
    for t in (graph.tensors[i] for i in sorted(used) if i >= 0):
        _check_quantization(t)


def _check_quantization(t: Tensor) -> None:
    if not len(t.scale):
        if t.dtype == np.int8:
            raise EdgekitError(f"tensor {t.name!r} is int8 and has no scale")
        return
    if not (np.isfinite(t.scale).all() and (t.scale > 0).all()):
        raise EdgekitError(f"tensor {t.name!r} has a scale that is not positive and finite")
    if len(t.zero_point) != len(t.scale):
        raise EdgekitError(
            f"tensor {t.name!r} has {len(t.scale)} scales, {len(t.zero_point)} zeros"
        )
    if (
        t.dtype != np.int8
    ):  # TFLM ignores the scales of a bias, and some old converters write odd ones
        return
    if len(t.scale) > 1 and not (0 <= t.axis < len(t.shape) and t.shape[t.axis] == len(t.scale)):
        raise EdgekitError(f"tensor {t.name!r} has {len(t.scale)} scales for shape {list(t.shape)}")
    if t.zero_point.min() < -128 or t.zero_point.max() > 127:
        raise EdgekitError(f"tensor {t.name!r} has a zero point outside -128…127")
