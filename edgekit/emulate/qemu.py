"""Cortex-M55 through QEMU, where it is installed: are the results of the MVE build the same bytes, and how
many instructions does it take?

QEMU counts what is executed and models no core's timing: there are no cycles.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated
from edgekit.core.programs import SAID
from edgekit.emulate.cores import CORES, core
from edgekit.emulate.firmware import Firmware
from edgekit.emulate.machine import as_batches
from edgekit.emulate.toolchain import link_program, runtime_source
from edgekit.export.constant_arrays import C_TYPES

FLASH, RAM, SIZE = 0x0000_0000, 0x2000_0000, 512 << 10  # tightly coupled memories of its board
PER_TICK = 1e9 / 32e6  # its core has 32 MHz, and with -icount shift=0 an instruction takes 1 ns


def run_qemu(
    firmware: Firmware, X: np.ndarray | Sequence[np.ndarray], seconds: float = 120
) -> np.ndarray | list[np.ndarray]:
    """Outputs for each sample of X (n, …) as `run` gives them, computed by QEMU's Cortex-M55.

    firmware: built for a core whose record names a machine of QEMU, the Cortex-M55; its sources are linked
    again, with the same flags, for that machine.
    Raises EdgekitError where qemu-system-arm is missing or older than 7, or the program does not end.
    """
    graph = firmware.source.graph
    samples = as_batches(graph, X)
    raw, _ = _executed(firmware, samples, seconds)
    row = np.frombuffer(raw, np.uint8).reshape(len(samples), -1)
    outputs, at = [], 0
    for t in (graph.tensors[i] for i in graph.outputs):
        part = np.ascontiguousarray(row[:, at : at + t.nbytes]).view(t.dtype)
        outputs.append(part.reshape(len(samples) * t.shape[0], *t.shape[1:]))
        at += t.nbytes
    return outputs if len(outputs) > 1 else outputs[0]


def count_qemu(
    firmware: Firmware, X: np.ndarray | Sequence[np.ndarray], seconds: float = 120
) -> Figure:
    """Instructions of one inference, the mean over the samples of X, counted by QEMU to within 32.

    A vector instruction counts as one, whatever it takes. X (n, …) and seconds as for `run_qemu`. Raises
    EdgekitError as that does, and where an inference takes more than half a billion.
    """
    samples = as_batches(firmware.source.graph, X)
    _, ticks = _executed(firmware, samples, seconds, ("-icount", "shift=0"))
    counted = PER_TICK * np.frombuffer(ticks, np.uint32)
    return emulated(round(float(counted.mean())), "", f"QEMU -icount, {firmware.described}")


def _executed(firmware: Firmware, samples, seconds: float, options=()) -> tuple[bytes, bytes]:
    """What the program wrote: outputs, and the timer's ticks for each sample."""
    board = core(firmware.cpu).qemu
    if not board:
        able = " or ".join(name for name, record in CORES.items() if record.qemu)
        raise EdgekitError(f"this firmware is for {firmware.cpu}: use run(), or build for {able}")
    program = shutil.which("qemu-system-arm")
    if not program:
        raise EdgekitError("qemu-system-arm is not installed")
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        place = Path(folder)
        place.joinpath("program.elf").write_bytes(_program(firmware))
        place.joinpath("samples").write_bytes(
            b"".join(np.ascontiguousarray(x).tobytes() for sample in samples for x in sample)
        )
        command = [program, "-M", board, "-kernel", "program.elf", "-display", "none"]
        command += ["-serial", "null", "-monitor", "none", *options]
        command += ["-semihosting-config", "enable=on,target=native"]
        try:
            done = subprocess.run(command, cwd=folder, timeout=seconds, check=False, **SAID)
        except subprocess.TimeoutExpired:
            raise EdgekitError(f"QEMU did not finish within {seconds:.0f} s") from None
        found = [place / name for name in ("results", "ticks")]
        raw, ticks = (f.read_bytes() if f.is_file() else b"" for f in found)
    graph = firmware.source.graph
    size = sum(graph.tensors[i].nbytes for i in graph.outputs)
    if done.returncode or len(raw) != len(samples) * size:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EdgekitError(f"the program failed in QEMU: {last[0][:200]}")
    return raw, ticks


def _program(firmware: Firmware) -> bytes:
    source = firmware.source
    lines = [f'#include "{source.name}.h"']
    for kind, indices in (("input", source.graph.inputs), ("output", source.graph.outputs)):
        places = []
        for n, i in enumerate(indices):
            t, suffix = source.graph.tensors[i], f"_{n}" if len(indices) > 1 else ""
            cast = f"({C_TYPES[str(t.dtype)]} *)"
            places.append(f"{{{cast}{source.name}_{kind}{suffix}(), {t.nbytes}}}")
        lines.append(f"#define MODEL_{kind.upper()}S {', '.join(places)}")
    script = runtime_source("link.ld")
    script = script.replace(
        "ORIGIN = 0x08000000, LENGTH = 16M", f"ORIGIN = {FLASH:#x}, LENGTH = {SIZE}"
    )
    script = script.replace(
        "ORIGIN = 0x20000000, LENGTH = 16M", f"ORIGIN = {RAM:#x}, LENGTH = {SIZE}"
    )
    files = {
        "link.ld": script,
        "edgekit_places.h": "\n".join(lines) + "\n",
        "edgekit_semihosting.c": runtime_source("semihosting.c"),
    }
    return link_program(
        source.files | files, core(firmware.cpu), firmware.compiler_name, firmware.flags
    )
