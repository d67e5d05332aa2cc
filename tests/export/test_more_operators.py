"""Operators that move and pick values by constants refuse constants that point elsewhere, in one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export import generate, read
from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph
from edgekit.testing.tflite_file import Op, T, to_tflite, write

FIRST, LAST = -(2**31), 2**31 - 1


def example(name: str, n: int = 0) -> Graph:
    return OPERATORS[name].examples[n](np.random.default_rng(3))


def with_constant(graph: Graph, tensor: int, value: int, at: int = 0) -> bytes:
    """One number of a constant replaced."""
    data = graph.tensors[tensor].data.copy()
    data.reshape(-1)[at] = value
    tensors = [replace(t, data=data) if t.index == tensor else t for t in graph.tensors]
    return to_tflite(replace(graph, tensors=tuple(tensors)))


@pytest.mark.parametrize("value", [FIRST, -9, 9, LAST])
@pytest.mark.parametrize(
    ("name", "tensor", "what"),
    [
        ("REDUCE_MAX", 1, "over axes"),
        ("SUM", 1, "over axes"),
        ("SPLIT_V", 1, "into"),
        ("SPLIT_V", 2, "along axis"),
        ("TILE", 1, "by"),
        ("SLICE", 1, "takes"),
        ("SLICE", 2, "takes"),
        ("GATHER", 1, "by"),
        ("ARG_MAX", 1, "along axis"),
    ],
)
def test_a_number_that_points_elsewhere_is_refused(name, tensor, what, value):
    with pytest.raises(EdgekitError, match=f"{name}.*({what}|should give)") as caught:
        generate(read(with_constant(example(name), tensor, value)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axis", [FIRST, -9, 9, LAST])
@pytest.mark.parametrize("name", ["PACK", "UNPACK", "GATHER"])
def test_an_axis_that_is_not_there_is_refused(name, axis):
    graph = example(name)
    op = graph.operators[0]
    wrong = replace(op, options=op.options | {"axis": axis})
    with pytest.raises(EdgekitError, match=f"{name}.*along axis {axis}"):
        generate(read(to_tflite(replace(graph, operators=(wrong,)))))


def test_scales_that_nothing_rescales_are_refused():
    """The kernels of these only move values, so a file with another output scale would be read wrongly."""
    for name in ("MAXIMUM", "REDUCE_MIN", "PACK", "TILE", "GATHER", "UNPACK", "SPLIT_V", "SLICE"):
        graph = example(name)
        y = graph.tensors[graph.outputs[0]]
        tensors = list(graph.tensors)
        tensors[y.index] = replace(y, scale=y.scale * 2)
        with pytest.raises(EdgekitError, match="different scales, and it only moves values"):
            generate(read(to_tflite(replace(graph, tensors=tuple(tensors)))))


def test_a_tensor_that_nothing_uses_does_not_matter():
    """An LSTM of Keras brings empty ones along that say how it was quantized."""
    tensors = [T((1, 4), scale=0.1), T((1, 4), scale=0.1), T((0,), "float32"), T((1,), "string")]
    assert generate(read(write(tensors, [Op("RELU6", [0], [1])], [0], [1])))
    with pytest.raises(EdgekitError, match="sizes must be 1 and more"):
        read(write(tensors, [Op("RELU6", [2], [1])], [2], [1]))
