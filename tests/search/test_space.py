"""A dictionary is the whole student: it rebuilds it, and arithmetic on it agrees with Keras."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit import emulate, export, learn
from edgekit.core.errors import EdgekitError
from edgekit.learn import legacy
from edgekit.search import space


class Draw:
    """Stands in for a trial: draws at random."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def suggest_int(self, name, low, high, log=False):
        return int(self.rng.integers(low, high + 1))

    def suggest_categorical(self, name, values):
        return values[self.rng.integers(len(values))]


def drawn(seed, shape, **fixed):
    known = space.PICTURE if shape[0] > 1 else space.SIGNAL
    values = {"features": ["features"], **known, "network": ["layers"]}
    return space.suggest(Draw(seed), values | {k: [v] for k, v in fixed.items()})


@pytest.mark.parametrize("shape", [(1, 40, 1), (1, 33, 6), (24, 24, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_arithmetic_agrees_with_keras(shape, seed):
    candidate = drawn(seed, shape)
    model = space.build(candidate, None, shape, 3, seed=0)
    assert space.layers(candidate, shape, 3) == space.layers_of(model)
    weights = sum(np.prod(v.shape) for v in model.trainable_variables if "kernel" in v.name)
    assert sum(layer.weights for layer in space.layers(candidate, shape, 3)) == weights


def test_the_same_dictionary_and_seed_give_the_same_network():
    candidate = drawn(3, (1, 40, 1))
    one = space.build(candidate, None, (1, 40, 1), 3, seed=5)
    again = space.build(json.loads(json.dumps(candidate)), None, (1, 40, 1), 3, seed=5)
    assert all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), again.get_weights(), strict=True)
    )


@pytest.mark.parametrize("shape", [(1, 40, 2), (16, 16, 1)])
def test_the_hardest_student_passes_qat_the_generator_and_tflm(shape):
    candidate = drawn(0, shape, depth=3, separable=True, pool="mean", hidden=16, dropout=0.3)
    x = np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32)
    model = legacy.quantization_aware(space.build(candidate, None, shape, 3, seed=0), x)
    model(x, training=True)
    tflite = learn.quantize(model)
    inputs = learn.int8_inputs(tflite, x)
    firmware = emulate.build(export.generate(export.read(tflite)), cpu="cortex-m4")
    assert np.array_equal(emulate.run(firmware, inputs), learn.predict_int8(tflite, inputs)[0])


def test_the_search_begins_with_the_hand_made_student():
    case = SimpleNamespace(features="f", SEARCH={}, WIDTHS={"student": 8})
    known = space.choices(case, (1, 40, 1), teacher=False)
    first, *shares, shallow = space.first(known)
    candidate = space.candidate(first)
    assert candidate == space.HAND_MADE
    assert [space.candidate(s)["share"] for s in shares] == [0.75, 0.5, 0.25]
    assert space.candidate(shallow)["widths"] == [16]
    assert space.width_of(candidate, case) == 8
    assert set(first) == set(known) - {"width"} | {f"width_{i}" for i in (1, 2, 3)}
    assert known["distil"] == [False]


@pytest.mark.parametrize("other", [{"network": ["student"]}, {"depth": [0]}])
def test_a_search_begins_with_what_its_space_holds(other):
    known = space.choices(SimpleNamespace(features="f", SEARCH=other), (1, 40, 1), teacher=False)
    assert {d["network"] for d in space.first(known)} == {"student"}


def test_a_use_case_overrides_the_space_and_its_typos_are_refused():
    case = SimpleNamespace(features="f", SEARCH={"features": {"less": "g"}, "kernel": (3,)})
    known = space.choices(case, (1, 40, 1), teacher=True)
    assert known["features"] == ["features", "less"]
    assert known["kernel"] == [3]
    assert known["distil"] == [False, True]
    with pytest.raises(EdgekitError, match="Did you mean 'kernel'"):
        space.choices(SimpleNamespace(SEARCH={"kernle": [3]}, features="f"), (1, 40, 1), False)
