"""ONNX: what a comparison says, and what is refused; each operator by itself is its contract's matter."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from edgekit import operators as registry
from edgekit.core.errors import EdgekitError
from edgekit.export import generate
from edgekit.export.onnx import compare, to_onnx
from edgekit.operators.graph import Operator

CONV = registry.OPERATORS["CONV_2D"].examples[0]


def conv():
    return CONV(np.random.default_rng(3))


def test_compare_tells_how_many_outputs_differ():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    graph = registry.OPERATORS["TRANSPOSE"].examples[0](np.random.default_rng(5))
    (order,) = (t.data for t in graph.tensors if t.data is not None)
    shape = graph.tensors[0].shape
    x = np.random.default_rng(0).integers(-128, 128, (12, *shape)).astype(np.int8)
    moved = x.transpose(0, *(order + 1)).reshape(12, -1)
    assert compare(to_onnx(graph), x, moved)["rate"] == 0
    result = compare(to_onnx(graph), x, moved ^ np.eye(12, moved.shape[1], dtype=np.int8))
    assert (result["values"], result["differ"], result["worst"]) == (x.size, 12, 1)


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_ALL"])
def test_what_onnxruntime_fuses_stays_within_a_step_of_the_generated_c(level):
    """With its optimizations onnxruntime makes integer kernels of what stands between two conversions."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("ziglang")
    from edgekit.emulate.parity import run_host

    graph = conv()
    shape = graph.tensors[0].shape
    x = np.random.default_rng(0).integers(-128, 128, (12, *shape)).astype(np.int8)
    options = runtime.SessionOptions()
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = runtime.InferenceSession(to_onnx(graph), options, providers=["CPUExecutionProvider"])
    got = np.concatenate([session.run(None, {"input": one})[0] for one in x]).astype(int)
    expected = run_host(generate(graph), x).outputs
    assert np.abs(got - expected).max() <= 1


def test_equal_graphs_give_equal_bytes():
    pytest.importorskip("onnx")
    assert to_onnx(conv()) == to_onnx(conv())


def test_what_has_no_onnx_form_is_refused_by_name():
    pytest.importorskip("onnx")
    graph = conv()
    strange = Operator(0, "SVDF", graph.operators[0].inputs, graph.operators[0].outputs)
    with pytest.raises(EdgekitError, match=r"operator 0 \(SVDF\) has no ONNX form"):
        to_onnx(replace(graph, operators=(strange,)))


def test_without_onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EdgekitError, match=r"pip install .*\[gateway\]"):
        to_onnx(conv())
