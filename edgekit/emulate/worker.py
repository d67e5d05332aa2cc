"""Runs foreign code in a process of its own: TFLM's interpreter, or generated C compiled for this machine.

Started by path, not as a module, so that it imports nothing but what it needs. Reads a pickled job from
standard input, writes a pickled result to standard output; a crash ends only this process.
"""

import ctypes
import pickle
import sys

import numpy as np


def tflm(job):
    """Outputs, and the tensors named in job["tensors"], for each sample."""
    from tflite_micro import runtime

    kinds = runtime.InterpreterConfig
    kind = kinds.kPreserveAllTensors if job["tensors"] else kinds.kAllocationRecording
    interpreter = runtime.Interpreter.from_bytes(
        job["model"], arena_size=job["arena"], intrepreter_config=kind
    )
    outputs, traces = [], []
    for sample in job["samples"]:
        for i, x in enumerate(sample):
            interpreter.set_input(x, i)
        interpreter.invoke()
        outputs.append([np.array(interpreter.get_output(i)) for i in range(job["outputs"])])
        trace = {}
        for i in job["tensors"]:
            value = interpreter.GetTensor(i, 0)
            trace[i] = np.array(value["tensor_data"] if isinstance(value, dict) else value)
        traces.append(trace)
    if not job["tensors"]:
        interpreter.print_allocations()  # to standard error, where the parent reads it
    return outputs, traces


def litert(job):
    """As `tflm`, by LiteRT's reference kernels."""
    from ai_edge_litert import interpreter as lite

    engine = lite.Interpreter(
        model_content=job["model"],
        experimental_op_resolver_type=lite.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    engine.allocate_tensors()
    outputs, traces = [], []
    for sample in job["samples"]:
        for detail, x in zip(engine.get_input_details(), sample, strict=True):
            engine.set_tensor(detail["index"], x)
        engine.invoke()
        outputs.append([engine.get_tensor(d["index"]) for d in engine.get_output_details()])
        traces.append({i: engine.get_tensor(i) for i in job["tensors"]})
    return outputs, traces


def host(job):
    """Run a shared library's layers one after the other; read the arena after each."""
    library = ctypes.CDLL(job["library"])
    library.edgekit_arena.restype = ctypes.POINTER(ctypes.c_uint8)
    base = ctypes.addressof(library.edgekit_arena().contents)
    if job["slot"] is not None:  # on a multiple of 8, as in a device's flash
        slot = (ctypes.c_uint64 * (len(job["slot"]) // 8)).from_buffer_copy(job["slot"])
        library.edgekit_slot(slot)

    def read(location):
        offset, shape, dtype = location
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        return np.frombuffer(ctypes.string_at(base + offset, count), dtype).reshape(shape)

    outputs, traces = [], []
    for sample in job["samples"]:
        for (offset, _, _), x in zip(job["inputs"], sample, strict=True):
            data = np.ascontiguousarray(x).tobytes()
            ctypes.memmove(base + offset, data, len(data))
        trace: dict[int, np.ndarray] = {}
        for n, locations in enumerate(job["layers"]):
            library.edgekit_layer(n)
            if job["trace"]:
                trace |= {i: read(location) for i, location in locations.items()}
        outputs.append([read(location) for location in job["outputs"]])
        traces.append(trace)
    return outputs, traces


if __name__ == "__main__":
    work = pickle.load(sys.stdin.buffer)
    answer = {"tflm": tflm, "litert": litert, "host": host}[work["kind"]](work)
    pickle.dump(answer, sys.stdout.buffer)
