"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR of one image."""

from __future__ import annotations

import numpy as np

from edgekit.operators import channels
from edgekit.operators import example as e
from edgekit.operators.graph import Graph, Operator
from edgekit.operators.layer import Layer, OperatorContext
from edgekit.operators.record import Field, Inputs, OperatorType, first_two

F = np.float32


def _sizes(p: OperatorContext) -> list[tuple[int, int]]:
    """(input's, output's) height and width, checked."""
    p.inputs_between(2, 2)
    p.require(p.x.data is None, "works on a constant")
    p.one_image()
    size = [int(v) for v in np.ravel(p.constant(1, "size"))]
    p.require(len(size) == 2 and all(0 < v < 1 << 15 for v in size), f"to {size}")
    p.require(max(p.x.shape) < 1 << 15, "is larger than 32,767 in one direction")
    o = p.options
    p.require(
        not (o["align_corners"] and o["half_pixel_centers"]), "aligns both corners and centers"
    )
    p.shape_is((1, *size, p.x.shape[3]))
    p.same_quantization(p.x, p.y)
    return list(zip(p.x.shape[1:3], size, strict=True))


def nearest(p: OperatorContext) -> Layer:
    """Checks a RESIZE_NEAREST_NEIGHBOR; which row and column is read is worked out here."""
    (in_h, out_h), (in_w, out_w) = _sizes(p)
    p.types(p.x, p.y)
    run = p.x.shape[3] * p.x.dtype.itemsize
    return p.layer(
        f"ek_resize_nearest({{rows}}, {{columns}}, {out_h}, {out_w}, {in_w}, {run}, {{in0}}, {{out0}});",
        ["ek_resize.h"],
        constants={
            "rows": _neighbours(in_h, out_h, p.options),
            "columns": _neighbours(in_w, out_w, p.options),
        },
    )


def _neighbours(size: int, out: int, options: dict) -> np.ndarray:
    """For each output pixel the input's (reference/resize_nearest_neighbor.h, in float32)."""
    corners = options["align_corners"]
    scale = F(size - 1) / F(out - 1) if corners and out > 1 else F(size) / F(out)
    at = (np.arange(out).astype(F) + F(0.5 if options["half_pixel_centers"] else 0)) * scale
    at = np.trunc(at + F(0.5)) if corners else np.floor(at)
    return np.clip(at.astype(np.int64), 0, size - 1).astype(np.int16)


def bilinear(p: OperatorContext) -> Layer:
    """Checks a RESIZE_BILINEAR: weights of 10 bits (reference/resize_bilinear.h, ResizeBilinearInteger)."""
    (in_h, out_h), (in_w, out_w) = _sizes(p)
    p.require(p.types(p.x, p.y) == "int8", "is supported in int8 only: quantize the model")
    return p.layer(
        "ek_resize_bilinear_s8(&{params}, {in0}, {out0});",
        ["ek_resize.h"],
        struct="resize_s8",
        fields={
            "in_h": in_h,
            "in_w": in_w,
            "channels": p.x.shape[3],
            "out_h": out_h,
            "out_w": out_w,
            "scale_h": _scale(in_h, out_h, p.options),
            "scale_w": _scale(in_w, out_w, p.options),
            "half_pixel": int(p.options["half_pixel_centers"]),
        },
        macs=4 * p.y.size,
    )


def _scale(size: int, out: int, options: dict) -> int:
    """Input pixels for one of the output, with 10 bits behind the point."""
    if options["align_corners"] and out > 1:
        size, out = size - 1, out - 1
    return (1024 * size + out // 2) // out


def resized_shape(op: Operator, inputs: Inputs) -> tuple[int, ...] | None:
    """The size that is input 1."""
    x, second = first_two(inputs)
    if x is None or second is None or second.data is None or len(x.shape) != 4 or second.size != 2:
        return None
    height, width = (int(v) for v in np.ravel(second.data))
    return (x.shape[0], height, width, x.shape[3])


def example(name: str):
    """Larger or smaller, with corners or centers aligned."""

    def make(rng: np.random.Generator) -> Graph:
        shape, x = (1, *(int(v) for v in rng.integers(1, 8, 3))), e.quantization(rng)
        size = [int(v) for v in rng.integers(1, 14, 2)]
        corners, centers = [(False, False), (True, False), (False, True)][rng.integers(3)]
        tensors = [e.tensor(shape, **x), e.ints(size), e.tensor((1, *size, shape[3]), **x)]
        options = {"align_corners": corners, "half_pixel_centers": centers}
        return e.model(tensors, [e.operator(name, [0, 1], [2], options)], [0], [2])

    return make


OPERATORS = (
    OperatorType(
        "RESIZE_NEAREST_NEIGHBOR",
        nearest,
        "ResizeNearestNeighborOptions",
        {
            "align_corners": Field("AlignCorners", 0, "Bool"),
            "half_pixel_centers": Field("HalfPixelCenters", 1, "Bool"),
        },
        shape=resized_shape,
        channels=channels.RESIZED,
        examples=(example("RESIZE_NEAREST_NEIGHBOR"),),
    ),
    OperatorType(
        "RESIZE_BILINEAR",
        bilinear,
        "ResizeBilinearOptions",
        {
            "align_corners": Field("AlignCorners", 2, "Bool"),
            "half_pixel_centers": Field("HalfPixelCenters", 3, "Bool"),
        },
        shape=resized_shape,
        channels=channels.RESIZED,
        examples=(example("RESIZE_BILINEAR"),),
    ),
)
