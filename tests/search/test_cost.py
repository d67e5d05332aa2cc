"""The estimate before training orders networks as the emulator does, and its bounds are bounds."""

import numpy as np
from scipy.stats import spearmanr

from edgekit import emulate, export, learn
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
        in_slot = export.generate(firmware.source.graph, slot=True)
        assert estimate.weight_bytes <= emulate.model_bytes(in_slot).value
        assert estimate.ram <= firmware.ram.value + profile.stack.value
        expected.append(estimate.instructions)
        counted.append(profile.instructions.value)
    ratio = np.array(expected) / counted
    assert spearmanr(expected, counted).statistic > 0.9
    assert ratio.min() > 0.5
    assert ratio.max() < 1 / cost.DOUBT
