"""Counting in C, in Python and with interruptions: always the same, to the instruction."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.emulate import build, count, emulator, profile
from edgekit.emulate.machine import Machine
from edgekit.export import generate, read
from tests.export import tiny


def counted(name: str, cpu: str):
    graph = read(tiny.OPERATORS[name](np.random.default_rng(6)))
    firmware = build(generate(graph), cpu)
    (x,) = tiny.samples(graph, 1, np.random.default_rng(1))
    return firmware, x[0]


def figures(p):
    return [(c.name, c.instructions, c.taken, c.blocks) for c in p.layers], p.stack.value


@pytest.mark.parametrize(
    ("name", "cpu"),
    [("CONV_2D", "cortex-m4"), ("DEPTHWISE_CONV_2D", "cortex-m0plus"), ("SOFTMAX", "rv32imc")],
)
def test_c_python_and_interruptions_count_alike(name, cpu, monkeypatch):
    firmware, x = counted(name, cpu)
    assert count._native()
    whole = figures(profile(firmware, x))
    assert sum(n for _, n, _, _ in whole[0]) > 1000
    monkeypatch.setattr(count, "SLICE", 500)  # stopped hundreds of times
    assert figures(profile(firmware, x)) == whole
    monkeypatch.setattr(count, "SLOTS", 8)  # and whenever four blocks are known
    assert figures(profile(firmware, x)) == whole
    monkeypatch.setattr(count, "_native", lambda: None)
    assert figures(profile(firmware, x)) == whole


def test_a_machine_that_has_already_run_is_counted_in_full():
    firmware, x = counted("FULLY_CONNECTED", "cortex-m4")
    fresh, used = Machine(firmware), Machine(firmware)
    used.infer((x,))
    assert used.counted(lambda: used.infer((x,))) == fresh.counted(lambda: fresh.infer((x,)))


def test_a_slow_run_is_no_hang(monkeypatch):
    """Time runs out at once; instructions do not."""
    firmware, x = counted("CONV_2D", "cortex-m4")
    expected = Machine(firmware).infer((x,))
    monkeypatch.setattr(emulator, "SECONDS", 1e-6)
    for _ in range(3):
        assert np.array_equal(Machine(firmware).infer((x,))[0], expected[0])
