"""An ONNX graph as it grows: the nodes that operators' records write themselves with."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.operators.fixed_point import ACTIVATION_BOUNDS
from edgekit.operators.graph import Graph, Tensor

OPSET = 17
IR_VERSION = 8
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class Writer:
    """The ONNX graph as it grows; `values[i]` is the name of tensor i's value."""

    def __init__(self, graph: Graph, onnx):
        self.graph, self.onnx = graph, onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.count = 0
        self.values: dict[int, str] = {}
        for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
            for n, i in enumerate(indices):
                self.values.setdefault(i, f"{kind}_{n}" if len(indices) > 1 else kind)

    def tensor(self, i: int) -> Tensor:
        """Tensor i."""
        return self.graph.tensors[i]

    def known(self, i: int) -> np.ndarray:
        """The values of constant tensor i; raises EdgekitError where they are computed."""
        t = self.tensor(i)
        if t.data is None:
            raise EdgekitError(f"{t} is computed at run time: only constants are supported there")
        return t.data

    def node(
        self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any
    ) -> str:
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
        """Names of its scale and zero point; raises EdgekitError where there is not one of each."""
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
        if activation == "none":
            return value
        if activation == "relu":
            return self.node("Relu", [value])
        low, high = ACTIVATION_BOUNDS[activation]
        bounds = [self.constant(low, np.float32), self.constant(high, np.float32)]
        return self.node("Clip", [value, *bounds])

    def finish(self) -> bytes:
        """The bytes of the model, checked by onnx."""
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
