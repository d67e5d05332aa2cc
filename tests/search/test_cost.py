"""The estimate before training orders networks as the emulator does, and its bounds are bounds."""

import numpy as np
from scipy.stats import spearmanr

from edgekit import emulate, export, learn
from edgekit.design import Budget
from edgekit.search import cost, space
from tests.search.test_space import drawn


def emulated(candidate, shape):
    model = space.build(candidate, None, shape, 3, seed=1)
    x = np.random.default_rng(1).normal(size=(8, *shape)).astype(np.float32)
    firmware = emulate.build(
        export.generate(export.read(learn.quantize(model, x))), cpu="cortex-m4"
    )
    return firmware, emulate.profile(firmware, np.zeros((1, *shape), np.int8))


def test_it_orders_networks_as_the_emulator_does():
    expected, counted = [], []
    for seed in range(10):
        shape = [(1, 40, 1), (1, 60, 4), (20, 20, 1)][seed % 3]
        candidate = drawn(100 + seed, shape)
        estimate = cost.estimate(space.layers(candidate, shape, 3), cpu="cortex-m4")
        firmware, profile = emulated(candidate, shape)
        assert estimate.flash <= firmware.flash.value
        assert estimate.weight_bytes <= emulate.model_bytes(firmware.source).value
        assert estimate.ram <= firmware.ram.value + profile.stack.value
        expected.append(estimate.instructions)
        counted.append(profile.instructions.value)
    ratio = np.array(expected) / counted
    assert spearmanr(expected, counted).statistic > 0.9
    assert ratio.min() > 0.5
    assert ratio.max() < 1 / cost.DOUBT


def test_hopeless_candidates_are_told_why():
    small = cost.Cost(100, 100, flash=2_000, ram=500, instructions=10_000)
    large = cost.Cost(10**6, 10**5, flash=100_000, ram=50_000, instructions=4_000_000)
    budget = Budget(flash_bytes=65_536, ram_bytes=65_536, latency_ms=100)
    assert cost.prune_reason(small, budget, 100, []) == ""
    assert "flash_bytes ≤ 65,536 bytes: at least 100,000" in cost.prune_reason(
        large, budget, 100, []
    )
    assert "ram_bytes" in cost.prune_reason(large, Budget(ram_bytes=9_000), 100, [])
    assert "model_bytes" in cost.prune_reason(large, Budget(model_bytes=9_000), 100, [])
    assert "latency_ms" in cost.prune_reason(large, Budget(latency_ms=1), 100, [])
    # a core that issues two instructions at a time may still keep it
    tight = Budget(latency_ms=20)
    assert "latency_ms" in cost.prune_reason(large, tight, 100, [], "cortex-m4")
    assert cost.prune_reason(large, tight, 100, [], "cortex-m7") == ""
    # twice the instructions of something that is right already: nothing to gain
    assert "times a trial" in cost.prune_reason(large, Budget(), 100, [(1.0, 1_000_000)])
    # but not of something that is merely cheap, while another is far better
    assert cost.prune_reason(large, Budget(), 100, [(0.6, 1_000), (0.95, 3_000_000)]) == ""
