"""What an operator must do to belong to the generator: run its record through `check`, or each of `CHECKS`.

    from edgekit.operators import OPERATORS, OperatorType
    OPERATORS["ABS"] = OperatorType("ABS", lower, …, examples=(example,))
    check("ABS")

The examples of the record are its material: random small models, made with a numpy Generator. Each check
takes the operator's name and raises AssertionError, with what it lacks, or `NotApplicable`.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.export.codegen import generate
from edgekit.export.reader import read
from edgekit.operators import OPERATORS, OperatorType
from edgekit.operators.graph import Graph, Operator, Tensor
from edgekit.testing.tflite_file import mutated, to_tflite

SEEDS = (1, 2)  # of every example, for what compiles
SAMPLES = 5
SHAPES = 25  # models drawn for what does not compile


class NotApplicable(Exception):
    """Why an operator is not held to a check."""


def check(name: str, core: str = "cortex-m4") -> dict[str, str]:
    """Run the registered operator `name` through all checks; check -> "passed", or why it does not apply.

    core: the emulated core that its C runs on, by its name in `emulate`.

    Raises AssertionError at the first check that it fails.
    """
    found = {}
    for title, one in CHECKS.items():
        given = (name, core) if one is computes_what_tflm_computes else (name,)
        try:
            one(*given)
            found[title] = "passed"
        except NotApplicable as why:
            found[title] = str(why)
    return found


def is_read_as_it_was_written(name: str) -> None:
    """The options of the record are those of the schema: a file that holds them gives them back."""
    for graph in _drawn(_kind(name)):
        again = read(to_tflite(graph))
        for op, other in zip(graph.operators, again.operators, strict=True):
            known = {key: other.options.get(key) for key in op.options}
            same = all(
                np.float32(v) == known[k] if isinstance(v, float) else v == known[k]
                for k, v in op.options.items()
            )
            assert same, f"{op.name} was written with {op.options} and is read as {known}"


def refuses_what_does_not_fit(name: str) -> None:
    """A tensor, an input or a byte that does not fit is refused in one line, or the file is taken."""
    kind = _kind(name)
    for graph in _drawn(kind, 3):
        assert _taken(to_tflite(graph)), f"{name} refuses its own example"
        (op,) = [op for op in graph.operators if op.name == name][:1]
        y = graph.tensors[op.outputs[0]]
        # a variable is nowhere in the file but in what it is set to
        for what, wrong in () if y.variable else _wounds(y):
            assert not _taken(to_tflite(_with(graph, wrong))), f"{name} takes an output with {what}"
        for i in op.inputs:
            for _, wrong in _wounds(graph.tensors[i]) if i >= 0 else ():
                _taken(to_tflite(_with(graph, wrong)))
        for k in range(len(op.inputs)):
            for inputs in (op.inputs[:k], (*op.inputs[:k], -1, *op.inputs[k + 1 :])):
                fewer = [replace(o, inputs=inputs) if o is op else o for o in graph.operators]
                _taken(to_tflite(replace(graph, operators=tuple(fewer))))
    rng = np.random.default_rng(0)
    files = [to_tflite(graph) for graph in _drawn(kind, 5)]
    for n in range(4 * SHAPES):
        _taken(mutated(files[n % len(files)], rng))


def gives_the_shapes_that_litert_gives(name: str) -> None:
    """LiteRT works the outputs' shapes out by itself; so does the record, if it has `shape`."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise NotApplicable("ai-edge-litert is not installed")
    from ai_edge_litert import interpreter
    from hypothesis import Phase, assume, given, settings
    from hypothesis import strategies as st

    kind = _kind(name)
    if all(min(op.inputs) < 0 for graph in _drawn(kind, 3) for op in graph.operators):
        raise NotApplicable("LiteRT wants more than its examples have")

    # a smaller seed is no simpler model: nothing to shrink
    @settings(max_examples=SHAPES, deadline=None, database=None, phases=[Phase.generate])
    @given(st.integers(0, 2**32 - 1), st.sampled_from(kind.examples))
    def agree(seed: int, example: Callable[[np.random.Generator], Graph]) -> None:
        graph = example(np.random.default_rng(seed))
        assume(all(i >= 0 for op in graph.operators for i in op.inputs))  # LiteRT wants each bias
        kinds = interpreter.OpResolverType
        kind_of = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if name == "ELU" else kinds.BUILTIN_REF
        engine = interpreter.Interpreter(
            model_content=to_tflite(graph),
            experimental_op_resolver_type=kind_of,  # of the reference kernels, ELU is missing
        )
        engine.allocate_tensors()
        shapes = {d["index"]: tuple(d["shape"]) for d in engine.get_tensor_details()}
        for op in (op for op in graph.operators if op.name == name):
            for i in (i for i in op.outputs if not graph.tensors[i].variable):
                assert graph.tensors[i].shape == shapes[i], f"{shapes[i]} in LiteRT: {op}"
            if kind.shape:
                own = kind.shape(op, [graph.tensors[i] if i >= 0 else None for i in op.inputs])
                assert own == shapes[op.outputs[0]], f"{shapes[op.outputs[0]]} in LiteRT: {op}"

    agree()


def computes_what_tflm_computes(name: str, core: str = "cortex-m4") -> None:
    """The C, on this machine and on an emulated core, gives TFLM's bytes, several inferences in a row."""
    from edgekit.emulate import build, run
    from edgekit.emulate.parity import rounding_defines, run_host, tflm

    graph = together([e(np.random.default_rng(s)) for e in _kind(name).examples for s in SEEDS])
    data = to_tflite(graph)
    source, x = generate(read(data)), _samples(graph)
    truth = _list(tflm(data, x).outputs)
    firmware = build(source, core, defines=rounding_defines(source.graph))
    answers = {"this machine": run_host(source, x).outputs, core: run(firmware, x)}
    for where, outputs in answers.items():
        for n, (expected, got) in enumerate(zip(truth, _list(outputs), strict=True)):
            wrong = int((np.ravel(expected) != np.ravel(got)).sum())
            t = graph.tensors[graph.outputs[n]]
            assert not wrong, f"{wrong} of {np.size(got)} values of {t} differ from TFLM on {where}"


def is_within_a_step_in_onnx(name: str) -> None:
    """onnxruntime gives TFLM's values or their neighbours; the very same with `exact_onnx`."""
    kind = _kind(name)
    if kind.onnx is None:
        raise NotApplicable("it has no ONNX form")
    for package in ("onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise NotApplicable(f"{package} is not installed")
    from edgekit.emulate.parity import tflm
    from edgekit.export.onnx import session, to_onnx

    made = [e(np.random.default_rng(s)) for e in kind.examples for s in SEEDS]
    graph = together([g for g in made if _is_int8(g)] or _none("its examples are not all int8"))
    alone = all(op.name == name for op in graph.operators)
    x, data = _samples(graph), to_tflite(graph)
    truth, engine = _list(tflm(data, x).outputs), session(to_onnx(graph))
    names = [i.name for i in engine.get_inputs()]
    got = [
        engine.run(None, dict(zip(names, sample, strict=True))) for sample in zip(*x, strict=True)
    ]
    steps = [
        np.abs(np.ravel([np.ravel(g[n]) for g in got]).astype(int) - np.ravel(expected))
        for n, expected in enumerate(truth)
    ]
    away = np.concatenate(steps)
    assert away.max() <= (0 if kind.exact_onnx and alone else 1), f"{away.max()} steps away"
    assert (away > 0).mean() < 0.25, f"{(away > 0).mean():.0%} of the values are a step away"


def trains_as_the_runtime_answers(name: str) -> None:
    """The forward pass that training sees gives TFLM's values."""
    kind = _kind(name)
    if kind.train is None:
        raise NotApplicable("it is not trained")
    if importlib.util.find_spec("tensorflow") is None:
        raise NotApplicable("TensorFlow is not installed")
    from edgekit.emulate.parity import tflm
    from edgekit.learn.fake_quant import ForwardPass

    made = [e(np.random.default_rng(s)) for e in kind.examples for s in SEEDS]
    graphs = [g for g in made if _is_int8(g) and _trainable(g)]
    graph = together(graphs or _none("its examples cannot be trained"))
    x = _samples(graph)
    forward = ForwardPass(graph, {})
    for i, values in zip(graph.inputs, x, strict=True):
        rows = values.reshape(-1, *values.shape[2:]).astype(np.float32)
        forward.values[i] = forward.tf.constant(rows - forward.zero(i))
    for op in graph.operators:
        forward.values[op.outputs[0]] = forward.computed(op)
    for i, expected in zip(graph.outputs, _list(tflm(to_tflite(graph), x).outputs), strict=True):
        seen = np.ravel(forward.values[i]) + forward.zero(i)
        assert np.array_equal(seen, np.ravel(expected)), f"{graph.tensors[i]} differs from TFLM"


CHECKS: dict[str, Callable[..., None]] = {
    one.__name__: one
    for one in (
        is_read_as_it_was_written,
        refuses_what_does_not_fit,
        gives_the_shapes_that_litert_gives,
        computes_what_tflm_computes,
        is_within_a_step_in_onnx,
        trains_as_the_runtime_answers,
    )
}


def _kind(name: str) -> OperatorType:
    kind = OPERATORS[name]
    if kind.lower is None:
        raise NotApplicable("there is no code for it: it is folded away")
    assert kind.examples, f"the record of {name} has no examples"
    return kind


def _none(why: str) -> list[Graph]:
    raise NotApplicable(why)


def _drawn(kind: OperatorType, count: int = SHAPES) -> list[Graph]:
    """`count` models of each example."""
    return [e(np.random.default_rng(seed)) for e in kind.examples for seed in range(count)]


def _taken(data: bytes) -> bool:
    """Whether code is generated; if not, one line says why."""
    refused = ""
    try:
        generate(read(data))
    except EdgekitError as error:
        refused = str(error)
    except Exception as error:
        raise AssertionError(f"{error!r} instead of one line that says what is wrong") from error
    assert "\n" not in refused
    return not refused


def _wounds(t: Tensor) -> list[tuple[str, Tensor]]:
    """What no tensor that is written may be: (what is wrong, tensor)."""
    if t.dtype != np.int8:
        other = np.dtype("float32" if t.dtype == np.int32 else "int32")
        return [("another type", replace(t, dtype=other, scale=t.scale[:0]))]
    nan = np.full_like(t.scale, np.nan)
    zeros = t.zero_point
    return [
        ("another shape", replace(t, shape=(*t.shape, 2), data=None)),
        ("another type", replace(t, dtype=np.dtype("int32"), data=None)),
        ("no scale", replace(t, scale=t.scale[:0], zero_point=zeros[:0])),
        ("a scale that is no number", replace(t, scale=nan)),
        ("a negative scale", replace(t, scale=-t.scale)),
        ("a zero point that is no int8", replace(t, zero_point=zeros + 300)),
    ]


def _with(graph: Graph, t: Tensor) -> Graph:
    tensors = [t if other.index == t.index else other for other in graph.tensors]
    return replace(graph, tensors=tuple(tensors))


def together(graphs: Sequence[Graph]) -> Graph:
    """One model that holds the `graphs` side by side: one program to build, one to compare with."""
    tensors: list[Tensor] = []
    operators: list[Operator] = []
    inputs: list[int] = []
    outputs: list[int] = []
    for graph in graphs:
        first = len(tensors)
        moved = functools.partial(_moved, first=first)
        tensors += [
            replace(t, index=first + t.index, name=f"t{first + t.index}") for t in graph.tensors
        ]
        for op in graph.operators:
            given, written = moved(op.inputs), moved(op.outputs)
            operators.append(replace(op, index=len(operators), inputs=given, outputs=written))
        inputs += moved(graph.inputs)
        outputs += moved(graph.outputs)
    return Graph(tuple(tensors), tuple(operators), tuple(inputs), tuple(outputs), "0" * 64, 0)


def _moved(indices: Sequence[int], first: int) -> tuple[int, ...]:
    return tuple(i + first if i >= 0 else i for i in indices)


def _samples(graph: Graph, seed: int = 0) -> list[np.ndarray]:
    """For each input random values (SAMPLES, *its shape)."""
    rng = np.random.default_rng(seed)
    found = []
    for t in (graph.tensors[i] for i in graph.inputs):
        shape = (SAMPLES, *t.shape)
        if t.dtype == np.float32:
            found.append((2 * rng.standard_normal(shape)).astype(np.float32))
        else:
            info = np.iinfo(t.dtype)
            found.append(rng.integers(info.min, info.max + 1, shape).astype(t.dtype))
    return found


def _list(outputs: np.ndarray | list[np.ndarray]) -> list[np.ndarray]:
    return outputs if isinstance(outputs, list) else [outputs]


def _is_int8(graph: Graph) -> bool:
    """Whether all that is computed is int8."""
    computed = {i for op in graph.operators for i in (*op.inputs, *op.outputs) if i >= 0}
    moving = [graph.tensors[i] for i in computed if graph.tensors[i].data is None]
    return all(t.dtype == np.int8 and not t.variable for t in moving)


def _trainable(graph: Graph) -> bool:
    """Whether `int8_training` would take it, but for its number of inputs and outputs."""
    from edgekit.learn.int8_training import check as trainable

    try:
        trainable(graph)
    except EdgekitError:
        return False
    return True
