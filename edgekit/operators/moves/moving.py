"""PAD, PADV2, TRANSPOSE and CONCATENATION: the same values in another order, or with others."""

from __future__ import annotations

import numpy as np

from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext, zero_of
from edgekit.operators.moves.copies import copy_fields, one_copy, strides
from edgekit.operators.moves.shape_arithmetic import on_constants
from edgekit.operators.onnx_writer import Writer
from edgekit.operators.record import Field, Inputs, OperatorType, activation, first_two


def pad(p: OperatorContext) -> Layer:
    """Checks a PAD or PADV2: fill, then copy into the middle."""
    p.inputs_between(2, 3)
    kind = p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    pads = p.constant(1, "paddings")
    p.require(pads.shape == (len(p.x.shape), 2) and (pads >= 0).all(), f"with {pads.tolist()}")
    p.shape_is(int(d) + int(a) + int(b) for d, (a, b) in zip(p.x.shape, pads, strict=True))
    if p.op.name == "PADV2" and len(p.inputs) > 2:
        value = p.constant(2, "padding value", kind).reshape(-1)
        p.require(value.size == 1, "has more than one padding value")
        if kind == "int8":
            p.same_quantization(p.inputs[2], p.y)
    else:
        value = np.array([zero_of(p.y) if kind == "int8" else 0.0], kind)
    width = p.x.dtype.itemsize
    to = strides(p.y.shape, width)
    start = sum(int(pads[i, 0]) * to[i] for i in range(len(to)))
    return p.layer(
        f"ek_fill({{out0}}, {{value}}, {width}, {p.y.size});\n"
        f"  ek_copy_strided(&{{params}}, {{in0}}, (uint8_t *){{out0}} + {start});",
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, p.x.shape, strides(p.x.shape, width), to, width),
        constants={"value": value},
    )


def onnx_pad(w: Writer, op: Operator) -> None:
    """Pad."""
    t = w.tensor(op.inputs[0])
    pads = w.constant(w.known(op.inputs[1]).T.reshape(-1), np.int64)
    fill = w.known(op.inputs[2]).reshape(()) if len(op.inputs) > 2 else t.zero_point[0]
    inputs = [w.value(op.inputs[0]), pads, w.constant(fill, t.dtype)]
    w.node("Pad", inputs, w.value(op.outputs[0]))


def concatenation(p: OperatorContext) -> Layer:
    """Checks a CONCATENATION: a copy for each input."""
    p.require(p.options["activation"] == "none", "has a fused activation")
    p.require(all(t is not None for t in p.inputs) and len(p.outputs) == 1, "lacks an input")
    p.types(*p.inputs, p.y)
    rank, width = len(p.y.shape), p.y.dtype.itemsize
    axis = p.options["axis"]
    p.require(rank and -rank <= axis < rank, f"along axis {axis}")
    axis %= rank
    shape = list(p.y.shape)
    shape[axis] = 0
    to, calls, fields = strides(p.y.shape, width), [], []
    for i, t in enumerate(p.inputs):
        p.same_quantization(t, p.y)
        others = [d for j, d in enumerate(t.shape) if j != axis]
        p.require(
            len(t.shape) == rank and others == [d for j, d in enumerate(p.y.shape) if j != axis],
            f"{list(t.shape)} does not fit {list(p.y.shape)}",
        )
        fields.append(copy_fields(p, t.shape, strides(t.shape, width), to, width))
        calls.append(
            f"ek_copy_strided(&{{params}}[{i}], {{in{i}}}, (uint8_t *){{out0}} + {shape[axis] * to[axis]});"
        )
        shape[axis] += t.shape[axis]
    p.shape_is(shape)
    return p.layer(
        "\n  ".join(calls),
        ["ek_copy.h"],
        struct="copy",
        fields=fields,
        inputs=tuple(t.index for t in p.inputs),
        comment=f"{len(p.inputs)} inputs -> {list(p.y.shape)}",
    )


def concatenation_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The inputs' sizes along the axis, added."""
    known = [t for t in inputs if t is not None]
    if len(known) < max(2, len(inputs)):
        return None
    x, axis, rank = known[0], op.options["axis"], len(known[0].shape)
    if any(len(t.shape) != rank for t in known) or not -rank <= axis < rank:
        return None
    shape = list(x.shape)
    shape[axis] = sum(t.shape[axis] for t in known)
    return tuple(shape)


@on_constants
def fold_concatenation(op: Operator, values: list[np.ndarray]) -> np.ndarray | None:
    """A shape from its pieces."""
    flat = all(v.ndim == 1 for v in values) and op.options["axis"] in (0, -1)
    return np.concatenate(values) if flat else None


def onnx_concatenation(w: Writer, op: Operator) -> None:
    """Concat."""
    inputs = [w.value(i) for i in op.inputs]
    w.node("Concat", inputs, w.value(op.outputs[0]), axis=op.options["axis"])


def transpose(p: OperatorContext) -> Layer:
    """Checks a TRANSPOSE: a copy with permuted steps."""
    p.inputs_between(2, 2)
    p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    order = [int(i) for i in np.ravel(p.constant(1, "permutation"))]
    p.require(sorted(order) == list(range(len(p.x.shape))), f"by {order}, which is no permutation")
    steps = strides(p.x.shape, p.x.dtype.itemsize)
    shape = [p.x.shape[i] for i in order]
    p.shape_is(shape)
    return one_copy(p, shape, [steps[i] for i in order], 0)


def transpose_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The shape, permuted."""
    x, second = first_two(inputs)
    if x is None or second is None or second.data is None:
        return None
    order = [int(i) for i in np.ravel(second.data)]
    ordered = sorted(order) == list(range(len(x.shape)))
    return tuple(x.shape[i] for i in order) if ordered else None


def onnx_transpose(w: Writer, op: Operator) -> None:
    """Transpose."""
    order = [int(i) for i in np.ravel(w.known(op.inputs[1]))]
    w.node("Transpose", [w.value(op.inputs[0])], w.value(op.outputs[0]), perm=order)


def pad_example(name: str):
    """Margins of 0 to 2 on all axes but the batch."""

    def make(rng: np.random.Generator) -> Graph:
        shape, x = (1, *(int(v) for v in rng.integers(1, 7, 3))), e.quantization(rng)
        pads = rng.integers(0, 3, (4, 2))
        pads[0] = 0
        out = tuple(int(d + p.sum()) for d, p in zip(shape, pads, strict=True))
        tensors = [e.tensor(shape, **x), e.ints(pads)]
        if name == "PADV2":
            tensors.append(e.tensor((1,), data=[int(rng.integers(-128, 128))], **x))
        y = len(tensors)
        op = e.operator(name, list(range(y)), [y])
        return e.model([*tensors, e.tensor(out, **x)], [op], [0], [y])

    return make


def transpose_example(rng: np.random.Generator) -> Graph:
    """Of two to five dimensions."""
    shape = (1, *(int(v) for v in rng.integers(1, 6, rng.integers(1, 5))))
    order, x = rng.permutation(len(shape)), e.quantization(rng)
    tensors = [e.tensor(shape, **x), e.ints(order)]
    tensors += [e.tensor([shape[i] for i in order], **x)]
    return e.model(tensors, [e.operator("TRANSPOSE", [0, 1], [2])], [0], [2])


def concatenation_example(rng: np.random.Generator) -> Graph:
    """Two inputs along any axis."""
    shape, x = (1, *(int(v) for v in rng.integers(2, 7, 3))), e.quantization(rng)
    axis, more = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    other = tuple(more if i == axis else d for i, d in enumerate(shape))
    out = tuple(d + more if i == axis else d for i, d in enumerate(shape))
    tensors = [e.tensor(s, **x) for s in (shape, other, out)]
    op = e.operator("CONCATENATION", [0, 1], [2], {"axis": axis - 4, "activation": "none"})
    return e.model(tensors, [op], [0, 1], [2])


OPERATORS = (
    *(
        OperatorType(
            name,
            pad,
            onnx=onnx_pad,
            exact_onnx=True,
            channels=channels.PAD,
            examples=(pad_example(name),),
        )
        for name in ("PAD", "PADV2")
    ),
    OperatorType(
        "CONCATENATION",
        concatenation,
        "ConcatenationOptions",
        {"axis": Field("Axis", 0)} | activation(1),
        shape=concatenation_shape,
        fold=fold_concatenation,
        onnx=onnx_concatenation,
        channels=channels.JOINED,
        exact_onnx=True,
        examples=(concatenation_example,),
    ),
    OperatorType(
        "TRANSPOSE",
        transpose,
        shape=transpose_shape,
        onnx=onnx_transpose,
        channels=channels.TRANSPOSED,
        exact_onnx=True,
        examples=(transpose_example,),
    ),
)
