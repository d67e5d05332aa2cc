"""Cores without SMLAD multiply two columns at once (kernels/ek_words.h): exact at the very ends of int8."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgekit import firmware
from edgekit.emulate import build, run
from edgekit.emulate.cores import CORES, SOFT, Core
from edgekit.emulate.parity import run_host, tflm
from edgekit.emulate.snippet import snippet
from edgekit.export import Source, generate, read
from tests.export.tiny import Op, T, write

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

WITHOUT = ("cortex-m0plus", "cortex-m3", "rv32imc")
NEW = (
    Core("cortex-m23", SOFT, "cortex_m23", model="ARM_CORTEX_M33"),
    Core("m33-without-dsp", SOFT, "cortex_m33", model="ARM_CORTEX_M33"),
)
# the same without the 128 that keep a sum of two products apart from its neighbour at -128 * -128 * 2
NARROW = (("0xff807f80u", "0x00008000u"), ("(uint32_t)bias + 32 * bytes", "(uint32_t)bias"))


# window, channels in and out: two groups of four products, an odd channel; seven groups, the last not full
SHAPES = ((1, 8, 5), (3, 3, 4))


def convolution(size: tuple[int, int, int], weights: tuple[int, ...]) -> bytes:
    """A CONV_2D whose weights are drawn from `weights`, the first row all of the first."""
    rng = np.random.default_rng(1)
    k, in_ch, out_ch = size
    shape = (out_ch, k, k, in_ch)
    filters = rng.choice(weights, shape)
    filters[0] = weights[0]
    reach = 128 * 128 * k * k * in_ch
    tensors = [
        T((1, 5, 6, in_ch), scale=0.01, zero=-128),
        T(shape, scale=[0.01] * out_ch, data=filters),
        T((out_ch,), "int32", [0.0001] * out_ch, data=rng.integers(-9999, 9999, out_ch)),
        T((1, 6 - k, 7 - k, out_ch), scale=reach * 0.0001 / 100, zero=3),
    ]
    options = [(0, "Int8", 1), (1, "Int32", 1), (2, "Int32", 1), (3, "Int8", 0)]
    options += [(4, "Int32", 1), (5, "Int32", 1)]
    op = Op("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", options)
    return write(tensors, [op], [0], [3])


def ends(data: bytes, seed: int = 0) -> np.ndarray:
    """Inputs at the limits of int8: all low, all high, and mixed; then any."""
    rng = np.random.default_rng(seed)
    shape = read(data).tensors[0].shape[1:]
    low, high = np.full((1, *shape), -128), np.full((1, *shape), 127)
    mixed, more = rng.choice([-128, 127], (4, *shape)), rng.integers(-128, 128, (2, *shape))
    return np.concatenate([low, high, mixed, more]).astype(np.int8)


def wrong(data: bytes, go) -> int:
    """Values that differ from TFLM's where `go(source, inputs)` runs the generated code."""
    x = ends(data)
    got = np.asarray(go(generate(read(data)), x))
    return int((got.ravel() != np.asarray(tflm(data, x).outputs).ravel()).sum())


def on_host(source: Source, x):
    return run_host(source, x).outputs


def narrowed(source: Source, x):
    files = dict(source.files)
    name = "edgekit_kernels/ek_words.h"
    for old, new in NARROW:
        assert files[name].count(old) == 1
        files[name] = files[name].replace(old, new)
    return on_host(dataclasses.replace(source, files=files), x)


@pytest.mark.parametrize("cpu", [*WITHOUT, *NEW], ids=lambda c: getattr(c, "name", c))
def test_two_products_in_a_word_never_touch(cpu, monkeypatch):
    if isinstance(cpu, Core):
        monkeypatch.setitem(CORES, cpu.name, cpu)
        cpu = cpu.name
    for size in SHAPES:
        data = convolution(size, (-128, -127, 127))
        assert wrong(data, lambda source, x: run(build(source, cpu), x)) == 0


def test_nor_in_plain_c_where_a_narrower_word_would():
    """The check bites: without that room, ordinary weights still come out right and -128 does not."""
    for size in SHAPES:
        lowest, ordinary = convolution(size, (-128, -127, 127)), convolution(size, (-127, 3, 127))
        assert wrong(lowest, on_host) == 0
        assert wrong(ordinary, narrowed) == 0
        assert wrong(lowest, narrowed) > 0


@pytest.mark.parametrize("cpu", [*WITHOUT, "cortex-m4"])
def test_the_high_half_of_a_product_is_exact_up_to_its_limits(cpu):
    """On a Cortex-M0+ it is made of four products of halves: no sum of them may run over."""
    rng = np.random.default_rng(3)
    low = np.array([-(1 << 15), 1 - (1 << 15), -1, 0, 1, (1 << 15) - 1])
    a = (np.array([-(1 << 14), 1 - (1 << 14), -1, 0, (1 << 14) - 1, 1 << 14])[:, None] << 16) + low
    a = np.concatenate([a[abs(a) < 1 << 30], rng.integers(1 - (1 << 30), 1 << 30, 60)])
    b = [0, 1 << 30, (1 << 30) + 65535, (1 << 31) - 65536, (1 << 31) - 1]
    a, b = (v.ravel() for v in np.meshgrid(a, [*b, *rng.integers(1 << 30, 1 << 31, 10)]))
    kernel, header = (firmware.text("kernels", f"ek_{n}.h") for n in ("requantize", "kernel"))
    text = '#pragma GCC diagnostic ignored "-Wunused-function"\n'
    text += "enum { EK_ANY_EXACT = 0, EK_ANY_CLAMPS = 0 };\n"
    text += kernel.replace('#include "ek_kernel.h"', header)
    text += f"int32_t a[{len(a)}], b[{len(a)}], y[{len(a)}];\nvoid go(void) {{\n"
    text += f"  for (int i = 0; i < {len(a)}; i++) y[i] = ek_high_multiply(a[i], b[i]);\n}}\n"
    answer = snippet(text, "go", {"a": a.astype("<i4"), "b": b.astype("<i4")}, cpu)
    assert np.array_equal(answer["y"], (a * b + (1 << 30)) >> 31)
