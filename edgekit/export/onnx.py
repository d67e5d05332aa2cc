"""The int8 graph as ONNX in QDQ form, for gateways that run onnxruntime.

Weights stay int8. Around each operator that computes stand DequantizeLinear and QuantizeLinear, with the
model's own scales, so that a runtime can fuse them into integer kernels again; operators that only move
values work on int8. Activations keep TFLite's order (NHWC); where ONNX wants NCHW an int8 Transpose stands
before and after, which onnxruntime cancels between neighbours.

ONNX computes in float and rounds half to even where TFLM multiplies fixed-point numbers and rounds half away
from zero: outputs may be a step apart. `compare` says how often.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.export.reader import read
from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph
from edgekit.operators.onnx_writer import Writer


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
        write = OPERATORS[op.name].onnx
        if write is None:
            known = ", ".join(name for name, kind in OPERATORS.items() if kind.onnx)
            raise EdgekitError(
                f"operator {op.index} ({op.name}) has no ONNX form here. Known: {known}"
            )
        write(writer, op)
    return writer.finish()


def compare(model: bytes, X, expected) -> dict:
    """Run an ONNX model in onnxruntime and compare with `expected`, the outputs of TFLM or of generated C.

    X: (n, *input shape without its batch); expected: (n, …). For models with one input and one output.
    Returns values (how many were compared), differ, rate (0…1), worst (steps) and same_class (share of
    samples whose largest output is the same one).
    """
    runtime = session(model)
    (x,), (y,) = runtime.get_inputs(), runtime.get_outputs()
    got = np.stack(
        [runtime.run([y.name], {x.name: np.reshape(s, x.shape)})[0].reshape(-1) for s in X]
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


def session(model: bytes) -> Any:
    """An onnxruntime session of an ONNX model on this machine's CPU, with exact 8-bit products.

    Raises EdgekitError where onnxruntime is not installed.
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
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
