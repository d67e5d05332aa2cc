"""Which scales are multiplied in double and which in float32: told apart by values on the edge of a step.

The two products differ in the last of 24 bits, so random values tell them apart once in some hundred
thousand. Here biases and weights are chosen so that every value does.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.emulate.parity import raw_tflm, run_host, tflm
from edgekit.export import generate, read
from edgekit.operators.fixed_point import hard_swish_table, quantize_multiplier
from tests.export.tiny import Op, T, write

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

DENSE = (
    "FULLY_CONNECTED",
    "FullyConnectedOptions",
    [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)],
)
CONV = [(0, "Int8", 1), (1, "Int32", 1), (2, "Int32", 1)]


def rescaled(x, pair):
    """gemmlowp's two roundings."""
    multiplier, shift = pair
    high = (np.asarray(x, np.int64) * multiplier + (1 << 30)) >> 31
    return (high + (1 << (-shift - 1)) - (high < 0)) >> -shift


def products(a, b, c) -> list[tuple[int, int]]:
    """The multiplier for a * b / c in double, in float32 and with only the product in float32."""
    a, b, c = (np.float32(v) for v in (a, b, c))
    exact = float(a) * float(b) / float(c)
    return [quantize_multiplier(v) for v in (exact, float(a * b / c), float(a * b) / float(c))]


def edges(a, b, c, halves) -> np.ndarray:
    """For each half a sum near it that the products do not round alike; fewer where there is none."""
    pairs, found = products(a, b, c), []
    for half in halves:
        near = int(half * float(c) / (float(a) * float(b))) + np.arange(-60, 61)
        values = [rescaled(near, p) for p in pairs]
        differ = np.flatnonzero((values[0] != values[1]) & (values[0] != values[2]))
        found += [int(near[differ[len(differ) // 2]])] if len(differ) else []
    return np.array(found)


def scales(rng, low, high) -> tuple[float, float, float]:
    """Scales of an input, a factor and an output 2^low … 2^high times as coarse, whose products differ."""
    while True:
        a, b = np.float32(rng.uniform(0.003, 0.2)), np.float32(rng.uniform(0.001, 0.02))
        c = np.float32(float(a) * float(b) * 2.0 ** rng.uniform(low, high))
        (exact, *others) = products(a, b, c)
        if min(abs(exact[0] - other[0]) for other in others) > 40:
            return float(a), float(b), float(c)


def by_bias(rng, kind: str) -> bytes:
    """No weights, and biases on the edges."""
    sx, sw, sy = scales(rng, 17, 19.5)
    bias = edges(sx, sw, sy, np.arange(-120, 120) + 0.5)
    n = len(bias)
    assert n > 20
    name, _, per_channel = kind.partition(" ")
    scale = np.full(n, sw) if per_channel else sw
    shapes = {"FULLY_CONNECTED": ((1, 4), (n, 4)), "CONV_2D": ((1, 1, 1, 4), (n, 1, 1, 4))}
    into, filters = shapes.get(name, ((1, 1, 1, n), (1, 1, 1, n)))
    op, axis = Op(DENSE[0], [0, 1, 2], [3], *DENSE[1:]), 0
    if name == "CONV_2D":
        more = [(3, "Int8", 0), (4, "Int32", 1), (5, "Int32", 1)]
        op = Op(name, [0, 1, 2], [3], "Conv2DOptions", CONV + more)
    if name == "DEPTHWISE_CONV_2D":
        more = [(3, "Int32", 1), (4, "Int8", 0), (5, "Int32", 1), (6, "Int32", 1)]
        op, axis = Op(name, [0, 1, 2], [3], "DepthwiseConv2DOptions", CONV + more), 3
    tensors = [
        T(into, scale=sx),
        T(filters, scale=scale, axis=axis, data=np.zeros(filters)),
        T((n,), "int32", np.float32(sx) * np.float32(sw), data=bias),
        T((*into[:-1], n), scale=sy),
    ]
    return write(tensors, [op], [0], [3])


def rows_for(sums, size: int = 8192) -> np.ndarray:
    """Weights that give these sums for inputs of 127, the last 127 of which are 1."""
    rows = np.zeros((len(sums), size), int)
    for row, total in zip(rows, sums, strict=True):
        full, row[-1] = divmod(int(total), 127)
        count, row[full // 127] = divmod(full, 127)
        row[:count] = 127
    return rows


FULL = np.array([[127] * (8192 - 127) + [1] * 127], np.int8)


def by_weights(rng) -> bytes:
    """FULLY_CONNECTED without a bias."""
    sx, sw, sy = scales(rng, 19, 20)
    rows = rows_for(edges(sx, sw, sy, np.arange(40) + 0.5))
    assert len(rows) > 3
    tensors = [T(FULL.shape, scale=sx), T(rows.shape, scale=sw, data=rows)]
    tensors += [T((1, len(rows)), scale=sy)]
    return write(tensors, [Op(DENSE[0], [0, 1], [2], *DENSE[1:])], [0], [2])


def svdf(rng, first: bool) -> bytes:
    """The sum over features on the edges of its 16-bit state, or the sum over time on those of the output."""
    if first:
        sx, sf, ss = scales(rng, 10, 11)
        st, so = 1e-3, float(np.float32(ss) * np.float32(1e-3))
        sums = edges(sx, sf, ss, np.arange(20_000, 32_000, 150) + 0.5)
        feature, time = rows_for(sums), 1
        bias = 20 - rescaled(sums, products(sx, sf, ss)[0])
    else:
        ss, st, so = scales(rng, 17, 19)
        sx, sf, time = 0.01, 0.01, 0
        bias = edges(ss, st, so, np.arange(120) + 0.5)
        feature = np.zeros((len(bias), 8192), int)
    n = len(bias)
    assert n > 3
    tensors = [
        T(FULL.shape, scale=sx),
        T(feature.shape, scale=sf, data=feature),
        T((n, 1), "int16", st, data=np.full((n, 1), time)),
        T((n,), "int32", np.float32(ss) * np.float32(st), data=bias),
        T((1, n), "int16", ss, 0, variable=True),
        T((1, n), scale=so),
    ]
    options = [(0, "Int32", 1), (1, "Int8", 1), (2, "Bool", False)]
    return write(tensors, [Op("SVDF", [0, 1, 2, 3, 4], [5], "SVDFOptions", options)], [0], [5])


def same(data: bytes, x: np.ndarray) -> None:
    got = run_host(generate(read(data)), x).outputs
    assert np.array_equal(np.asarray(tflm(data, x).outputs).reshape(got.shape), got)


KINDS = ["FULLY_CONNECTED", "CONV_2D channels", "DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_biases(kind):
    data = by_bias(np.random.default_rng(len(kind)), kind)
    same(data, np.zeros(read(data).tensors[0].shape, np.int8))


@pytest.mark.parametrize("make", [by_weights, lambda r: svdf(r, True), lambda r: svdf(r, False)])
def test_sums_without_a_bias_and_over_time(make):
    same(make(np.random.default_rng(3)), FULL)


def test_a_curve_whose_table_hangs_on_the_product():
    """HARD_SWISH with scales whose quotient in float32 gives another table."""
    x, y = (0.031148724257946014, -33), (0.07568872720003128, -70)
    op = Op("HARD_SWISH", [0], [1], "HardSwishOptions")
    data = write([T((1, 256), "int8", *x), T((1, 256), "int8", *y)], [op], [0], [1])
    given = np.arange(-128, 128).astype(np.int8)[None]
    ((truth,),) = raw_tflm(data, read(data), [(given,)])
    assert np.array_equal(truth.ravel(), hard_swish_table(*x, *y))


@pytest.mark.parametrize("seed", range(2))
def test_a_million_values_of_an_autoencoders_layer(seed):
    rng = np.random.default_rng(seed)
    sx, sw, sy = scales(rng, 8, 10)
    tensors = [
        T((1, 128), scale=sx, zero=-128),
        T((640, 128), scale=sw, data=rng.integers(-40, 41, (640, 128))),
        T((640,), "int32", np.float32(sx) * np.float32(sw), data=rng.integers(-9999, 9999, 640)),
        T((1, 640), scale=sy, zero=int(rng.integers(-60, 60))),
    ]
    data = write(tensors, [Op(DENSE[0], [0, 1, 2], [3], *DENSE[1:])], [0], [3])
    same(data, rng.integers(-128, 128, (1600, 128)).astype(np.int8))
