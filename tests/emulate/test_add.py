"""ADD of every pair of values against TFLM, for scales that are drawn, equal, one step and far apart."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.emulate import build, run
from edgekit.emulate.parity import tflm
from edgekit.export import generate, read
from edgekit.operators import example as e
from edgekit.testing.tflite_file import to_tflite

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")

ALL = np.arange(-128, 128, dtype=np.int8)
PAIRS = np.meshgrid(ALL, ALL)
# the scales of the second input and of the output over the first's: twice makes every other sum a half
CASES = {
    "drawn": (0.37, 1.21),
    "drawn, the other larger": (7.3, 9.1),
    "equal": (1, 2),
    "one step apart": (1 - 2.0**-24, 2),
    "far apart": (2.0**-22, 2),
}


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus"])
@pytest.mark.parametrize("case", CASES)
def test_every_pair(case, cpu):
    rng = np.random.default_rng(len(case))
    a, (ratio, out) = e.scale(rng), CASES[case]
    shape = (1, 256, 256)
    tensors = [
        e.tensor(shape, scale=s, zero=int(rng.integers(-60, 60))) for s in (a, a * ratio, a * out)
    ]
    add = e.operator("ADD", [0, 1], [2], {"activation": "relu" if "drawn" in case else "none"})
    data = to_tflite(e.model(tensors, [add], [0, 1], [2]))
    source = generate(read(data))
    assert "ek_add_s8" in source.files["model.c"]
    x = [v.reshape(shape) for v in PAIRS]
    expected = np.asarray(tflm(data, x).outputs)
    assert len(np.unique(expected)) > 50
    assert np.array_equal(run(build(source, cpu), x), expected)
