"""PACK, UNPACK, TILE and GATHER: values joined along a new axis, taken apart, repeated, picked by number."""

from __future__ import annotations

import numpy as np

from edgekit.operators import example as e
from edgekit.operators.graph import MAX_RANK, Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.moves import shape_arithmetic
from edgekit.operators.moves.copies import bytes_at, copy_fields, strides
from edgekit.operators.record import Field, Inputs, OperatorType, first_two


def pack(p: OperatorContext) -> Layer:
    """Checks a PACK: a copy for each input."""
    p.require(None not in p.inputs and len(p.outputs) == 1, "lacks an input")
    rank, axis = len(p.x.shape) + 1, p.options["axis"]
    p.require(-rank <= axis < rank <= MAX_RANK, f"along axis {axis}")
    axis %= rank
    p.types(*p.inputs, p.y)
    p.require(len(p.inputs) == p.options["count"], f"of {p.options['count']}")
    p.require(all(t.shape == p.x.shape for t in p.inputs), "joins shapes that differ")
    p.shape_is([*p.x.shape[:axis], len(p.inputs), *p.x.shape[axis:]])
    width = p.x.dtype.itemsize
    to = strides(p.y.shape, width)
    for t in p.inputs:
        p.same_quantization(t, p.y)
    inner = [step for i, step in enumerate(to) if i != axis]
    return p.layer(
        "\n  ".join(
            f"ek_copy_strided(&{{params}}, {{in{i}}}, (uint8_t *){{out0}} + {i * to[axis]});"
            for i in range(len(p.inputs))
        ),
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, p.x.shape, strides(p.x.shape, width), inner, width),
        inputs=tuple(t.index for t in p.inputs),
        comment=f"{len(p.inputs)} inputs -> {list(p.y.shape)}",
    )


def unpack(p: OperatorContext) -> Layer:
    """Checks an UNPACK: a copy for each output."""
    p.inputs_between(1, 1, outputs=p.options["count"])
    p.require(p.x.data is None, "takes a constant apart")
    rank, axis, count = len(p.x.shape), p.options["axis"], len(p.outputs)
    p.require(-rank <= axis < rank, f"along axis {axis}")
    axis %= rank
    p.types(p.x, *p.outputs)
    p.require(count == p.options["count"] == p.x.shape[axis], f"into {p.options['count']}")
    shape, width = p.x.shape[:axis] + p.x.shape[axis + 1 :], p.x.dtype.itemsize
    for t in p.outputs:
        p.require(t.shape == shape, f"should give {list(shape)} and the file says {list(t.shape)}")
        p.same_quantization(p.x, t)
    steps = strides(p.x.shape, width)
    outer = [step for i, step in enumerate(steps) if i != axis]
    return p.layer(
        "\n  ".join(
            f"ek_copy_strided(&{{params}}, {bytes_at('{in0}', i * steps[axis])}, {{out{i}}});"
            for i in range(count)
        ),
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, shape, outer, strides(shape, width), width),
    )


def tile(p: OperatorContext) -> Layer:
    """Checks a TILE: a copy that steps by nothing where it repeats."""
    p.inputs_between(2, 2)
    p.require(p.x.data is None, "repeats a constant")
    p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    times = [int(v) for v in np.ravel(p.constant(1, "multiples"))]
    p.require(len(times) == len(p.x.shape) and min(times, default=0) > 0, f"by {times}")
    p.shape_is(d * n for d, n in zip(p.x.shape, times, strict=True))
    width = p.x.dtype.itemsize
    shape, from_, to = [], [], []
    given = zip(p.x.shape, times, strides(p.x.shape, width), strides(p.y.shape, width), strict=True)
    for d, n, step_in, step_out in given:
        shape += [n, d]
        from_ += [0, step_in]
        to += [d * step_out, step_out]
    return p.layer(
        "ek_copy_strided(&{params}, {in0}, {out0});",
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, shape, from_, to, width),
    )


def tile_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """Each size as often as it says."""
    x, second = first_two(inputs)
    if x is None or second is None or second.data is None or second.size != len(x.shape):
        return None
    times = [int(v) for v in np.ravel(second.data)]
    return tuple(d * n for d, n in zip(x.shape, times, strict=True)) if min(times) > 0 else None


def gather(p: OperatorContext) -> Layer:
    """Checks a GATHER by constant numbers, none of which may point beyond its axis."""
    p.inputs_between(2, 2)
    p.require(p.x.data is None, "looks up in a constant by numbers known beforehand")
    p.types(p.x, p.y)
    p.same_quantization(p.x, p.y)
    at, rank, axis = p.constant(1, "indices"), len(p.x.shape), p.options["axis"]
    p.require(p.options["batch_dims"] == 0, f"has {p.options['batch_dims']} batch dimensions")
    p.require(-rank <= axis < rank, f"along axis {axis}")
    axis %= rank
    size, width = p.x.shape[axis], p.x.dtype.itemsize
    p.require(at.min() >= 0 and at.max() < size, f"by {int(at.min())} to {int(at.max())} of {size}")
    p.shape_is([*p.x.shape[:axis], *at.shape, *p.x.shape[axis + 1 :]])
    outer = int(np.prod(p.x.shape[:axis], dtype=np.int64))
    run = int(np.prod(p.x.shape[axis + 1 :], dtype=np.int64)) * width
    return p.layer(
        f"ek_gather({{indices}}, {at.size}, {outer}, {size}, {run}, {{in0}}, {{out0}});",
        ["ek_copy.h"],
        constants={"indices": np.ravel(at).astype(np.int32)},
    )


def pack_example(rng: np.random.Generator) -> Graph:
    """Two or three inputs along any axis, a new last one among them."""
    shape, x = (1, *(int(v) for v in rng.integers(1, 6, 2))), e.quantization(rng)
    count, axis = int(rng.integers(2, 4)), int(rng.integers(0, 4))
    out = [*shape[:axis], count, *shape[axis:]]
    given = axis - 4 if rng.random() < 0.5 else axis
    op = e.operator("PACK", range(count), [count], {"count": count, "axis": given})
    tensors = [*(e.tensor(shape, **x) for _ in range(count)), e.tensor(out, **x)]
    return e.model(tensors, [op], list(range(count)), [count])


def unpack_example(rng: np.random.Generator) -> Graph:
    """Along any axis but the first."""
    shape, x = (1, *(int(v) for v in rng.integers(1, 6, 3))), e.quantization(rng)
    axis = int(rng.integers(1, 4))
    count, outputs = shape[axis], list(range(1, 1 + shape[axis]))
    part = shape[:axis] + shape[axis + 1 :]
    given = axis - 4 if rng.random() < 0.5 else axis
    op = e.operator("UNPACK", [0], outputs, {"count": count, "axis": given})
    tensors = [e.tensor(shape, **x), *(e.tensor(part, **x) for _ in outputs)]
    return e.model(tensors, [op], [0], outputs)


def tile_example(rng: np.random.Generator) -> Graph:
    """Up to three times along each axis."""
    shape, x = (1, *(int(v) for v in rng.integers(1, 5, rng.integers(1, 4)))), e.quantization(rng)
    times = [1, *(int(v) for v in rng.integers(1, 4, len(shape) - 1))]
    out = [d * n for d, n in zip(shape, times, strict=True)]
    tensors = [e.tensor(shape, **x), e.ints(times), e.tensor(out, **x)]
    return e.model(tensors, [e.operator("TILE", [0, 1], [2])], [0], [2])


def gather_example(rng: np.random.Generator) -> Graph:
    """In any order, with repetitions, by a vector, a matrix or a lone number."""
    shape, x = (1, *(int(v) for v in rng.integers(1, 7, 3))), e.quantization(rng)
    axis, form = int(rng.integers(1, 4)), [(), (3,), (2, 2)][rng.integers(3)]
    at = rng.integers(0, shape[axis], form)
    out = [*shape[:axis], *form, *shape[axis + 1 :]]
    tensors = [e.tensor(shape, **x), e.tensor(form, "int32", data=at), e.tensor(out, **x)]
    op = e.operator("GATHER", [0, 1], [2], {"axis": axis, "batch_dims": 0})
    return e.model(tensors, [op], [0], [2])


OPERATORS = (
    OperatorType(
        "PACK",
        pack,
        "PackOptions",
        {"count": Field("ValuesCount", 0), "axis": Field("Axis", 1)},
        fold=shape_arithmetic.pack,
        examples=(pack_example,),
    ),
    OperatorType(
        "UNPACK",
        unpack,
        "UnpackOptions",
        {"count": Field("Num", 0), "axis": Field("Axis", 1)},
        examples=(unpack_example,),
    ),
    OperatorType("TILE", tile, shape=tile_shape, tflm=False, examples=(tile_example,)),
    OperatorType(
        "GATHER",
        gather,
        "GatherOptions",
        {"axis": Field("Axis", 0), "batch_dims": Field("BatchDims", 1)},
        fold=shape_arithmetic.gather,
        examples=(gather_example,),
    ),
)
