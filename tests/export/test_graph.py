"""Reading a `.tflite`: what is refused, in one line, and what is folded away."""

from __future__ import annotations

import numpy as np
import pytest
import tflite
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.export import generate, read, strip_float_io
from tests.export import tiny
from tests.export.tiny import Op, T, write

MODELS = {name: make(np.random.default_rng(7)) for name, make in tiny.OPERATORS.items()}

SEEDS = [*MODELS.values(), *(make(np.random.default_rng(7)) for make in tiny.RARER.values())]


@settings(max_examples=600, deadline=2000)
@given(st.integers(0, 2**32))
def test_a_mutated_file_is_refused_in_one_line_or_generated(seed):
    rng = np.random.default_rng(seed)
    data = tiny.mutated(SEEDS[rng.integers(len(SEEDS))], rng)
    message = ""
    try:
        generate(read(data))
    except EdgekitError as err:
        message = str(err)
    assert "\n" not in message


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_bytes_after_the_identifier_are_refused(rest):
    with pytest.raises(EdgekitError):
        read(b"\x10\0\0\0TFL3" + rest)


def test_truncation_at_every_byte_is_refused():
    data = MODELS["CONV_2D"]
    for n in range(0, len(data) - 4, 7):
        with pytest.raises(EdgekitError):
            generate(read(data[:n]))


def unsupported(name="TOPK_V2"):
    t = T((1, 4), scale=0.1)
    return write([t, t], [Op(name, [0], [1])], [0], [1])


def test_an_unsupported_operator_is_named_with_its_place():
    with pytest.raises(EdgekitError, match=r"operator 0 \(TOPK_V2, writing 't1'\)"):
        read(unsupported())


def test_leftovers_of_a_dynamic_batch_come_with_advice():
    with pytest.raises(EdgekitError, match="fixed batch of 1"):
        read(unsupported("SPACE_TO_BATCH_ND"))


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(EdgekitError, match="no model file"):
        read(tmp_path / "none.tflite")


def relu(**changes):
    x = T((1, 8), scale=0.1, zero=3)
    y = T((1, 8), scale=0.1, zero=3)
    for key, value in changes.items():
        setattr(y, key, value)
    return write([x, y], [Op("RELU6", [0], [1])], [0], [1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (1, 9)}, "should give shape"),
        ({"scale": float("nan")}, "not positive and finite"),
        ({"scale": -0.1}, "not positive and finite"),
        ({"scale": None}, "has no scale"),
        ({"zero": 200}, "zero point outside"),
        ({"dtype": "int32"}, "int32"),
        ({"scale": 0.2}, "one scale"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(changes, message):
    generate(read(relu()))
    with pytest.raises(EdgekitError, match=message):
        generate(read(relu(**changes)))


def test_reading_before_writing_is_refused():
    t = T((1, 4), scale=0.1)
    ops = [Op("RELU6", [1], [2]), Op("RELU6", [0], [1])]
    with pytest.raises(EdgekitError, match="before it is written"):
        read(write([t, t, t], ops, [0], [2]))


def test_int8_edges_drops_the_float_conversions():
    f, q = T((1, 8), "float32"), T((1, 8), scale=0.1)
    ops = [Op("QUANTIZE", [0], [1]), Op("RELU6", [1], [2]), Op("DEQUANTIZE", [2], [3])]
    graph = strip_float_io(read(write([f, q, q, f], ops, [0], [3])))
    assert [op.name for op in graph.operators] == ["RELU6"]
    assert (graph.inputs, graph.outputs) == ((1,), (2,))


def test_the_newer_operator_code_counts_where_the_two_differ():
    """TFLM takes the larger; believing the older one would generate code for another operator."""
    data = bytearray(MODELS["FULLY_CONNECTED"])
    code = tflite.Model.GetRootAs(bytes(data), 0).OperatorCodes(0)
    at = code._tab.Pos + code._tab.Offset(10)
    assert data[at] == tflite.BuiltinOperator.FULLY_CONNECTED
    data[at] = tflite.BuiltinOperator.TOPK_V2
    with pytest.raises(EdgekitError, match="TOPK_V2"):
        read(bytes(data))


def state(**changes):
    data = tiny.OPERATORS["SVDF"](np.random.default_rng(1))
    model = tflite.Model.GetRootAs(data, 0).Subgraphs(0).Tensors(4)
    data = bytearray(data)
    for slot, value in changes.items():
        at = model._tab.Offset({"is_variable": 14, "type": 6}[slot])
        data[model._tab.Pos + at] = value
    return bytes(data)


@pytest.mark.parametrize("changes", [{"is_variable": 0}, {"type": 7}])
def test_a_state_that_is_none_is_refused(changes):
    generate(read(state()))
    with pytest.raises(EdgekitError, match="SVDF"):
        generate(read(state(**changes)))


def test_a_stateful_model_declares_its_reset_and_others_do_not():
    assert "void model_reset(void);" in generate(read(state())).files["model.h"]
    assert "reset" not in generate(read(MODELS["CONV_2D"])).files["model.h"]


@pytest.mark.parametrize(
    ("scale", "bias", "emptied"), [(1e-12, 1 << 30, False), (3.9e-9, -(1 << 31), True)]
)
def test_dead_channels_cost_nothing_and_change_nothing(scale, bias, emptied):
    """A channel with a vanishing scale and a huge bias leaves its layer on the fast path.

    Training through the rounding gives one without weights (`emptied`) the lowest bias there is.
    """
    rng = np.random.default_rng(5)
    weights = rng.integers(-127, 128, (4, 1, 1, 8))
    weights[2] *= not emptied
    scale = np.array([0.01, 0.01, scale, 0.01], np.float32)
    tensors = [
        T((1, 4, 4, 8), scale=0.05, zero=-3),
        T((4, 1, 1, 8), scale=scale, data=weights),
        T((4,), "int32", scale * 0.05, data=[10, -20, bias, 5]),
        T((1, 4, 4, 4), scale=0.2, zero=-128),
    ]
    options = [(0, "Int8", 1), (1, "Int32", 1), (2, "Int32", 1), (3, "Int8", 1)]
    options += [(4, "Int32", 1), (5, "Int32", 1)]
    data = write(tensors, [Op("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", options)], [0], [3])
    (layer,) = generate(read(data)).layers
    assert layer.fields["requant"]["exact"] == 0
    assert "shift" not in layer.constants
