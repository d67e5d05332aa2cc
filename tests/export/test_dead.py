"""Dead channels leave and no byte changes: TFLM runs the file as it was, and the graph that is left of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from edgekit.emulate.parity import layer_parity
from edgekit.export import dead, dead_channels, generate, read
from edgekit.export.dead import channel_ranges, without_dead_channels
from edgekit.export.lower import lower
from edgekit.operators import OPERATORS
from edgekit.operators import example as e
from edgekit.operators.graph import Graph
from edgekit.testing.operator import _together
from edgekit.testing.tflite_file import to_tflite

pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")
IMAGE = ["conv", "deep", "deep2", "residual", "side", "pool", "mean_pool", "relu", "pad"]
STEPS = [*IMAGE, "flat", "dense", "mean"]


@dataclass
class Net:
    """A network as it grows; `x` is the tensor that the next step reads."""

    rng: np.random.Generator
    tensors: list = field(default_factory=list)
    ops: list = field(default_factory=list)
    x: int = 0

    def add(self, shape, **more) -> int:
        self.tensors.append(e.tensor(shape, **more))
        return len(self.tensors) - 1

    def like(self, shape, i: int) -> int:
        t = self.tensors[i]
        return self.add(shape, scale=t.scale[0], zero=int(t.zero_point[0]))

    def op(self, name, inputs, y, **options) -> int:
        self.ops.append(e.operator(name, inputs, [y], options))
        return y

    def shape(self) -> tuple[int, ...]:
        return self.tensors[self.x].shape

    def products(
        self, name: str, out: int, like: int | None = None, m: int = 1, plain: bool = False
    ):
        """A layer of weights with some dead channels; `like`: a tensor with its shape and quantization."""
        rng, shape = self.rng, self.shape()
        dense, deep = name == "FULLY_CONNECTED", name == "DEPTHWISE_CONV_2D"
        k, stride = (
            (1, 1) if plain or like is not None else [int(v) for v in rng.integers(1, [4, 3])]
        )
        same = bool(rng.integers(2)) or min(shape[1:3], default=0) < k
        if dense:
            size, filters = (1, out), (out, int(np.prod(shape[1:])))
        else:
            edges = [e.window_size(d, k, stride, 1, same) for d in shape[1:3]]
            size = (1, *edges, out)
            filters = (1, k, k, out) if deep else (out, k, k, shape[3])
        axis = 3 if deep else 0
        data = rng.integers(-127, 128, filters)
        data[rng.random(filters) < 0.2] = 0
        data[..., rng.random(filters[-1]) < 0.2] = 0  # what nobody reads, or an empty filter
        scale = rng.uniform(0.0005, 0.02, out)
        bias = rng.integers(-4000, 4000, out)
        kinds = rng.integers(5, size=out)
        scale[kinds == 0] *= 1e-9
        bias[kinds == 1] = -(2**28)
        bias[kinds == 2] = rng.integers(-(2**28), 2**28, (kinds == 2).sum())
        if rng.random() < 0.3:
            scale[:] = scale[-1] if scale[-1] > 1e-6 else 0.01
        if like is not None:
            y = self.like(self.tensors[like].shape, like)
        else:
            relu = rng.random() < 0.7
            y = self.add(size, scale=rng.uniform(0.02, 1), zero=-128 if relu else e.zero(rng))
        inputs = [self.x, self.add(filters, scale=scale, axis=axis, data=data)]
        if rng.random() < 0.9 or deep:
            inputs.append(
                self.add(
                    (out,), dtype="int32", scale=scale * self.tensors[self.x].scale[0], data=bias
                )
            )
        options: dict = {"activation": str(rng.choice(["none", "relu", "relu6"]))}
        if dense:
            options |= {"weights_format": 0, "keep_num_dims": False}
        else:
            options |= {"padding": "same" if same else "valid", "stride_w": stride}
            options |= {"stride_h": stride, "dilation_w": 1, "dilation_h": 1}
            options |= {"depth_multiplier": m} if deep else {}
        self.x = self.op(name, inputs, y, **options)

    def step(self, kind: str) -> None:
        """One of STEPS; those of an image do nothing to a vector."""
        rng, shape = self.rng, self.shape()
        if kind == "dense":
            return self.products("FULLY_CONNECTED", int(rng.integers(2, 8)))
        if len(shape) < 4:
            return None
        before, channels = self.x, shape[3]
        if kind == "conv":
            self.products("CONV_2D", int(rng.integers(2, 8)))
        elif kind in ("deep", "deep2"):
            m = 1 + (kind == "deep2")
            self.products("DEPTHWISE_CONV_2D", channels * m, m=m)
        elif kind == "residual":
            self.products("CONV_2D", channels, like=before)
            other = self.add((channels,), scale=0.05, zero=3, data=rng.integers(-9, 9, channels))
            second = before if rng.random() < 0.7 else other
            name, y = str(rng.choice(["ADD", "ADD", "SUB", "MUL"])), self.add(shape, scale=0.4)
            self.x = self.op(name, [self.x, second], y, activation="none")
        elif kind == "side":
            self.products("CONV_2D", int(rng.integers(1, 5)), plain=True)
            left, self.x = self.x, before
            wide = (*shape[:3], int(rng.integers(1, 5)))
            self.products("CONV_2D", wide[3], like=self.like(wide, left))
            both = (*shape[:3], wide[3] + self.tensors[left].shape[3])
            y = self.like(both, left)
            self.x = self.op("CONCATENATION", [left, self.x], y, axis=3, activation="none")
        elif kind in ("pool", "mean_pool"):
            size = [e.window_size(d, 2, 1, 1, True) for d in shape[1:3]]
            window = {"stride_w": 1, "stride_h": 1, "filter_w": 2, "filter_h": 2}
            name = "MAX_POOL_2D" if kind == "pool" else "AVERAGE_POOL_2D"
            y = self.like((1, *size, channels), before)
            self.x = self.op(name, [before], y, padding="same", activation="none", **window)
        elif kind == "relu":
            self.x = self.op("RELU", [before], self.add(shape, scale=0.1, zero=-128))
        elif kind == "pad":
            pads = e.ints([[0, 0], [1, 0], [0, 2], [0, 0]])
            self.tensors.append(pads)
            y = self.like((1, shape[1] + 1, shape[2] + 2, channels), before)
            self.x = self.op("PAD", [before, len(self.tensors) - 2], y)
        elif kind == "flat":
            flat = (1, int(np.prod(shape)))
            self.tensors.append(e.ints(*((1, -1) if rng.integers(2) else flat)))
            at = len(self.tensors) - 1
            self.x = self.op("RESHAPE", [before, at], self.like(flat, before))
        elif kind == "mean":
            self.tensors.append(e.ints(1, 2))
            at = len(self.tensors) - 1
            y = self.add((1, channels), scale=0.2, zero=e.zero(rng))
            self.x = self.op("MEAN", [before, at], y, keep_dims=False)
        return None


def network(steps: list[str], seed: int) -> Graph:
    """A convolution, the steps, and a layer that reads everything."""
    net = Net(np.random.default_rng(seed))
    h, w, c = (int(v) for v in net.rng.integers([3, 3, 1], [7, 7, 4]))
    net.x = net.add((1, h, w, c), **e.quantization(net.rng))
    for kind in ["conv", *steps, "dense"]:
        net.step(kind)
    return e.model(net.tensors, net.ops, [0], [net.x])


def networks(most: int = 6):
    steps = st.lists(st.sampled_from(STEPS), max_size=most)
    return st.builds(network, steps, st.integers(0, 2**32 - 1))


def answers(graph: Graph, *inputs: np.ndarray) -> np.ndarray:
    """TFLM's, in this process: the files are our own. `inputs`: (n, *shape) of each."""
    from tflite_micro import runtime

    engine = runtime.Interpreter.from_bytes(to_tflite(graph), arena_size=1_000_000)
    found = []
    for sample in zip(*inputs, strict=True):
        for i, x in enumerate(sample):
            engine.set_input(x, i)
        engine.invoke()
        found.append(np.array(engine.get_output(0)))
    return np.array(found)


def samples(graph: Graph, n: int = 4) -> np.ndarray:
    x = np.random.default_rng(1).integers(-128, 128, (n, *graph.tensors[0].shape))
    x[0], x[1] = -128, 127
    return x.astype(np.int8)


def lean(graph: Graph) -> Graph:
    return without_dead_channels(graph, lower(graph)[0])


def changes(graph: Graph) -> bool:
    """Whether leaving channels out changes a byte."""
    x = samples(graph)
    return not np.array_equal(answers(graph, x), answers(lean(graph), x))


@settings(max_examples=120, deadline=None)
@given(networks())
def test_what_is_left_gives_the_same_bytes(graph):
    assert not changes(graph)


@pytest.mark.parametrize("name", [n for n, k in OPERATORS.items() if k.channels and k.tflm])
def test_no_value_leaves_its_channels_range(name):
    """Whatever comes in; where it is one value for one, an end of the range is met."""
    for example in OPERATORS[name].examples:
        for seed in range(6):
            graph = example(np.random.default_rng(seed))
            kinds = {str(graph.tensors[i].dtype) for i in (*graph.inputs, *graph.outputs)}
            if kinds != {"int8"} or any(i < 0 for op in graph.operators for i in op.inputs):
                continue
            rng = np.random.default_rng(seed)
            shapes = [(20, *graph.tensors[i].shape) for i in graph.inputs]
            given = [rng.choice([-128, 127, *range(-128, 128)], s).astype(np.int8) for s in shapes]
            for x in given:
                x[0], x[1] = -128, 127
            low, high = channel_ranges(graph, lower(graph)[0])[graph.outputs[0]]
            y = answers(graph, *given)
            y = y.reshape(-1, len(low))
            assert (low <= y).all()
            assert (y <= high).all()
            if name in ("RELU", "RELU6", "MAX_POOL_2D", "ADD"):
                assert (y.min(0) == low).all() or (y.max(0) == high).all()


@settings(max_examples=60, deadline=None)
@given(networks())
def test_nothing_is_dead_in_what_is_left_but_what_must_stay(graph):
    rest = lean(graph)
    assert lean(rest) is rest


def test_channels_do_leave_at_every_step():
    """The networks above are no empty check: each kind of step passes dead channels on."""
    for kind in STEPS:
        most = max(dead_channels(network([kind], seed)).channels for seed in range(12))
        assert most > 0, kind


@pytest.mark.parametrize("forgotten", ["padding", "constants"])
def test_the_check_bites(monkeypatch, forgotten):
    """Without the rule for padding, or with constants that are not added to the bias, bytes change."""
    if forgotten == "padding":
        monkeypatch.setattr(dead, "pads", lambda layer: False)
    else:
        monkeypatch.setattr(dead, "_zero", lambda t: 0)
    with_steps = st.builds(network, st.just(["conv", "conv"]), st.integers(0, 10_000))
    try:
        find(with_steps, changes, settings=settings(max_examples=2000, deadline=None))
    except NoSuchExample:
        pytest.fail("no network noticed")


def test_the_program_layer_by_layer_on_this_machine_and_on_a_core():
    """The ladder compares the channels that are still there with the file's own."""
    steps = [["deep", "conv", "flat"], ["residual", "side", "mean"], ["pad", "pool", "conv"]]
    graph = _together([network(s, seed) for seed, s in enumerate(steps, 3)])
    data = to_tflite(graph)
    source = generate(read(data))
    assert source.dead.channels > 3
    assert source.dead.macs > 0
    assert f"left out as {source.dead}" in source._repr_html_()
    rng = np.random.default_rng(2)
    shapes = [graph.tensors[i].shape for i in graph.inputs]
    x = [rng.integers(-128, 128, (5, *s[1:])).astype(np.int8) for s in shapes]
    assert layer_parity(data, x).attrs["exact"]


def test_a_mean_over_the_channels_makes_other_channels():
    """Their ranges are not those of the channels that went in."""
    net = Net(np.random.default_rng(0))
    net.add((1, 4, 4, 2), scale=0.1)
    net.tensors.append(e.ints(3))
    net.x = net.op("MEAN", [0, 1], net.add((1, 4, 4), scale=0.1), keep_dims=False)
    net.products("FULLY_CONNECTED", 5)
    assert not changes(e.model(net.tensors, net.ops, [0], [net.x]))


def test_in_a_slot_all_channels_stay_as_an_update_may_bring_them_to_life():
    graph = network(["deep", "conv"], 3)
    assert dead_channels(graph).channels > 0
    source = generate(graph, slot=True)
    assert source.dead.channels == 0
    assert source.graph is graph


def test_a_float_model_loses_empty_filters():
    x = np.random.default_rng(0).normal(size=(3, 1, 4)).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=(6, 4))
    weights[[1, 4]] = 0
    tensors = [
        e.tensor((1, 4), "float32"),
        e.tensor((6, 4), "float32", data=weights),
        e.tensor((6,), "float32", data=np.arange(6) - 3),
        e.tensor((1, 6), "float32"),
        e.tensor((2, 6), "float32", data=np.random.default_rng(2).normal(size=(2, 6))),
        e.tensor((1, 2), "float32"),
    ]
    options = {"activation": "relu", "weights_format": 0, "keep_num_dims": False}
    ops = [e.operator("FULLY_CONNECTED", i, [o], options) for i, o in (([0, 1, 2], 3), ([3, 4], 5))]
    graph = e.model(tensors, ops, [0], [5])
    assert dead_channels(graph).channels == 2
    np.testing.assert_allclose(answers(lean(graph), x), answers(graph, x), rtol=1e-5)
