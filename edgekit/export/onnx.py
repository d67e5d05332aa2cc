"""The int8 graph as ONNX in QDQ form, for gateways that run onnxruntime.

Weights stay int8. Around each operator that computes stand DequantizeLinear and QuantizeLinear, with the
model's own scales, so that a runtime can fuse them into integer kernels again; operators that only move
values work on int8. Activations keep TFLite's order (NHWC); where ONNX wants NCHW an int8 Transpose stands
before and after, which onnxruntime cancels between neighbours.

ONNX computes in float and rounds half to even where TFLM multiplies fixed-point numbers and rounds half away
from zero: outputs may be a step apart. `compare` says how often.
"""

from __future__ import annotations

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.export.graph import Graph, Tensor, read

OPSET = 17
IR_VERSION = 8


def to_onnx(model) -> bytes:
    """An int8 `Graph`, or a `.tflite` (path or bytes), as the bytes of an ONNX model.

    Inputs and outputs are named input and output (with _0, _1 … where there are several) and have the
    `.tflite`'s shapes and types. Raises EdgekitError, by name, for an operator that has no ONNX form here.
    """
    try:
        import onnx
    except ImportError:
        raise missing("this needs", "onnx") from None
    graph = model if isinstance(model, Graph) else read(model)
    writer = Writer(graph, onnx)
    for op in graph.operators:
        if op.name not in OPERATORS:
            raise EdgekitError(
                f"operator {op.index} ({op.name}) has no ONNX form here. Known: {', '.join(OPERATORS)}"
            )
        OPERATORS[op.name](writer, op)
    return writer.finish()


def compare(model: bytes, X, expected) -> dict:
    """Run an ONNX model in onnxruntime and compare with `expected`, the outputs of TFLM or of generated C.

    X: (n, *input shape without its batch); expected: (n, …). For models with one input and one output.
    Returns values (how many were compared), differ, rate (0…1), worst (steps) and same_class (share of
    samples whose largest output is the same one).
    """
    try:
        import onnxruntime
    except ImportError:
        raise missing("this needs", "onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.x64quantprecision", "1"
    )  # or AVX2 saturates at 16 bits
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (x,), (y,) = session.get_inputs(), session.get_outputs()
    got = np.stack(
        [session.run([y.name], {x.name: np.reshape(s, x.shape)})[0].reshape(-1) for s in X]
    )
    expected = np.asarray(expected).reshape(len(got), -1)
    steps = np.abs(got.astype(float) - expected.astype(float))
    return {
        "values": steps.size,
        "differ": int((steps > 0).sum()),
        "rate": float((steps > 0).mean()),
        "worst": float(steps.max()),
        "same_class": float((got.argmax(1) == expected.argmax(1)).mean()),
    }


class Writer:
    """The ONNX graph as it grows; `values[i]` is the name of tensor i's value."""

    def __init__(self, graph: Graph, onnx):
        self.graph, self.onnx = graph, onnx
        self.nodes, self.constants, self.count = [], [], 0
        self.values = {}
        for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
            for n, i in enumerate(indices):
                self.values.setdefault(i, f"{kind}_{n}" if len(indices) > 1 else kind)

    def tensor(self, i: int) -> Tensor:
        return self.graph.tensors[i]

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes) -> str:
        """Add a node, return its output's name."""
        self.count += 1
        output = output or f"{kind.lower()}_{self.count}"
        name = f"{kind}_{self.count}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def constant(self, value, dtype) -> str:
        """A new constant's name. None is shared: onnxruntime rewrites weights and zero points in place."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def value(self, i: int) -> str:
        """Tensor i as stored (int8 or float)."""
        t = self.tensor(i)
        if t.data is not None:
            return self.constant(t.data, t.dtype)
        return self.values.setdefault(i, f"tensor_{i}")

    def quantization(self, t: Tensor) -> list[str]:
        if t.dtype != np.int8 or len(t.scale) != 1:
            raise EdgekitError(
                f"tensor {t} is not int8 with one scale: only int8 models become QDQ"
            )
        return [self.constant(t.scale[0], np.float32), self.constant(t.zero_point[0], np.int8)]

    def real(self, i: int, value: str | None = None) -> str:
        """Tensor i (or `value`, quantized as it is) in real numbers."""
        return self.node(
            "DequantizeLinear", [value or self.value(i), *self.quantization(self.tensor(i))]
        )

    def quantized(self, value: str, i: int, output: str | None = None) -> str:
        """Quantize real numbers as tensor i is."""
        return self.node("QuantizeLinear", [value, *self.quantization(self.tensor(i))], output)

    def weights(self, data: np.ndarray, scale: np.ndarray, axis: int) -> str:
        """Constant int8 weights or an int32 bias in real numbers; one scale, or one for each of `axis`."""
        scale = scale if len(scale) > 1 else scale.reshape(())
        inputs = [self.constant(data, data.dtype), self.constant(scale, np.float32)]
        inputs.append(self.constant(np.zeros(scale.shape), data.dtype))
        return self.node("DequantizeLinear", inputs, axis=axis if scale.ndim else 0)

    def fused(self, value: str, activation: str) -> str:
        """A fused activation, on real numbers."""
        low, high = LIMITS[activation]
        if low is None:
            return value
        if high is None:
            return self.node("Relu", [value])
        bounds = [self.constant(low, np.float32), self.constant(high, np.float32)]
        return self.node("Clip", [value, *bounds])

    def finish(self) -> bytes:
        helper = self.onnx.helper

        def ends(indices):
            types = {i: helper.np_dtype_to_tensor_dtype(self.tensor(i).dtype) for i in indices}
            return [
                helper.make_tensor_value_info(self.values[i], types[i], list(self.tensor(i).shape))
                for i in indices
            ]

        graph = helper.make_graph(
            self.nodes,
            "edgekit",
            ends(self.graph.inputs),
            ends(self.graph.outputs),
            self.constants,
        )
        model = helper.make_model(
            graph,
            producer_name="edgekit",
            doc_string=f"from a .tflite with sha256 {self.graph.sha256}",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()


LIMITS = {"none": (None, None), "relu": (0, None), "relu6": (0, 6), "relu_n1_to_1": (-1, 1)}
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


def _pads(w: Writer, op, height: int, width: int) -> list[int]:
    """TFLite's SAME or VALID for a window as [top, left, bottom, right]."""
    o, x, y = op.options, w.tensor(op.inputs[0]), w.tensor(op.outputs[0])
    if o["padding"] == "valid":
        return [0, 0, 0, 0]
    before, after = [], []
    for d, k, axis in ((1, height, "h"), (2, width, "w")):
        reach = (k - 1) * o.get(f"dilation_{axis}", 1) + 1
        total = max(0, (y.shape[d] - 1) * o[f"stride_{axis}"] + reach - x.shape[d])
        before.append(total // 2)
        after.append(total - total // 2)
    return before + after


def _conv(w: Writer, op) -> None:
    """CONV_2D (weights O,H,W,I) and DEPTHWISE_CONV_2D (weights 1,H,W,O)."""
    x, t = w.tensor(op.inputs[0]), w.tensor(op.inputs[1])
    if t.data is None:
        raise EdgekitError(f"operator {op.index} ({op.name}) has weights that are computed")
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    kernel = t.data.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    height, width = kernel.shape[2:]
    image = w.node("Transpose", [w.value(op.inputs[0])], perm=TO_NCHW)
    inputs = [w.real(op.inputs[0], image), w.weights(kernel, t.scale, 0), *_bias(w, op, x, t)]
    y = w.node(
        "Conv",
        inputs,
        group=x.shape[3] if depthwise else x.shape[3] // kernel.shape[1],
        kernel_shape=[height, width],
        strides=[op.options["stride_h"], op.options["stride_w"]],
        dilations=[op.options["dilation_h"], op.options["dilation_w"]],
        pads=_pads(w, op, height, width),
    )
    y = w.quantized(w.fused(y, op.options["activation"]), op.outputs[0])
    w.node("Transpose", [y], w.value(op.outputs[0]), perm=TO_NHWC)


def _bias(w: Writer, op, x: Tensor, t: Tensor) -> list[str]:
    if len(op.inputs) < 3 or op.inputs[2] < 0:
        return []
    scale = (t.scale.astype(np.float64) * float(x.scale[0])).astype(np.float32)
    return [w.weights(w.tensor(op.inputs[2]).data.reshape(-1), scale, 0)]


def _fully_connected(w: Writer, op) -> None:
    x, t, y = w.tensor(op.inputs[0]), w.tensor(op.inputs[1]), w.tensor(op.outputs[0])
    if t.data is None:
        raise EdgekitError(f"operator {op.index} ({op.name}) has weights that are computed")
    rows = w.node("Reshape", [w.value(op.inputs[0]), w.constant([-1, t.shape[1]], np.int64)])
    inputs = [w.real(op.inputs[0], rows), w.weights(t.data, t.scale, 0), *_bias(w, op, x, t)]
    value = w.fused(w.node("Gemm", inputs, transB=1), op.options["activation"])
    value = w.quantized(value, op.outputs[0])
    w.node("Reshape", [value, w.constant(y.shape, np.int64)], w.value(op.outputs[0]))


def _elementwise(w: Writer, op) -> None:
    kind = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul"}[op.name]
    y = w.node(kind, [w.real(i) for i in op.inputs])
    w.quantized(w.fused(y, op.options["activation"]), op.outputs[0], w.value(op.outputs[0]))


def _pool(w: Writer, op) -> None:
    o = op.options
    image = w.node("Transpose", [w.value(op.inputs[0])], perm=TO_NCHW)
    shape = {
        "kernel_shape": [o["filter_h"], o["filter_w"]],
        "strides": [o["stride_h"], o["stride_w"]],
        "pads": _pads(w, op, o["filter_h"], o["filter_w"]),
    }
    kind = "MaxPool" if op.name == "MAX_POOL_2D" else "AveragePool"
    y = w.fused(w.node(kind, [w.real(op.inputs[0], image)], **shape), o["activation"])
    w.node("Transpose", [w.quantized(y, op.outputs[0])], w.value(op.outputs[0]), perm=TO_NHWC)


def _mean(w: Writer, op) -> None:
    axes = [int(a) for a in np.ravel(w.tensor(op.inputs[1]).data)]
    keep = int(op.options["keep_dims"])
    y = w.node("ReduceMean", [w.real(op.inputs[0])], axes=axes, keepdims=keep)
    w.quantized(y, op.outputs[0], w.value(op.outputs[0]))


def _unary(kind: str):
    def write(w: Writer, op) -> None:
        attributes = {"alpha": op.options["alpha"]} if kind == "LeakyRelu" else {}
        y = w.node(kind, [w.real(op.inputs[0])], **attributes)
        w.quantized(y, op.outputs[0], w.value(op.outputs[0]))

    return write


def _relu6(w: Writer, op) -> None:
    w.quantized(w.fused(w.real(op.inputs[0]), "relu6"), op.outputs[0], w.value(op.outputs[0]))


def _softmax(w: Writer, op) -> None:
    x = w.real(op.inputs[0])
    if op.options["beta"] != 1:
        x = w.node("Mul", [x, w.constant(op.options["beta"], np.float32)])
    w.quantized(w.node("Softmax", [x], axis=-1), op.outputs[0], w.value(op.outputs[0]))


def _quantize(w: Writer, op) -> None:
    is_float = w.tensor(op.inputs[0]).dtype == np.float32
    x = w.value(op.inputs[0]) if is_float else w.real(op.inputs[0])
    w.quantized(x, op.outputs[0], w.value(op.outputs[0]))


def _dequantize(w: Writer, op) -> None:
    inputs = [w.value(op.inputs[0]), *w.quantization(w.tensor(op.inputs[0]))]
    w.node("DequantizeLinear", inputs, w.value(op.outputs[0]))


def _reshape(w: Writer, op) -> None:
    shape = w.constant(w.tensor(op.outputs[0]).shape, np.int64)
    w.node("Reshape", [w.value(op.inputs[0]), shape], w.value(op.outputs[0]))


def _transpose(w: Writer, op) -> None:
    order = [int(i) for i in np.ravel(w.tensor(op.inputs[1]).data)]
    w.node("Transpose", [w.value(op.inputs[0])], w.value(op.outputs[0]), perm=order)


def _concatenation(w: Writer, op) -> None:
    inputs = [w.value(i) for i in op.inputs]
    w.node("Concat", inputs, w.value(op.outputs[0]), axis=op.options["axis"])


def _pad(w: Writer, op) -> None:
    t = w.tensor(op.inputs[0])
    pads = w.constant(w.tensor(op.inputs[1]).data.T.reshape(-1), np.int64)
    fill = w.tensor(op.inputs[2]).data.reshape(()) if len(op.inputs) > 2 else t.zero_point[0]
    inputs = [w.value(op.inputs[0]), pads, w.constant(fill, t.dtype)]
    w.node("Pad", inputs, w.value(op.outputs[0]))


def _split(w: Writer, op) -> None:
    axis = int(np.ravel(w.tensor(op.inputs[0]).data)[0])
    t = w.tensor(op.inputs[1])
    part = t.shape[axis] // len(op.outputs)
    for n, i in enumerate(op.outputs):
        bounds = [[n * part], [(n + 1) * part], [axis % len(t.shape)]]
        inputs = [w.value(op.inputs[1]), *(w.constant(b, np.int64) for b in bounds)]
        w.node("Slice", inputs, w.value(i))


def _strided_slice(w: Writer, op) -> None:
    """Slice, then Reshape for the axes that a single index takes away."""
    o, t = op.options, w.tensor(op.inputs[0])
    if o["ellipsis_mask"] or o["new_axis_mask"] or o["offset"]:
        raise EdgekitError(f"operator {op.index} ({op.name}) uses ellipsis or new axes")
    begin, end, step = (np.ravel(w.tensor(i).data).tolist() for i in op.inputs[1:4])
    starts, ends, steps = [], [], []
    for i, size in enumerate(t.shape):
        if o["shrink_axis_mask"] >> i & 1:
            picked = range(begin[i] % size, begin[i] % size + 1)
        else:
            b = None if o["begin_mask"] >> i & 1 else begin[i]
            e = None if o["end_mask"] >> i & 1 else end[i]
            picked = range(*slice(b, e, step[i]).indices(size))
        starts.append(picked.start)
        ends.append(picked.stop if picked.stop >= 0 else -size - 1)  # ONNX counts -1 from the end
        steps.append(picked.step)
    bounds = (starts, ends, list(range(len(t.shape))), steps)
    inputs = [w.value(op.inputs[0]), *(w.constant(b, np.int64) for b in bounds)]
    shape = w.constant(w.tensor(op.outputs[0]).shape, np.int64)
    w.node("Reshape", [w.node("Slice", inputs), shape], w.value(op.outputs[0]))


OPERATORS = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "FULLY_CONNECTED": _fully_connected,
    "ADD": _elementwise,
    "SUB": _elementwise,
    "MUL": _elementwise,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "SOFTMAX": _softmax,
    "LOGISTIC": _unary("Sigmoid"),
    "TANH": _unary("Tanh"),
    "RELU": _unary("Relu"),
    "RELU6": _relu6,
    "LEAKY_RELU": _unary("LeakyRelu"),
    "HARD_SWISH": _unary("HardSwish"),
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concatenation,
    "PAD": _pad,
    "PADV2": _pad,
    "SPLIT": _split,
    "STRIDED_SLICE": _strided_slice,
}
