"""Files with a dynamic batch: they give the same layers as those with a batch of one."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export import generate, read
from tests.export.tiny import Op, T, write

Q = {"scale": 0.05, "zero": 3}


def ints(*values) -> T:
    return T((len(values),), "int32", data=values)


def sequence(dynamic: bool) -> bytes:
    """A dense layer on each of nine steps, as Keras writes it: the rows counted from the input's shape."""
    rng = np.random.default_rng(3)
    weights = T((5, 7), scale=0.01, data=rng.integers(-127, 128, (5, 7)))
    fc = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    if not dynamic:
        tensors = [T((1, 9, 7), **Q), ints(9, 7), T((9, 7), **Q), weights, T((9, 5), **Q)]
        tensors += [ints(1, 9, 5), T((1, 9, 5), **Q)]
        ops = [
            Op("RESHAPE", [0, 1], [2]),
            Op("FULLY_CONNECTED", [2, 3, -1], [4], "FullyConnectedOptions", fc),
            Op("RESHAPE", [4, 5], [6]),
        ]
        return write(tensors, ops, [0], [6])
    tensors = [
        T((1, 9, 7), signature=(-1, 9, 7), **Q),
        T((3,), "int32"),
        ints(2),
        T((1,), "int32"),
        ints(0),
        T((), "int32"),
        ints(0, 1),
        T((2,), "int32"),
        T((), "int32"),
        T((2,), "int32"),
        T((1, 1), signature=(-1, -1), **Q),
        weights,
        T((1, 5), signature=(-1, 5), **Q),
        ints(5),
        T((3,), "int32"),
        T((1, 9, 5), signature=(-1, 9, 5), **Q),
    ]
    gather, product = ("GatherOptions", [(0, "Int32", 0)]), ("ReducerOptions", [(0, "Bool", False)])
    ops = [
        Op("SHAPE", [0], [1], "ShapeOptions"),
        Op("GATHER", [1, 2], [3], *gather),
        Op("REDUCE_PROD", [3, 4], [5], *product),
        Op("GATHER", [1, 6], [7], *gather),
        Op("REDUCE_PROD", [7, 4], [8], *product),
        Op("PACK", [8, 5], [9], "PackOptions", [(0, "Int32", 2), (1, "Int32", 0)]),
        Op("RESHAPE", [0, 9], [10]),
        Op("FULLY_CONNECTED", [10, 11, -1], [12], "FullyConnectedOptions", fc),
        Op(
            "CONCATENATION",
            [7, 13],
            [14],
            "ConcatenationOptions",
            [(0, "Int32", 0), (1, "Int8", 0)],
        ),
        Op("RESHAPE", [12, 14], [15]),
    ]
    return write(tensors, ops, [0], [15])


def heads() -> bytes:
    """Two maps made lists of unknown length, one after the other, then SOFTMAX: a detector's output."""
    lists = {"signature": (1, -1, 4), **Q}
    tensors = [
        T((1, 3, 2, 8), **Q),
        T((1, 2, 1, 4), **Q),
        ints(1, -1, 4),
        T((1, 1, 4), **lists),
        T((1, 1, 4), **lists),
        T((1, 1, 4), **lists),
        T((1, 1, 4), signature=(1, -1, 4), scale=1 / 256, zero=-128),
    ]
    ops = [
        Op("RESHAPE", [0, 2], [3]),
        Op("RESHAPE", [1, 2], [4]),
        Op("CONCATENATION", [3, 4], [5], "ConcatenationOptions", [(0, "Int32", 1), (1, "Int8", 0)]),
        Op("SOFTMAX", [5], [6], "SoftmaxOptions", [(0, "Float32", 1.0)]),
    ]
    return write(tensors, ops, [0, 1], [6])


def dilated(dynamic: bool, same=True, depthwise=False, margin=None) -> bytes:
    """A 3x3 kernel over 11 x 7 with dilation 2, 3."""
    rng = np.random.default_rng(4)
    shape, pads, crops = (11, 7), ([2, 3], [3, 5]), ([0, 1], [0, 2])
    out = shape if same else (7, 1)
    if not same:
        pads, crops = ([0, 1], [0, 2]), ([0, 1], [0, 2])
    if margin:
        pads = ([2 + margin, 3 - margin], [3, 5])
    filters = (1, 3, 3, 4) if depthwise else (6, 3, 3, 4)
    channels, axis = (4, 3) if depthwise else (6, 0)
    scale = rng.uniform(0.005, 0.01, channels).astype(np.float32)
    weights = [
        T(filters, scale=scale, axis=axis, data=rng.integers(-127, 128, filters)),
        T((channels,), "int32", scale * 0.05, data=rng.integers(-999, 999, channels)),
    ]
    name, table = "CONV_2D", "Conv2DOptions"
    if depthwise:
        name, table = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"

    def options(padding, d_h, d_w):
        first = [(0, "Int8", padding), (1, "Int32", 1), (2, "Int32", 1)]
        if depthwise:
            return [*first, (3, "Int32", 1), (4, "Int8", 0), (5, "Int32", d_w), (6, "Int32", d_h)]
        return [*first, (3, "Int8", 0), (4, "Int32", d_w), (5, "Int32", d_h)]

    y = {"scale": 0.3, "zero": -7}
    x = T((1, *shape, 4), signature=(-1, *shape, 4), **Q)
    if not dynamic:
        tensors = [x, *weights, T((1, *out, channels), **y)]
        return write(
            tensors, [Op(name, [0, 1, 2], [3], table, options(int(not same), 2, 3))], [0], [3]
        )
    inner = [(d + sum(p)) // b for d, p, b in zip(shape, pads, (2, 3), strict=True)]
    tensors = [
        x,
        *weights,
        ints(2, 3),
        T((2, 2), "int32", data=pads),
        T((2, 2), "int32", data=crops),
        T((1, *inner, 4), **Q),
        T((1, inner[0] - 2, inner[1] - 2, channels), **y),
        T((1, *out, channels), **y),
    ]
    ops = [
        Op("SPACE_TO_BATCH_ND", [0, 3, 4], [6], "SpaceToBatchNDOptions"),
        Op(name, [6, 1, 2], [7], table, options(1, 1, 1)),
        Op("BATCH_TO_SPACE_ND", [7, 3, 5], [8], "BatchToSpaceNDOptions"),
    ]
    return write(tensors, ops, [0], [8])


def causal() -> bytes:
    """One-dimensional: EXPAND_DIMS before the convolution and RESHAPE after it."""
    rng = np.random.default_rng(5)
    y = {"scale": 0.3, "zero": -7}
    options = [(0, "Int8", 1), (1, "Int32", 1), (2, "Int32", 1)]
    options += [(3, "Int8", 0), (4, "Int32", 1), (5, "Int32", 1)]
    tensors = [
        T((1, 20, 4), signature=(-1, 20, 4), **Q),
        ints(2),
        T((1, 2), "int32", data=[[0, 0]]),
        T((1, 10, 4), signature=(-1, 10, 4), **Q),
        T((), "int32", data=-3),
        T((1, 1, 10, 4), **Q),
        T((5, 1, 3, 4), scale=0.01, data=rng.integers(-127, 128, (5, 1, 3, 4))),
        T((5,), "int32", 0.0005, data=rng.integers(-999, 999, 5)),
        T((1, 1, 8, 5), **y),
        ints(-1, 8, 5),
        T((1, 8, 5), **y),
        T((1, 16, 5), **y),
    ]
    ops = [
        Op("SPACE_TO_BATCH_ND", [0, 1, 2], [3], "SpaceToBatchNDOptions"),
        Op("EXPAND_DIMS", [3, 4], [5], "ExpandDimsOptions"),
        Op("CONV_2D", [5, 6, 7], [8], "Conv2DOptions", options),
        Op("RESHAPE", [8, 9], [10]),
        Op("BATCH_TO_SPACE_ND", [10, 1, 2], [11], "BatchToSpaceNDOptions"),
    ]
    return write(tensors, ops, [0], [11])


def same_layers(a: bytes, b: bytes) -> bool:
    first, second = generate(read(a)), generate(read(b))
    assert len(first.layers) == len(second.layers)
    for x, y in zip(first.layers, second.layers, strict=True):
        assert (x.operator, x.fields, x.scratch) == (y.operator, y.fields, y.scratch)
        assert x.constants.keys() == y.constants.keys()
        assert all(np.array_equal(x.constants[k], y.constants[k]) for k in x.constants)
    return first.plan.size == second.plan.size


def test_a_dense_layer_on_a_sequence():
    assert same_layers(sequence(True), sequence(False))
    graph = read(sequence(True))
    assert graph.tflm_differs
    assert not read(sequence(False)).tflm_differs
    assert [op.name for op in graph.operators] == ["RESHAPE", "FULLY_CONNECTED", "RESHAPE"]


def test_lists_of_unknown_length():
    graph = read(heads())
    assert graph.tensors[graph.outputs[0]].shape == (1, 14, 4)
    assert "rows = 14" in generate(graph).files["model.c"]


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("same", [False, True])
def test_a_dilation_through_batches(same, depthwise):
    assert same_layers(dilated(True, same, depthwise), dilated(False, same, depthwise))


def test_a_dilation_in_one_dimension():
    graph = read(causal())
    assert [op.name for op in graph.operators] == ["EXPAND_DIMS", "CONV_2D", "RESHAPE"]
    (layer,) = generate(graph).layers
    assert (layer.fields["dilation_w"], layer.fields["out_w"]) == (2, 16)


def test_other_uses_of_batches_are_refused_with_advice():
    with pytest.raises(EdgekitError, match=r"SPACE_TO_BATCH_ND.*margins.*fixed batch of 1"):
        read(dilated(True, margin=1))
    for name, tables in (
        ("SPACE_TO_BATCH_ND", "SpaceToBatchND"),
        ("BATCH_TO_SPACE_ND", "BatchToSpaceND"),
    ):
        t = T((1, 4, 4, 1), **Q)
        op = Op(name, [0, 1, 2], [3], f"{tables}Options")
        alone = write([t, ints(1, 1), T((2, 2), "int32", data=[[0, 0]] * 2), t], [op], [0], [3])
        with pytest.raises(EdgekitError, match=f"{name}.*fixed batch of 1"):
            read(alone)


def test_an_input_of_unknown_size_is_refused():
    x = T((1, 1, 1, 3), signature=(-1, -1, -1, 3), **Q)
    with pytest.raises(EdgekitError, match="full shape"):
        read(write([x, x], [Op("RELU6", [0], [1])], [0], [1]))


def test_a_shape_that_contradicts_the_file_is_not_believed():
    t = T((1, 8), signature=(-1, 8), **Q)
    wrong = T((1, 4), signature=(-1, 4), **Q)
    with pytest.raises(EdgekitError, match="should give shape"):
        generate(read(write([t, wrong], [Op("RELU6", [0], [1])], [0], [1])))


def test_weights_alone_quantized_come_with_advice():
    tensors = [
        T((1, 4), "float32"),
        T((2, 4), scale=0.1, data=[[1] * 4] * 2),
        T((1, 2), "float32"),
    ]
    options = [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)]
    op = Op("FULLY_CONNECTED", [0, 1, -1], [2], "FullyConnectedOptions", options)
    with pytest.raises(EdgekitError, match="representative dataset"):
        generate(read(write(tensors, [op], [0], [2])))
