"""Training on an emulated core: Python's bits, what it costs, and that a difference is seen."""

import numpy as np
import pytest

from edgekit import firmware
from edgekit.catalog import boards
from edgekit.core.errors import EdgekitError
from edgekit.emulate.parity import run_host, tflm
from edgekit.export import generate
from edgekit.federate.device_cost import CoreLayer, training_cost
from edgekit.federate.device_model import features_of, learned_graph
from edgekit.federate.last_layer import LastLayer
from edgekit.testing.tflite_file import to_tflite
from tests.federate.networks import FORMS, network, windows

RATE = 0.05


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_the_core_learns_pythons_bits_and_keeps_the_bars(cpu):
    graph = network(given=39, hidden=12, classes=7)  # as `activity`
    cost = training_cost(graph, *windows(graph, 12), RATE, cpu)  # which refuses a bit that differs
    assert 1 < cost.ratio.value <= 10
    assert cost.ram.value <= 4096
    assert cost.update.value == 7 * 14
    assert {f.provenance for f in (cost.step, cost.inference, cost.ram)} == {"emulated"}


@pytest.mark.parametrize("form", ["odd", "one scale"])
def test_the_network_runs_with_what_it_has_learnt(form):
    graph = network(**FORMS[form])
    X, y = windows(graph, 12, extreme=True)
    device = CoreLayer(graph, RATE)
    layer = LastLayer(device.plan, device.released)
    F = features_of(graph, X)
    for x, label, expected in zip(X, y, F, strict=True):
        features, _ = device.infer(x[None])
        assert (features == expected).all()
        device.step(int(label))
    device.head()
    layer.fit(F, y)
    learnt = learned_graph(graph, layer)
    told = run_host(generate(learnt, "model", slot=True), X).outputs
    truth = tflm(to_tflite(learnt), X)
    assert truth.oracle != "TFLM" or (truth.outputs == told).all()
    assert (np.array([device.infer(x[None])[1] for x in X]) == told).all()
    assert (told != run_host(generate(graph, "model", slot=True), X).outputs).any()
    device.begin()
    assert (device.weights() == device.plan.unpack(device.released)).all()


def test_extremes_saturate_on_the_core_as_in_python():
    graph = network(**FORMS["odd"])
    device = CoreLayer(graph, 0.5)
    layer = LastLayer(device.plan, device.released)
    x = np.full(device.plan.inputs, -128, np.int8)
    for _ in range(300):
        device.learn_from(x, 4)
        layer.step(x, 4)
    device.learn_from(x, 2**32 - 1)  # no class
    assert (device.weights() == layer.weights).all()
    assert device.head() == layer.head()
    assert device.message() == layer.message()


@pytest.mark.parametrize(
    ("old", "new", "rate"),
    [  # rounding of a product, of a softmax and to int8, the exponential, the limit, a weight's place
        ("((int64_t)1 << (shift - 1))) >> shift", "0) >> shift", 1.0),
        ("part * 1298", "part * 1297", 0.1),
        ("sum / 2) / sum", "0) / sum", 0.1),
        ("x > limit ? limit", "x > limit ? limit - 1", 1.0),
        ("((int64_t)1 << n >> 1)) >> n", "0) >> n", 1.0),
        ("k == 1 ? 2 : k == 2 ? 1 : k", "k", 1.0),
    ],
)
def test_a_core_that_differs_is_refused(old, new, rate, monkeypatch):
    true = firmware.text

    def mutant(folder, name):
        text = true(folder, name)
        if folder == "learn":
            assert text.count(old) == 1
            text = text.replace(old, new)
        return text

    monkeypatch.setattr(firmware, "text", mutant)
    graph = network(**FORMS["usual"])
    X, y = windows(graph, 60, extreme=rate == 1)
    with pytest.raises(EdgekitError, match="Python"):
        training_cost(graph, X, y, rate)


def test_a_rounds_energy_grows_with_what_it_does_and_says_where_it_comes_from():
    graph = network(given=39, hidden=12, classes=7)
    cost = training_cost(graph, *windows(graph, 3), RATE)
    board = next(b for b in boards().values() if b.core == "cortex-m4" and b.active_power_mw)
    one, ten, again = (cost.round_energy(board, *of) for of in ((1, 1), (10, 1), (10, 5)))
    assert 0 < one.value < ten.value < again.value
    assert ten.value < 10 * one.value  # a round's end is paid once
    assert ten.low < ten.value < ten.high
    assert "10 windows" in ten.source
    assert "active power" in ten.source
    with pytest.raises(EdgekitError, match="one window or more"):
        cost.round_energy(board, 0)
