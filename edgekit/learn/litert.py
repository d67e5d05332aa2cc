"""What is in a `.tflite`, and what it predicts.

Int8 networks are run by TFLM, the interpreter of microcontrollers: desktop interpreters round differently.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit import signal


def strip_metadata(tflite: bytes) -> bytes:
    """The network `tflite` without what no runtime reads.

    Out go tensor names, descriptions, metadata, signatures, the min/max that calibration recorded, and
    empty or repeated buffers. Weights, shapes, scales and zero points stay. The result is run beside
    the original; RuntimeError if one output differs.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    buffers, seen = [model.buffers[0]], {}
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = tensor.shapeSignature = None
            if tensor.quantization is not None:
                tensor.quantization.min = tensor.quantization.max = None
            held = model.buffers[tensor.buffer].data
            key = b"" if held is None else np.asarray(held, np.uint8).tobytes()
            if key and key not in seen:
                seen[key] = len(buffers)
                buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = seen.get(key, 0)
    model.buffers = buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    small = bytes(builder.Output())
    shape = quantization(tflite)["input_shape"]
    noise = np.random.default_rng(0).normal(size=(8, *shape[1:])).astype(np.float32)
    if not np.array_equal(predict(tflite, noise)[0], predict(small, noise)[0]):
        raise RuntimeError("stripping the metadata changed an output")
    return small


def quantization(tflite: bytes) -> dict[str, Any]:
    """Of the input and the output of `tflite`: shape, dtype, scale and zero point (0 and 0 for float32)."""
    interpreter = _litert(tflite)
    sides = {
        "input": interpreter.get_input_details()[0],
        "output": interpreter.get_output_details()[0],
    }
    found: dict[str, Any] = {}
    for side, of in sides.items():
        found[f"{side}_shape"] = [int(n) for n in of["shape"]]
        found[f"{side}_dtype"] = np.dtype(of["dtype"]).name
        scale, zero_point = of["quantization"]
        found[f"{side}_scale"], found[f"{side}_zero_point"] = float(scale), int(zero_point)
    return found


def kind(tflite: bytes) -> str:
    """ "int8", "int16" (activations), "dynamic" (int8 weights, float activations) or "float32"."""
    details = _litert(tflite).get_tensor_details()
    types = {np.dtype(d["dtype"]).name for d in details}
    if "int16" in types:
        return "int16"
    into = quantization(tflite)["input_dtype"]
    return "dynamic" if into == "float32" and "int8" in types else into


def int8_inputs(tflite: bytes, x: np.ndarray) -> np.ndarray:
    """Float inputs `x` (n, …) as the int8 (n, …) that `tflite` expects: half away from zero, saturated."""
    q = quantization(tflite)
    return signal.to_int8(x, q["input_scale"], q["input_zero_point"])


def predict(tflite: bytes, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Outputs (n, classes) of `tflite` for float inputs `x` (n, …), and which runtime computed them.

    An int8 network is run by `predict_int8`, a float one by LiteRT's reference kernels.
    """
    if quantization(tflite)["input_dtype"] == "int8":
        return predict_int8(tflite, int8_inputs(tflite, x))
    return _run_litert(_litert(tflite), x.astype(np.float32)), "LiteRT reference"


def predict_int8(tflite: bytes, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Outputs (n, classes) of the int8 `tflite` for int8 inputs `x` (n, …), and which runtime computed them:
    TFLM, or LiteRT's reference kernels where it is not installed."""
    try:
        from tflite_micro import runtime
    except ImportError:
        return _run_litert(_litert(tflite), x), "LiteRT reference"
    interpreter = runtime.Interpreter.from_bytes(tflite)
    outputs = []
    for row in x:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
    return np.array(outputs), "TFLM"


def _litert(tflite: bytes):
    from ai_edge_litert import interpreter as litert

    kernels = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=tflite, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    return interpreter


def _run_litert(interpreter, x: np.ndarray) -> np.ndarray:
    given = interpreter.get_input_details()[0]["index"]
    answer = interpreter.get_output_details()[0]["index"]
    outputs = []
    for row in x:
        interpreter.set_tensor(given, row[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(answer)[0])
    return np.array(outputs)
