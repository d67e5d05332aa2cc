"""A last layer that learns: the same bits in Python and in C, the gradient, and the network it makes."""

import contextlib
import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.emulate.parity import run_host
from edgekit.emulate.toolchain import compile_host
from edgekit.export import generate
from edgekit.federate.device_model import features_of, learned_graph
from edgekit.federate.device_plan import BIAS_LIMIT, ONE, Plan, c_files, head_of
from edgekit.federate.last_layer import LastLayer, change_of, power_of_two, probabilities
from tests.federate.networks import FORMS, network, windows

HOST = """\
#include "host_learn.h"
static int32_t weights[HOST_LEARN_OUTPUTS][HOST_LEARN_INPUTS + 1], errors[HOST_LEARN_OUTPUTS];
void begin(const uint8_t *head) { learn_begin(&host_learn, head, weights[0]); }
void step(const int8_t *x, uint32_t label) { learn_step(&host_learn, weights[0], errors, x, label); }
void end(const uint8_t *head, uint8_t *own) { learn_end(&host_learn, weights[0], head, own); }
void message(const uint8_t *head, uint8_t *out) { learn_message(&host_learn, weights[0], head, out); }
const void *learnt(void) { return weights; }
"""
RATE = 0.05


class InC:
    """The header, compiled for this machine; undefined behaviour ends the process."""

    def __init__(self, plan, released):
        files = {"host.c": HOST, **c_files("host", plan)}
        flags = ("-O1", "-shared", "-fPIC", "-Wconversion", "-Wpedantic")
        self.c = ctypes.CDLL(str(compile_host(files, flags, "undefined")))
        self.c.learnt.restype = ctypes.c_void_p
        self.plan, self.released = plan, released

    def begin(self, head):
        self.c.begin(head)

    def step(self, features, label):
        self.c.step(features.tobytes(), int(label))

    @property
    def weights(self):
        count = self.plan.outputs * (self.plan.inputs + 1)
        raw = ctypes.string_at(self.c.learnt(), 4 * count)
        return np.frombuffer(raw, np.int32).astype(np.int64).reshape(self.plan.outputs, -1)

    def head(self):
        out = ctypes.create_string_buffer(self.plan.head_bytes)
        self.c.end(self.released, out)
        return out.raw

    def message(self):
        out = ctypes.create_string_buffer(self.plan.message_bytes)
        self.c.message(self.released, out)
        return out.raw


def layer_of(graph, rate=RATE):
    source = generate(graph, "model", slot=True, head=True)
    return LastLayer(Plan.of(source, rate), head_of(source))


@pytest.fixture(scope="module", params=FORMS, ids=str)
def form(request):
    graph = network(**FORMS[request.param])
    layer = layer_of(graph)
    return SimpleNamespace(graph=graph, plan=layer.plan, released=layer.released, name=request.param,
                           c=InC(layer.plan, layer.released))  # fmt: skip


def test_the_forms_are_all_that_the_generator_writes(form):
    plan = form.plan
    assert plan.packed == (form.name != "one scale")
    assert any(plan.room) == (form.name not in ("one scale", "no room"))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["released", "anything", "limits"]),
    st.sampled_from(["anything", "extremes"]),
    st.integers(0, 40),
)
def test_c_learns_the_same_bits_from_wherever_it_begins(form, seed, start, kind, steps):
    rng, plan = np.random.default_rng(seed), form.plan
    weights = rng.integers(-plan.limits, plan.limits + 1)
    if start == "limits":
        weights = rng.choice([-1, 0, 1], weights.shape) * plan.limits
    head = form.released if start == "released" else plan.pack(weights, form.released)
    layer = LastLayer(plan, form.released, head)
    form.c.begin(head)
    assert (form.c.weights == layer.weights).all()
    shape = (steps, plan.inputs)
    X = rng.choice([-128, 127], shape) if kind == "extremes" else rng.integers(-128, 128, shape)
    for x in X.astype(np.int8):
        label = rng.integers(plan.outputs)
        layer.step(x, int(label))
        form.c.step(x, label)
    assert (form.c.weights == layer.weights).all()
    assert form.c.head() == layer.head()
    assert form.c.message() == layer.message()


def test_what_was_written_is_read_again_up_to_rounding(form):
    rng, plan = np.random.default_rng(4), form.plan
    assert plan.pack(plan.unpack(form.released), form.released) == form.released
    weights = rng.integers(-plan.limits, plan.limits + 1)
    head = plan.pack(weights, form.released)
    again = plan.unpack(head)
    assert plan.pack(again, form.released) == head
    steps = 1 << 17 + plan.doubled(head)[:, None]
    assert (np.abs(again - weights)[:, :-1] <= steps).all()
    assert (np.abs(again - weights)[:, -1] <= np.maximum(steps[:, 0] >> plan.bias_shift, 1)).all()


def test_extremes_stop_at_the_limits_and_the_network_is_still_one(form):
    plan, layer = form.plan, layer_of(form.graph)
    high = plan.zero < 0
    x = np.full(plan.inputs, 127 if high else -128, np.int8)
    form.c.begin(form.released)
    for n in range(4000):
        layer.step(x, 0 if n < 2000 else 1)
        form.c.step(x, 0 if n < 2000 else 1)
    assert (np.abs(layer.weights) <= plan.limits).all()
    assert (form.c.weights == layer.weights).all()
    assert form.c.head() == layer.head()
    learnt = learned_graph(form.graph, layer)
    assert head_of(generate(learnt, "model", slot=True, head=True)) == layer.head()


def test_a_label_that_is_no_class_changes_nothing_in_c_and_is_refused_in_python(form):
    layer = layer_of(form.graph)
    x = np.zeros(form.plan.inputs, np.int8)
    form.c.begin(form.released)
    before = form.c.weights
    for label in (form.plan.outputs, 2**32 - 1):
        form.c.step(x, label)
        assert (form.c.weights == before).all()
        with pytest.raises(EdgekitError, match="no class"):
            layer.step(x, label)
    with pytest.raises(EdgekitError, match="int8 features"):
        layer.step(np.zeros(form.plan.inputs), 0)


def test_a_power_of_two_is_as_near_as_it_says():
    d = np.arange(40 << 11)
    exact = 2.0 ** (-d / 2048)
    assert np.abs(power_of_two(d) / ONE - exact).max() < 1.2e-4
    assert (np.diff(power_of_two(d)) <= 0).all()
    assert power_of_two(np.array([0, 1 << 30])).tolist() == [ONE, 0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(1 << 29), 1 << 29), min_size=2, max_size=12))
def test_probabilities_are_those_of_softmax(scores):
    found = probabilities(np.array(scores)) / ONE
    power = 2.0 ** ((np.array(scores, float) - max(scores)) / 2048)
    assert np.abs(found - power / power.sum()).max() < 2e-4
    assert abs(found.sum() - 1) < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_each_step_is_that_of_gradient_descent_in_floating_point(form, seed):
    plan, layer = form.plan, layer_of(form.graph)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        x, label = (
            rng.integers(-128, 128, plan.inputs).astype(np.int8),
            int(rng.integers(plan.outputs)),
        )
        before = plan.real(layer.weights)
        real = np.append((x.astype(float) - plan.zero) * plan.input_scale, 1.0)
        z = before @ real
        p = np.exp(z - z.max())
        p /= p.sum()
        p[label] -= 1
        layer.step(x, label)
        change = plan.real(layer.weights) - before
        one = (
            plan.input_scale * (1 << plan.bias_shift)
        ) ** 2  # the bias is learnt this much faster
        expected = -RATE * p[:, None] * np.append(real[:-1], one)
        free = np.abs(layer.weights) < plan.limits
        bound = 5e-4 * RATE * np.abs(np.append(real[:-1], one)) + 1e-6
        assert (np.abs(change - expected) <= bound)[free].all()


def test_what_is_sent_is_the_change_to_within_half_a_step(form):
    layer = layer_of(form.graph)
    X, y = windows(form.graph, 30)
    layer.fit(features_of(form.graph, X), y)
    plan, message = form.plan, layer.message()
    exact = plan.real(layer.weights - plan.unpack(layer.released))
    units = plan.real(np.tile(1 << (np.frombuffer(message, np.int8).reshape(plan.outputs, -1)[:, :1]
                                    .astype(np.int64)), plan.inputs + 1))  # fmt: skip
    assert (np.abs(change_of(plan, message) - exact) <= units / 2 + 1e-12).all()
    assert (change_of(plan, layer_of(form.graph).message()) == 0).all()


@given(st.binary(max_size=60))
def test_a_message_from_elsewhere_is_one_line_or_a_change_that_is_bounded(data):
    plan = PLAN
    data = (data * plan.message_bytes)[: plan.message_bytes] if len(data) % 2 else data
    with contextlib.suppress(EdgekitError):
        change = change_of(plan, data) / plan.real(np.ones((plan.outputs, plan.inputs + 1)))
        assert np.abs(change).max() <= 4 * BIAS_LIMIT


PLAN = layer_of(network()).plan


def test_it_learns_what_another_labels_and_the_network_then_says_so():
    graph = network(3, given=12, hidden=16, classes=4)
    X, _ = windows(graph, 200, 5)
    F = features_of(graph, X)
    rng = np.random.default_rng(0)
    y = (F.astype(float) @ rng.normal(size=(16, 4))).argmax(axis=1)
    layer = layer_of(graph, 0.02)
    before = (run_host(generate(graph, "model", slot=True), X).outputs.argmax(axis=1) == y).mean()
    layer.fit(F[:100], y[:100], epochs=5)
    learnt = learned_graph(graph, layer)
    after = run_host(generate(learnt, "model", slot=True), X).outputs.argmax(axis=1)
    assert (after == y)[100:].mean() > before + 0.3
    assert (layer.scores(F).argmax(axis=1) == after).mean() > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"softmax": True}, "SOFTMAX, cannot be replaced on its own"),
        ({"activation": "relu"}, "it has an activation"),
        ({"hidden": 1030}, "it is 3 by 1030"),
        ({"classes": 1}, "it is 1 by 7"),
        ({"largest": 1 << 20}, "its biases is too large"),
        ({"largest": 1 << 27, "out_scale": 200.0}, "dead and rewritten"),
    ],
)
def test_a_network_that_cannot_learn_is_refused_in_one_line(change, message):
    with pytest.raises(EdgekitError, match=message) as err:
        layer_of(network(**change))
    assert "\n" not in str(err.value)


def test_a_rate_that_does_not_fit_and_code_without_a_head_are_refused():
    graph = network()
    for rate in (0, -1, float("nan"), float("inf"), 1e6):
        with pytest.raises(EdgekitError, match="learning rate"):
            layer_of(graph, rate)
    with pytest.raises(EdgekitError, match="head=True"):
        Plan.of(generate(graph, "model", slot=True), RATE)
    with pytest.raises(EdgekitError, match="reads from a slot"):
        generate(graph, "model", head=True)
    with pytest.raises(EdgekitError, match="constants are"):
        PLAN.unpack(b"1234")
    with pytest.raises(EdgekitError, match="another last layer"):
        PLAN.unpack(bytes(PLAN.head_bytes))
