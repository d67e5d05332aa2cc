"""Every operator keeps the contract, and a new one that is a single record keeps it, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export import read
from edgekit.operators import OPERATORS, Field, OperatorType, supported
from edgekit.operators import example as e
from edgekit.operators import fixed_point as q
from edgekit.operators.activation import by_table, onnx
from edgekit.operators.record import same_shape
from edgekit.testing.operator import CHECKS, NotApplicable, check
from edgekit.testing.tflite_file import to_tflite

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")
pytest.importorskip("ziglang")


@pytest.mark.parametrize("title", CHECKS)
@pytest.mark.parametrize("name", supported())
def test_an_operator_keeps_the_contract(name, title):
    try:
        CHECKS[title](name)
    except NotApplicable as why:
        pytest.skip(str(why))


# ------------------------------------------------------------------------------- a new operator


def absolute(p, x, y):
    """TFLM's ABS (micro/kernels/elementwise.cc): no rescale where the scales are equal."""
    value = abs(q.CODES - x[1])
    if x[0] != y[0]:
        value = q.multiply_by_quantized(value, *q.quantize_multiplier(float(x[0]) / float(y[0])))
    return np.clip(value + y[1], -128, 127).astype(np.int8)


def abs_example(rng):
    x, size = e.quantization(rng), int(rng.integers(1, 300))
    y = x if rng.random() < 0.3 else e.quantization(rng)
    op = e.operator("ABS", [0], [1])
    return e.model([e.tensor((1, size), **x), e.tensor((1, size), **y)], [op], [0], [1])


ABS = OperatorType(
    "ABS", by_table(absolute), shape=same_shape, onnx=onnx("Abs"), examples=(abs_example,)
)


def larger(p):
    """MAXIMUM of two tensors of one shape and quantization, with a kernel of its own."""
    p.inputs_between(2, 2)
    a, b = p.inputs
    p.require(a.shape == b.shape and p.types(a, b, p.y) == "int8", "takes two alike")
    p.shape_is(a.shape)
    p.same_quantization(a, p.y)
    p.same_quantization(b, p.y)
    return p.layer(
        f"ek_maximum_s8({{in0}}, {{in1}}, {{out0}}, {p.y.size});",
        ["ek_maximum.h"],
        inputs=(a.index, b.index),
        overlap={a.index: 0, b.index: 0},
    )


KERNEL = """\
/* MAXIMUM, int8: the larger of a[size] and b[size]; out may lie over either. */
#ifndef EK_MAXIMUM_H
#define EK_MAXIMUM_H

#include <stdint.h>

#include "ek_kernel.h"

EK_KERNEL void ek_maximum_s8(const int8_t *a, const int8_t *b, int8_t *out, int32_t size) {
  for (int32_t i = 0; i < size; i++) out[i] = a[i] > b[i] ? a[i] : b[i];
}

#endif
"""


def maximum_example(rng):
    shape = (1, *(int(v) for v in rng.integers(1, 9, 3)))
    x, op = e.quantization(rng), e.operator("MAXIMUM", [0, 1], [2])
    return e.model([e.tensor(shape, **x) for _ in range(3)], [op], [0, 1], [2])


def onnx_of(kind):
    def write(w, op):
        y = w.node(kind, [w.real(i) for i in op.inputs])
        w.quantized(y, op.outputs[0], w.value(op.outputs[0]))

    return write


MAXIMUM = OperatorType(
    "MAXIMUM",
    larger,
    kernels={"ek_maximum.h": KERNEL},
    shape=same_shape,
    onnx=onnx_of("Max"),
    exact_onnx=True,
    examples=(maximum_example,),
)


@pytest.mark.parametrize("kind", [ABS, MAXIMUM], ids=lambda kind: kind.name)
def test_a_new_operator_is_one_record(kind, monkeypatch):
    data = kind.examples[0](np.random.default_rng(0))
    monkeypatch.delitem(OPERATORS, kind.name)  # as if the generator did not know it
    with pytest.raises(KeyError):
        to_tflite(data)
    monkeypatch.setitem(OPERATORS, kind.name, kind)
    assert check(kind.name) == {
        **dict.fromkeys(CHECKS, "passed"), "trains_as_the_runtime_answers": "it is not trained",
    }  # fmt: skip
    file = to_tflite(data)
    monkeypatch.delitem(OPERATORS, kind.name)
    with pytest.raises(EdgekitError, match=f"{kind.name}.*is not supported"):
        read(file)


def careless(p):
    """As `larger`, and looks at nothing."""
    return p.layer(
        f"ek_maximum_s8({{in0}}, {{in1}}, {{out0}}, {p.y.size});",
        ["ek_maximum.h"],
        inputs=tuple(t.index for t in p.inputs),
    )


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (replace(MAXIMUM, lower=careless), "refuses_what_does_not_fit"),
        (replace(MAXIMUM, shape=lambda op, inputs: (1,)), "gives_the_shapes_that_litert_gives"),
        (
            replace(MAXIMUM, kernels={"ek_maximum.h": KERNEL.replace("a[i] > b[i]", "a[i] < b[i]")}),
            "computes_what_tflm_computes",
        ),
        (replace(MAXIMUM, onnx=onnx_of("Min")), "is_within_a_step_in_onnx"),
        (replace(OPERATORS["QUANTIZE"], train=lambda f, op: f.value(0)), "trains_as_the_runtime_answers"),
        (
            replace(OPERATORS["LEAKY_RELU"], fields={"alpha": Field("Alpha", 1, "Float32")}),
            "is_read_as_it_was_written",
        ),
    ],
)  # fmt: skip
def test_the_contract_notices_a_broken_operator(broken, noticed_by, monkeypatch):
    monkeypatch.setitem(OPERATORS, broken.name, broken)
    with pytest.raises(AssertionError):
        CHECKS[noticed_by](broken.name)
