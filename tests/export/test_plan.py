"""The arena: nothing live is overwritten, nothing is wasted that TFLM's planner would not waste."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.export import generate, read
from edgekit.export.plan import compatible, plan
from edgekit.operators.layer import Layer
from tests.export import tiny


@st.composite
def chains(draw):
    """Layers that read earlier tensors, with random sizes, scratch and permitted overlap."""
    count = draw(st.integers(1, 12))
    sizes = {i: draw(st.integers(1, 400)) for i in range(count + 1)}
    layers = []
    for n in range(count):
        inputs = tuple({draw(st.integers(0, n)) for _ in range(draw(st.integers(1, 2)))} | {n})
        overlap = {}
        for i in inputs:
            distance = draw(st.sampled_from([None, None, 0, 16, 50, "exact"]))
            if distance is not None:
                overlap[i] = distance
        scratch = draw(st.sampled_from([0, 0, 30, 200]))
        layers.append(Layer(n, "X", "", (), inputs, (n + 1,), scratch=scratch, overlap=overlap))
    return layers, sizes, count


@settings(max_examples=300, deadline=None)
@given(chains())
def test_no_two_live_values_share_a_byte(case):
    layers, sizes, last = case
    p = plan(layers, sizes, {}, [0], [last])
    permitted = {(n + 1, i): d for n, layer in enumerate(layers) for i, d in layer.overlap.items()}
    for k, a in enumerate(p.buffers):
        for b in p.buffers[k + 1 :]:
            at_a, at_b = p.offsets[a.key], p.offsets[b.key]
            if a.last < b.first or b.last < a.first:
                continue
            if at_a + a.size <= at_b or at_b + b.size <= at_a:
                continue
            # what shares bytes must be a layer's output over its own dying input, as near as it may be
            out, source = (a, b) if (a.key, b.key) in permitted else (b, a)
            distance = permitted[out.key, source.key]
            assert out.first == source.last
            gap = p.offsets[source.key] - p.offsets[out.key]
            assert gap == 0 if distance == "exact" else gap >= distance
    assert p.lower_bound <= p.size <= p.tflm_greedy


def test_the_check_for_overlap_can_fail():
    layers = [Layer(0, "X", "", (), (0,), (1,))]
    p = plan(layers, {0: 8, 1: 8}, {}, [0], [1])
    a, b = p.buffers
    assert not compatible(a, 0, b, 4, {})


def test_a_layer_that_may_write_over_its_input_does():
    layers = [
        Layer(n, "X", "", (), (n,), (n + 1,), overlap={n: distance})
        for n, distance in enumerate([0, "exact", 16])
    ]
    p = plan(layers, dict.fromkeys(range(4), 800), {}, [0], [3])
    assert (p.tflm_greedy, p.size) == (1600, 816)


@pytest.mark.parametrize(
    "name",
    ["ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "MEAN", "RELU", "SOFTMAX"],
)  # fmt: skip
def test_operators_that_may_write_over_their_input_save_memory(name):
    """TFLM's planner keeps input and output apart; element by element, the output needs no place at all."""
    plans = [generate(read(tiny.OPERATORS[name](np.random.default_rng(s)))).plan for s in range(10)]
    assert sum(p.size for p in plans) < sum(p.tflm_greedy for p in plans)
    if name in ("RELU", "SOFTMAX"):
        assert all(p.size == -(-max(b.size for b in p.buffers) // 4) * 4 for p in plans)


def test_a_plan_is_the_same_every_time():
    source = read(tiny.OPERATORS["CONV_2D"](np.random.default_rng(3)))
    assert generate(source).files == generate(source).files
