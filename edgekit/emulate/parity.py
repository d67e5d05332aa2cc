"""The truth to compare with (TFLM's own kernels), and parity layer by layer down to the emulated core."""

from __future__ import annotations

import importlib.util
import pickle
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate.firmware import Firmware, build, build_host
from edgekit.emulate.machine import Machine, as_batches
from edgekit.export.codegen import generate
from edgekit.export.reader import read
from edgekit.export.slot import image
from edgekit.export.source import Source
from edgekit.operators.graph import Graph

if TYPE_CHECKING:
    import pandas as pd

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, eq=False)
class ExecutionTrace:
    """`outputs` as `emulate.run` gives them, `tensors[sample][tensor index]`, and TFLM's arena in bytes."""

    oracle: str
    outputs: np.ndarray | list[np.ndarray]
    tensors: list[dict[int, np.ndarray]]
    arena: int | None = None
    arena_activations: int | None = None


def run_worker(job: dict, seconds: float = 120) -> tuple:
    """Run a job in `worker.py`; EdgekitError when that process crashes or hangs."""
    try:
        done = subprocess.run(
            [sys.executable, str(WORKER)],
            input=pickle.dumps(job),
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise EdgekitError(f"{job['kind']} did not finish within {seconds:.0f} s") from None
    log = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        last = log.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EdgekitError(f"{job['kind']} failed on this model: {last[0][:200]}")
    return pickle.loads(done.stdout), log


def tflm(
    model: bytes,
    X: np.ndarray | Sequence[np.ndarray],
    tensors: Iterable[int] = (),
    graph: Graph | None = None,
) -> ExecutionTrace:
    """TFLM's outputs for each sample of X (n, …), in a process of its own.

    model: a `.tflite`. graph: its graph, where it was read already. tensors: indices of tensors to keep after
    each sample. Where tflite-micro has no wheel, and for files
    whose dynamic batch TFLM cannot follow, LiteRT's reference kernels answer instead; they round a
    FULLY_CONNECTED once where TFLM rounds twice: compare them with code compiled with
    `rounding_defines()`. `ExecutionTrace.oracle` says which it was.
    """
    graph = graph or read(model)
    samples = as_batches(graph, X)
    (outputs, traces), log, kind = _ask(model, graph, samples, tensors)
    sizes = [
        re.search(rf"{what} (\d+) bytes", log) for what in ("allocation total", "allocation head")
    ]
    total, head = (int(m.group(1)) if m else None for m in sizes)
    name = {"tflm": "TFLM", "litert": "LiteRT BUILTIN_REF"}[kind]
    return ExecutionTrace(name, _stack(outputs), traces, total, head)


def raw_tflm(
    model: bytes, graph: Graph, samples: Sequence[tuple[np.ndarray, ...]]
) -> list[list[np.ndarray]]:
    """As `tflm` for a `.tflite` model, for samples that are tuples of arrays in the inputs' full shapes.

    Any batch: each array is (rows, …). Of each sample, the outputs in their own full shapes (rows, …).
    """
    (outputs, _), _, _ = _ask(model, graph, samples, ())
    return outputs


def _kind(graph: Graph | None = None) -> str:
    known = importlib.util.find_spec("tflite_micro") and not (graph and graph.tflm_differs)
    return "tflm" if known else "litert"


def rounding_defines(graph: Graph | None = None) -> tuple[str, ...]:
    """What to compile with so that the code rounds as the oracle of this machine (for this graph) does."""
    return () if _kind(graph) == "tflm" else ("EDGEKIT_SINGLE_ROUNDING_FC",)


def rounded_as_oracle(firmware: Firmware) -> Firmware:
    """What can be compared with the oracle of this machine, byte for byte: the firmware itself.

    Where TFLM has no wheel, or cannot follow the file: its network, built to round as LiteRT does.
    """
    defines = set(rounding_defines(firmware.source.graph)) - {
        flag.removeprefix("-D") for flag in firmware.flags
    }
    if not defines:
        return firmware
    return build(
        firmware.source,
        firmware.cpu,
        firmware.flags[0],
        firmware.compiler_name,
        defines=tuple(defines),
    )


def _ask(model: bytes, graph: Graph, samples, tensors):
    kind = _kind(graph)
    answer, log = run_worker(
        {
            "kind": kind,
            "model": bytes(model),
            "samples": samples,
            "outputs": len(graph.outputs),
            "tensors": tuple(tensors),
            "arena": 4_000_000 + 4 * sum(t.nbytes for t in graph.tensors),
        }
    )
    return answer, log, kind


def _stack(outputs):
    arrays = [np.stack([o[i] for o in outputs]) for i in range(len(outputs[0]))]
    arrays = [a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]) if a.ndim > 1 else a for a in arrays]
    return arrays if len(arrays) > 1 else arrays[0]


def run_host(source: Source, X: Any, trace: bool = False) -> ExecutionTrace:
    """Run generated C, compiled for this machine, on each sample of `X` (as `machine.as_batches` takes them);
    with `trace`, keep all layers' outputs."""
    calls = "\n".join(
        f"    case {n}: {layer.name}(); break;" for n, layer in enumerate(source.layers)
    )
    driver = (
        f'#include "{source.name}.c"\n'
        f"uint8_t *edgekit_arena(void) {{ return {source.name}_arena; }}\n"
        f"void edgekit_layer(int n) {{\n  switch (n) {{\n{calls}\n  }}\n}}\n"
    )
    if source.slot:
        name = source.name
        head = f" {name}_head = image + {name.upper()}_HEAD_AT;" if source.head else ""
        driver += f"void edgekit_slot(const uint8_t *image) {{ {name}_slot = image;{head} }}\n"
    library = build_host(source, driver=driver, defines=rounding_defines(source.graph))
    graph = source.graph

    def tensor_location(i):
        t = graph.tensors[i]
        return source.offset(i), t.shape, str(t.dtype)

    (outputs, traces), _ = run_worker(
        {
            "kind": "host",
            "library": str(library),
            "slot": image(source) if source.slot else None,
            "samples": as_batches(graph, X),
            "inputs": [tensor_location(i) for i in graph.inputs],
            "outputs": [tensor_location(i) for i in graph.outputs],
            "layers": [{i: tensor_location(i) for i in layer.outputs} for layer in source.layers],
            "trace": trace,
        }
    )
    return ExecutionTrace("generated C on this machine", _stack(outputs), traces)


def run_core(firmware: Firmware, X) -> ExecutionTrace:
    """Like `run_host` with trace, on the emulated core."""
    machine, source = Machine(firmware), firmware.source
    outputs, traces = [], []
    for sample in as_batches(source.graph, X):
        machine.load(sample)
        traces.append(machine.step_layers())
        outputs.append(machine.read_outputs())
    return ExecutionTrace(f"generated C on {firmware.cpu}", _stack(outputs), traces)


def layer_parity(
    model: bytes | str | Path,
    X: np.ndarray | Sequence[np.ndarray],
    cpu: str = "cortex-m4",
    name: str = "model",
    float_outputs: np.ndarray | None = None,
    firmware: Firmware | None = None,
) -> pd.DataFrame:
    """From the float model down to the emulated core, layer by layer, as one pandas DataFrame.

    model: a `.tflite` (path or bytes). X: (n, …) in the model's input dtype. float_outputs: what the float
    model gives for the same samples (n, …), compared in real units with the int8 model's output.
    firmware: what was built of the model; else it is built here, for `cpu` and under `name`.
    Columns: layer, values, host_differs and core_differs (bytes that differ from the oracle, over all
    samples) and worst (largest difference in steps). `attrs` holds "oracle", "exact" (bool), "first" (the
    first layer that differs, or None) and, with float_outputs, "float_error" (mean |float - int8|).
    """
    import pandas as pd

    data = model if isinstance(model, bytes) else Path(model).read_bytes()
    firmware = rounded_as_oracle(firmware or build(generate(read(data), name), cpu))
    source = firmware.source
    graph, layers = source.graph, source.layers
    # where a batch of 1 was folded in, a layer's result stands in the file under its last name only
    final = {old: new for new, old in source.alias.items()} if graph.tflm_differs else {}
    compared = {
        n: [i for i in m.outputs if not graph.tensors[i].variable] for n, m in enumerate(layers)
    }
    wanted = sorted({final.get(i, i) for written in compared.values() for i in written})
    truth = tflm(data, X, wanted, graph)
    answers = {"host": run_host(source, X, trace=True), "core": run_core(firmware, X)}
    rows = []
    for n, layer in enumerate(layers):
        row = {"layer": layer.name, "values": sum(graph.tensors[i].size for i in layer.outputs)}
        worst = 0.0
        for target, answer in answers.items():
            differs = 0
            for expected, got in zip(truth.tensors, answer.tensors, strict=True):
                for i in compared[n]:
                    e, stay = expected[final.get(i, i)], graph.kept.get(final.get(i, i))
                    e = (e if stay is None else e[..., stay]).reshape(-1)
                    g = got[i].reshape(-1)
                    differs += int((e != g).sum())
                    worst = max(worst, float(np.abs(e.astype(float) - g.astype(float)).max()))
            row[f"{target}_differs"] = differs
        rows.append(row | {"worst": worst})
    table = pd.DataFrame(rows)
    bad = table[(table.host_differs > 0) | (table.core_differs > 0)]
    table.attrs |= {
        "oracle": truth.oracle,
        "exact": bad.empty,
        "first": None if bad.empty else str(bad.layer.iloc[0]),
    }
    if float_outputs is not None:
        t = graph.tensors[graph.outputs[0]]
        real = np.asarray(truth.outputs, float)
        if len(t.scale):
            real = (real - t.zero_point[0]) * float(t.scale[0])
        table.attrs["float_error"] = float(np.abs(real - np.asarray(float_outputs)).mean())
    return table
