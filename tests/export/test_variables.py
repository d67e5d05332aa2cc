"""Streaming models: what is kept between inferences, from the file to the bytes on a core."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, layer_parity
from edgekit.emulate.machine import Machine
from edgekit.emulate.parity import raw_tflm
from edgekit.export import generate, read
from edgekit.operators import OPERATORS
from edgekit.operators.variables import late_example, stream_example
from edgekit.testing.tflite_file import Op, T, to_tflite, write
from tests.export import tiny

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")


def sequence(make, seed: int = 0, n: int = 12):
    graph = read(to_tflite(make(np.random.default_rng(seed))))
    return graph, tiny.samples(graph, n, np.random.default_rng(seed))


def wrong(source, samples, truth) -> int:
    """Values that differ from TFLM's, over the sequence, a reset, and the sequence again."""
    machine, count = Machine(build(source)), 0
    for _ in range(2):
        for sample, expected in zip(samples, truth, strict=True):
            answers = machine.infer(sample)
            count += sum(int((a != b).sum()) for a, b in zip(answers, expected, strict=True))
        machine.reset()
    return count


@pytest.mark.parametrize(
    ("make", "seed"), [(stream_example, 0), (late_example, 1), (late_example, 5)]
)
def test_a_sequence_is_tflms_and_begins_anew_after_a_reset(make, seed):
    graph, samples = sequence(make, seed)
    truth = raw_tflm(to_tflite(make(np.random.default_rng(seed))), graph, samples)
    source = generate(graph)
    assert source.stateful
    assert wrong(source, samples, truth) == 0
    forgets = {n: t.replace("*done = 1;", "*done = 0;") for n, t in source.files.items()}
    assert wrong(dataclasses.replace(source, files=forgets), samples, truth) > 0


def test_an_lstm_remembers_until_a_reset():
    """Its state stays from one inference to the next, as TFLM's does, and begins at the zero point."""
    make = OPERATORS["UNIDIRECTIONAL_SEQUENCE_LSTM"].examples[0]
    for seed in (3, 4):
        graph, samples = sequence(make, seed)
        truth = raw_tflm(to_tflite(make(np.random.default_rng(seed))), graph, samples)
        source = generate(graph)
        assert wrong(source, samples, truth) == 0
        files = {n: t.replace("last[i] + c->zero", "last[i]") for n, t in source.files.items()}
        assert wrong(dataclasses.replace(source, files=files), samples, truth) > 0


def test_layer_by_layer():
    _, samples = sequence(late_example, 1, 6)
    x = np.stack([s[0] for s in samples])
    assert layer_parity(to_tflite(late_example(np.random.default_rng(1))), x).attrs["exact"]


def test_nothing_is_copied_in_a_stream():
    """Read where it lies, computed where it will lie: the state costs its own bytes and a flag."""
    for seed in range(20):
        graph, _ = sequence(stream_example, seed)
        source = generate(graph)
        assert not {"READ_VARIABLE", "ASSIGN_VARIABLE"} & {m.operator for m in source.layers}
    kinds = {
        m.operator for seed in range(20) for m in generate(sequence(late_example, seed)[0]).layers
    }
    assert {"READ_VARIABLE", "ASSIGN_VARIABLE"} <= kinds


X = T((1, 4), scale=0.1)
HANDLE = T((), "resource")
VALUE = T((1, 4), scale=0.1, data=np.zeros((1, 4)))


def named(tensor: int, name: str = "v") -> Op:
    return Op(
        "VAR_HANDLE", [], [tensor], "VarHandleOptions", ((0, "String", ""), (1, "String", name))
    )


def once(graph: int = 1) -> Op:
    return Op("CALL_ONCE", [], [], "CallOnceOptions", ((0, "Int32", graph),))


READ, ASSIGN = Op("READ_VARIABLE", [1], [2]), Op("ASSIGN_VARIABLE", [1, 0], [])
SET_UP = ([HANDLE, VALUE], [named(0), Op("ASSIGN_VARIABLE", [0, 1], [])])
RELU = Op("RELU6", [0], [1])


def model(*ops: Op, other=SET_UP, read_as: T = X, outputs=(2,)) -> bytes:
    return write([X, HANDLE, read_as, X], list(ops), [0], list(outputs), others=[other])


def test_the_plain_case_is_taken():
    source = generate(read(model(once(), named(1), READ, ASSIGN)))
    assert source.stateful


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (model(once(2), named(1), READ), "calls a graph that is not there"),
        (model(once(0), named(1), READ), "calls a graph that is not there"),
        (model(once(-1), named(1), READ), "calls a graph that is not there"),
        (model(named(1), READ, ASSIGN), "'v' before a CALL_ONCE gives it a constant"),
        (model(named(1), READ, once()), "'v' before a CALL_ONCE gives it a constant"),
        (model(once(), named(1, "w"), READ), "'w' before a CALL_ONCE gives it a constant"),
        (model(once(), once(), named(1), READ), "calls a graph a second time"),
        (model(once(), READ), "type resource"),
        (model(once(), named(1), Op("READ_VARIABLE", [0], [2])), "no handle of a variable"),
        (model(once(), named(1), Op("ASSIGN_VARIABLE", [0, 1], [])), "no handle of a variable"),
        (model(once(), named(1), READ, Op("RELU6", [1], [3])), "works on a variable's handle"),
        (model(once(), named(1), READ, Op("RELU6", [0], [1])), "works on a variable's handle"),
        (model(once(), named(1), named(0), READ), "does not write a handle"),
        (model(once(), named(1), READ, outputs=(1,)), "handle is an input or output of the model"),
        (model(once(), named(1), READ, read_as=T((1, 5), scale=0.1)), "does not fit"),
        (model(once(), named(1), READ, read_as=T((1, 4), "float32")), "does not fit"),
        (model(once(), named(1), Op("READ_VARIABLE", [1], [])), "lacks inputs or outputs"),
        (model(once(), named(1), READ, other=([HANDLE, VALUE], [named(0), once()])), "runs CALL_ONCE"),
        (
            model(once(), named(1), READ, other=([HANDLE, X], SET_UP[1])),
            "does not assign constants",
        ),
        (write([X, X], [RELU], [0], [1], others=[SET_UP]), "2 graphs, and nothing in its first one"),
    ],
)  # fmt: skip
def test_a_variable_that_is_none_is_refused_in_one_line(data, cause):
    with pytest.raises(EdgekitError, match=cause) as caught:
        generate(read(data))
    assert "\n" not in str(caught.value)
