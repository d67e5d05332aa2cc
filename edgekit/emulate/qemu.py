"""Cortex-M55 through QEMU, where it is installed: are the results of the MVE build the same bytes?

No instruction counts and no performance figures: QEMU does not model the core's timing.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.programs import SAID
from edgekit.emulate.cores import CORES, core
from edgekit.emulate.firmware import Firmware
from edgekit.emulate.machine import as_batches
from edgekit.emulate.toolchain import link_program, runtime_source
from edgekit.export.codegen import C_TYPES

FLASH, RAM, SIZE = 0x0000_0000, 0x2000_0000, 512 << 10  # tightly coupled memories of its board


def run_qemu(
    firmware: Firmware, X: np.ndarray | Sequence[np.ndarray], seconds: float = 120
) -> np.ndarray | list[np.ndarray]:
    """Outputs for each sample of X (n, …) as `run` gives them, computed by QEMU's Cortex-M55.

    firmware: built for a core whose record names a machine of QEMU, the Cortex-M55; its sources are linked
    again, with the same flags, for that machine.
    Raises EdgekitError where qemu-system-arm is missing or older than 7, or the program does not end.
    """
    board = core(firmware.cpu).qemu
    if not board:
        able = " or ".join(name for name, record in CORES.items() if record.qemu)
        raise EdgekitError(f"this firmware is for {firmware.cpu}: use run(), or build for {able}")
    program = shutil.which("qemu-system-arm")
    if not program:
        raise EdgekitError("qemu-system-arm is not installed")
    graph = firmware.source.graph
    samples = as_batches(graph, X)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        place = Path(folder)
        place.joinpath("program.elf").write_bytes(_program(firmware))
        place.joinpath("samples").write_bytes(
            b"".join(np.ascontiguousarray(x).tobytes() for sample in samples for x in sample)
        )
        command = [program, "-M", board, "-kernel", "program.elf", "-display", "none"]
        command += ["-serial", "null", "-monitor", "none"]
        command += ["-semihosting-config", "enable=on,target=native"]
        try:
            done = subprocess.run(command, cwd=folder, timeout=seconds, check=False, **SAID)
        except subprocess.TimeoutExpired:
            raise EdgekitError(f"QEMU did not finish within {seconds:.0f} s") from None
        results = place / "results"
        raw = results.read_bytes() if results.is_file() else b""
    tensors = [graph.tensors[i] for i in graph.outputs]
    if done.returncode or len(raw) != len(samples) * sum(t.nbytes for t in tensors):
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise EdgekitError(f"the program failed in QEMU: {last[0][:200]}")
    row = np.frombuffer(raw, np.uint8).reshape(len(samples), -1)
    outputs, at = [], 0
    for t in tensors:
        part = np.ascontiguousarray(row[:, at : at + t.nbytes]).view(t.dtype)
        outputs.append(part.reshape(len(samples) * t.shape[0], *t.shape[1:]))
        at += t.nbytes
    return outputs if len(outputs) > 1 else outputs[0]


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
