"""ONNX: every operator by itself within a step of the generated C, on a graph that fans out."""

import sys

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export import generate
from edgekit.export.graph import Graph, Operator, Tensor
from edgekit.export.onnx import OPERATORS, compare, to_onnx

X = np.random.default_rng(3).integers(-128, 128, (12, 6, 5, 4)).astype(np.int8)
CONV = {"dilation_h": 1, "dilation_w": 1, "activation": "none"}
NO_MASKS = dict.fromkeys(
    ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
)


class Fan:
    """A graph of which each operator reads the input (1, 6, 5, 4) and writes an output of its own."""

    def __init__(self):
        self.tensors, self.operators, self.outputs = [], [], []
        self.rng = np.random.default_rng(11)
        self.x = self.tensor((1, 6, 5, 4), 0.05, 3)

    def tensor(self, shape, scale=None, zero=0, data=None, dtype="int8", axis=0):
        scale = np.atleast_1d(np.array([] if scale is None else scale, np.float32))
        data = None if data is None else np.asarray(data, dtype).reshape(shape)
        zero = np.full(scale.shape, zero, np.int64)
        index = len(self.tensors)
        self.tensors.append(
            Tensor(index, f"t{index}", tuple(shape), np.dtype(dtype), scale, zero, axis, data)
        )
        return index

    def ints(self, *values):
        return self.tensor(np.shape(values), data=values, dtype="int32")

    def op(self, name, inputs, shape, scale=0.05, zero=3, **options):
        y = self.tensor(shape, scale, zero)
        self.operators.append(Operator(len(self.operators), name, tuple(inputs), (y,), options))
        self.outputs.append(y)
        return y

    def weighted(self, name, weight_shape, axis, shape, scale=0.1, zero=-5, **options):
        """CONV_2D and its like, with one weight scale a channel and a bias."""
        channels = weight_shape[axis]
        steps = self.rng.uniform(0.004, 0.01, channels)
        data = self.rng.integers(-127, 128, weight_shape)
        w = self.tensor(weight_shape, steps, data=data, axis=axis)
        b = self.tensor(
            (channels,), steps * 0.05, data=self.rng.integers(-900, 900, channels), dtype="int32"
        )
        return self.op(name, (self.x, w, b), shape, scale, zero, **options)

    def graph(self) -> Graph:
        tensors, operators = tuple(self.tensors), tuple(self.operators)
        return Graph(tensors, operators, (self.x,), tuple(self.outputs), "0" * 64, 0)


def fan() -> Graph:
    f = Fan()
    x, same = f.x, (1, 6, 5, 4)
    stride = {"stride_h": 1, "stride_w": 1}
    f.weighted("CONV_2D", (7, 3, 3, 4), 0, (1, 3, 3, 7), padding="same", **CONV | {"activation": "relu6"},
               stride_h=2, stride_w=2)  # fmt: skip
    f.weighted(
        "CONV_2D",
        (3, 2, 2, 4),
        0,
        (1, 4, 4, 3),
        padding="valid",
        **CONV | {"dilation_h": 2},
        **stride,
    )
    f.weighted("DEPTHWISE_CONV_2D", (1, 3, 2, 8), 3, (1, 6, 5, 8), padding="same", **CONV, **stride,
               depth_multiplier=2)  # fmt: skip
    f.weighted(
        "FULLY_CONNECTED",
        (9, 120),
        0,
        (1, 9),
        activation="relu",
        weights_format=0,
        keep_num_dims=False,
    )
    other = f.tensor((1, 1, 1, 4), 0.02, -7, f.rng.integers(-128, 128, 4))
    for name in ("ADD", "SUB", "MUL"):
        f.op(name, (x, other), same, 0.09, 1, activation="relu" if name == "SUB" else "none")
    window = {"filter_h": 2, "filter_w": 3, "padding": "same", "stride_h": 2, "stride_w": 1}
    f.op("AVERAGE_POOL_2D", (x,), (1, 3, 5, 4), activation="none", **window)
    f.op("MAX_POOL_2D", (x,), (1, 3, 5, 4), activation="none", **window)
    f.op("MEAN", (x, f.ints(1, 2)), (1, 4), 0.02, -1, keep_dims=False)
    f.op("SOFTMAX", (x,), same, 1 / 256, -128, beta=1.0)
    f.op("LOGISTIC", (x,), same, 1 / 256, -128)
    f.op("TANH", (x,), same, 1 / 128, 0)
    f.op("RELU", (x,), same, 0.03, -128)
    f.op("RELU6", (x,), same)
    f.op("LEAKY_RELU", (x,), same, 0.04, -20, alpha=0.2)
    f.op("HARD_SWISH", (x,), same, 0.04, -100)
    f.op("QUANTIZE", (x,), same, 0.07, 9)
    f.op("RESHAPE", (x,), (1, 120))
    f.op("TRANSPOSE", (x, f.ints(0, 2, 1, 3)), (1, 5, 6, 4))
    f.op("CONCATENATION", (x, x), (1, 6, 10, 4), axis=2, activation="none")
    f.op("PAD", (x, f.ints((0, 0), (1, 2), (0, 1), (0, 0))), (1, 9, 6, 4))
    masks = NO_MASKS | {"end_mask": 0b0100, "shrink_axis_mask": 0b1000, "offset": False}
    f.op("STRIDED_SLICE", (x, f.ints(0, 5, 1, -1), f.ints(1, -7, 0, 0), f.ints(1, -2, 2, 1)),
         (1, 3, 2), **masks)  # fmt: skip
    axis = f.tensor((), data=-1, dtype="int32")
    halves = [f.tensor((1, 6, 5, 2), 0.05, 3) for _ in range(2)]
    f.operators.append(Operator(len(f.operators), "SPLIT", (axis, x), tuple(halves), {"count": 2}))
    f.outputs += halves
    return f.graph()


EXACT = (
    "MAX_POOL_2D",
    "RESHAPE",
    "TRANSPOSE",
    "CONCATENATION",
    "PAD",
    "STRIDED_SLICE",
    "SPLIT",
    "RELU6",
)


@pytest.mark.parametrize("level", ["ORT_DISABLE_ALL", "ORT_ENABLE_ALL"])
def test_every_operator_is_within_a_step_of_the_generated_c(level):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("ziglang")
    from edgekit.emulate.parity import run_host

    graph = fan()
    expected = run_host(generate(graph, "fan"), X).outputs
    options = runtime.SessionOptions()
    options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = runtime.InferenceSession(to_onnx(graph), options, providers=["CPUExecutionProvider"])
    got = [session.run(None, {"input": x[None]}) for x in X]
    writer = {y: op.name for op in graph.operators for y in op.outputs}
    rates = {}
    for n, i in enumerate(graph.outputs):
        mine = np.stack([g[n] for g in got]).astype(int)
        assert mine.shape[1:] == graph.tensors[i].shape
        steps = np.abs(mine.reshape(len(X), -1) - np.asarray(expected[n], int).reshape(len(X), -1))
        rates[writer[i]] = (float((steps > 0).mean()), int(steps.max()))
    assert all(worst <= 1 for _, worst in rates.values()), rates
    assert all(rates[name] == (0, 0) for name in EXACT), rates
    assert all(rate < 0.25 for rate, _ in rates.values()), rates
    untested = set(OPERATORS) - set(rates)
    assert untested == {"DEQUANTIZE", "SQUEEZE", "EXPAND_DIMS", "PADV2"}


def only(name: str) -> Graph:
    """The fan with one operator."""
    graph = fan()
    op = next(o for o in graph.operators if o.name == name)
    return Graph(graph.tensors, (op,), graph.inputs, op.outputs, graph.sha256, 0)


def test_compare_tells_how_many_outputs_differ():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model = to_onnx(only("RESHAPE"))
    assert compare(model, X, X)["rate"] == 0
    result = compare(model, X, X ^ np.eye(12, 120, dtype=np.int8).reshape(X.shape))
    assert (result["values"], result["differ"], result["worst"]) == (1440, 12, 1)


def test_equal_graphs_give_equal_bytes():
    pytest.importorskip("onnx")
    assert to_onnx(fan()) == to_onnx(fan())


def test_what_has_no_onnx_form_is_refused_by_name():
    pytest.importorskip("onnx")
    graph = only("TANH")
    (op,) = graph.operators
    strange = Operator(0, "SVDF", op.inputs, op.outputs)
    with pytest.raises(EdgekitError, match=r"operator 0 \(SVDF\) has no ONNX form"):
        to_onnx(Graph(graph.tensors, (strange,), graph.inputs, graph.outputs, "", 0))


def test_without_onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EdgekitError, match=r"pip install .*\[gateway\]"):
        to_onnx(fan())
