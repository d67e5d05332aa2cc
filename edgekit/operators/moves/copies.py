"""What operators that only move values share: a copy along up to five dimensions with strides."""

from __future__ import annotations

from edgekit.operators.layer import Layer, OperatorContext


def strides(shape, width: int) -> list[int]:
    """Bytes between neighbours along each dimension of a dense array."""
    steps = [width]
    for d in reversed(shape[1:]):
        steps.insert(0, steps[0] * d)
    return steps[: len(shape)]


def copy_fields(p: OperatorContext, shape, step_in, step_out, width: int) -> dict:
    """Fields of struct copy: drop and merge dimensions, and take out the contiguous run."""
    dims = [list(d) for d in zip(shape, step_in, step_out, strict=True) if d[0] != 1]
    run = width
    while dims and dims[-1][1] == dims[-1][2] == run:
        run *= dims.pop()[0]
    merged: list[list[int]] = []
    for d in dims:
        last = merged[-1] if merged else None
        if last and last[1] == d[0] * d[1] and last[2] == d[0] * d[2]:
            merged[-1] = [last[0] * d[0], d[1], d[2]]
        else:
            merged.append(d)
    p.require(len(merged) <= 5, "moves values over more than five dimensions")
    merged = [[1, 0, 0]] * (5 - len(merged)) + merged
    return {
        "shape": [d[0] for d in merged],
        "step_in": [d[1] for d in merged],
        "step_out": [d[2] for d in merged],
        "run": run,
    }


def bytes_at(place: str, offset: int) -> str:
    """C for `place` and so many bytes on."""
    return f"(const uint8_t *){place} + {offset}" if offset else place


def one_copy(p: OperatorContext, shape, step_in, start: int) -> Layer:
    """A layer that copies `shape` values, `step_in` bytes apart, from byte `start` of its input."""
    p.require(p.x.data is None, "works on a constant: compute it before converting")
    width = p.x.dtype.itemsize
    return p.layer(
        f"ek_copy_strided(&{{params}}, {bytes_at('{in0}', start)}, {{out0}});",
        ["ek_copy.h"],
        struct="copy",
        fields=copy_fields(p, shape, step_in, strides(shape, width), width),
    )
