"""Windows of depthwise convolutions, drawn at random, against TFLM: each routine, along either axis.

Many layers stand side by side in one model, each with an input of its own: one program holds them all, so
that the compiler cannot fold one layer's constants into a kernel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.emulate import build
from edgekit.emulate.machine import Machine
from edgekit.emulate.parity import raw_tflm
from edgekit.export import generate, read
from edgekit.operators import OPERATORS
from edgekit.operators import example as e
from edgekit.operators.graph import Graph
from edgekit.testing.operator import together
from edgekit.testing.tflite_file import to_tflite
from tests.export import tiny

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

SHAPES = ("audio", "3x3", "large", "dilated")
ROUTINES = {f"ek_window_{kind}" for kind in ("any", "rows", "3x3", "3x3_by_2")}


def depthwise(rng: np.random.Generator, shape: str) -> Graph:
    """A layer of a family of shapes; one in ten has a scale that needs the slow rounding."""
    axes = np.array([[3, 1, 1]] * 2)  # window, stride, dilation of height and width
    if shape == "audio":  # of one row or column
        axes[:] = [[rng.integers(2, 16), rng.integers(1, 4), 1], [1, 1, 1]]
    elif shape == "3x3":
        axes[:, 1] = rng.integers(1, 3, 2)
    elif shape == "large":
        axes[:, :2] = np.transpose([rng.integers(1, 8, 2), rng.integers(1, 5, 2)])
    else:
        axes[:, ::2] = np.transpose([rng.integers(1, 6, 2), rng.integers(1, 12, 2)])
    same = bool(rng.integers(2))
    size = [int(rng.integers(1 if same else r, r + 12)) for r in (axes[:, 0] - 1) * axes[:, 2] + 1]
    if shape == "audio":
        size[1] = 1
    if rng.integers(2):
        axes, size = axes[::-1], size[::-1]
    axes = [[int(v) for v in axis] for axis in axes]
    out = [e.window_size(n, *axis, same) for n, axis in zip(size, axes, strict=True)]
    channels, multiplier = int(rng.integers(2, 6)), int(rng.choice([1, 1, 2]))
    kernel, count = (axes[0][0], axes[1][0]), channels * multiplier
    sx, sw = e.scale(rng), rng.uniform(0.005, 0.02, count).astype(np.float32)
    spread = 60 if rng.random() < 0.9 else 0.005
    sy = float(sx * sw[0] * spread * np.prod(kernel) ** 0.5)
    bias = rng.integers(-4000, 4000, count)
    tensors = [
        e.tensor((1, *size, channels), scale=sx, zero=e.zero(rng)),
        e.tensor(
            (1, *kernel, count), scale=sw, axis=3, data=rng.integers(-127, 128, (*kernel, count))
        ),
        e.tensor((count,), "int32", sx * sw, data=bias),
        e.tensor((1, *out, count), scale=sy, zero=e.zero(rng)),
    ]
    options = {"padding": "same" if same else "valid", "depth_multiplier": multiplier}
    options |= {
        f"{k}_{a}": axes[i][n]
        for n, k in ((1, "stride"), (2, "dilation"))
        for i, a in enumerate("hw")
    }
    options |= {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    return e.model(tensors, [e.operator("DEPTHWISE_CONV_2D", [0, 1, 2], [3], options)], [0], [3])


def padded(rng: np.random.Generator, name: str, fill: int | None) -> Graph:
    """A PAD before an example of `name`, or a PADV2 that fills with another value."""
    (example,) = OPERATORS[name].examples[:1]
    graph = example(rng)
    x, *others = graph.tensors
    room = [min(3, d - 1) for d in x.shape[1:3]]
    pads = [
        (0, 0),
        *((a := int(rng.integers(0, r + 1)), int(rng.integers(0, r + 1 - a))) for r in room),
        (0, 0),
    ]
    shape = [d - a - b for d, (a, b) in zip(x.shape, pads, strict=True)]
    inner = replace(x, shape=tuple(shape))
    more = (
        []
        if fill is None
        else [replace(e.tensor((1,), data=[fill]), scale=x.scale, zero_point=x.zero_point)]
    )
    at = len(graph.tensors)
    pad = e.operator("PAD" if fill is None else "PADV2", range(at, at + 2 + len(more)), [0])
    return e.model(
        [x, *others, inner, e.ints(pads), *more], [pad, *graph.operators], [at], graph.outputs
    )


def wrong(graph: Graph, cpu: str, rng: np.random.Generator, opt: str = "-Os") -> list[int]:
    """Values of each output that differ from TFLM's, in two samples."""
    data = to_tflite(graph)
    graph = read(data)
    samples = tiny.samples(graph, 2, rng)
    machine = Machine(build(generate(graph), cpu, opt))
    found = np.zeros(len(graph.outputs), int)
    for sample, expected in zip(samples, raw_tflm(data, graph, samples), strict=True):
        got = machine.infer(sample)
        found += [
            int((a.reshape(-1) != b.reshape(-1)).sum()) for a, b in zip(got, expected, strict=True)
        ]
    return list(found)


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_any_window_gives_tflms_bytes(cpu):
    rng = np.random.default_rng(7)
    graph = together([depthwise(rng, shape) for shape in SHAPES for _ in range(12)])
    used = {
        (m.fields["window"], m.fields["swapped"])
        for m in generate(graph).layers
        if "window" in m.fields
    }
    assert {routine for routine, _ in used} == ROUTINES
    assert {("ek_window_rows", 1), ("ek_window_3x3", 1)} <= used  # with the axes exchanged
    assert not any(wrong(graph, cpu, rng))


@pytest.mark.parametrize("cpu", ["cortex-m4", "rv32imc"])
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_padding_folds_where_it_changes_nothing(name, cpu):
    rng = np.random.default_rng(5)
    graphs = [padded(rng, name, fill) for fill in (None, -128, 3) for _ in range(8)]
    left = [len(generate(g).layers) - 1 for g in graphs]
    filters = "CONV" in name
    assert left[:8] == [0 if filters else 1] * 8 or name == "MAX_POOL_2D"
    assert (0 in left[8:16]) == (name == "MAX_POOL_2D")  # what is lower than all changes no maximum
    assert left[16:] == [1] * 8
    shown = replace(graphs[0], outputs=(0, *graphs[0].outputs))
    assert len(generate(shown).layers) == 2
    assert not any(wrong(together(graphs), cpu, rng))


@pytest.mark.parametrize("pads", [((0, 1), (0, 2)), ((1, 0), (2, 0)), ((1, 1), (1, 1))])
def test_padding_about_a_window_of_one_pixel_folds_too(pads):
    """Then a 1x1 convolution has margins, and does not read its pixels where they would be without."""
    rng = np.random.default_rng(3)
    scales = np.full(5, 0.01, np.float32)
    (top, bottom), (left, right) = pads
    out = (1, 3 + top + bottom, 4 + left + right)
    zero = 3
    graph = e.model(
        [
            e.tensor((1, 3, 4, 8), scale=0.05, zero=zero),
            e.ints([[0, 0], *map(list, pads), [0, 0]]),
            e.tensor((*out, 8), scale=0.05, zero=zero),
            e.tensor((5, 1, 1, 8), scale=scales, axis=0, data=rng.integers(-127, 128, (5, 1, 1, 8))),
            e.tensor((5,), "int32", 0.05 * scales, data=rng.integers(-900, 900, 5)),
            e.tensor((*out, 5), scale=0.05, zero=-7),
        ],
        [
            e.operator("PAD", [0, 1], [2]),
            e.operator("CONV_2D", [2, 3, 4], [5], {
                "padding": "valid", "stride_w": 1, "stride_h": 1, "activation": "none",
                "dilation_w": 1, "dilation_h": 1,
            }),
        ],
        [0], [5],
    )  # fmt: skip
    assert len(generate(graph).layers) == 1
    assert not any(wrong(graph, "cortex-m4", rng))
