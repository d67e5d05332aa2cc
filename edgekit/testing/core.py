"""What a core must do to be one of the kit's: build, compute exactly, count exactly, and say what it cannot.

from edgekit.emulate.cores import RISCV, Core
from edgekit.testing.core import lacks

lacks(Core("rv32imac", RISCV, "generic_rv32+m+a+c", model="RISCV32_ANY"), [tflite])   # [] if it holds
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate import cost, qemu
from edgekit.emulate.compare_features import feature_parity
from edgekit.emulate.cores import CORES, Core
from edgekit.emulate.emulator import RAM, instruction_offsets
from edgekit.emulate.firmware import Firmware, build
from edgekit.emulate.machine import Machine
from edgekit.emulate.parity import raw_tflm
from edgekit.emulate.profiling import Profile, profile
from edgekit.export import generate, read
from edgekit.operators.graph import Graph

SAMPLES = 3
GAP = 128  # bytes at the end of the deepest frame that nobody needs to write


def lacks(core: Core, models: Sequence[bytes], features: Sequence[tuple] = ()) -> list[str]:
    """What a core lacks, one sentence each; empty if it holds.

    models: int8 `.tflite` files that TFLM can run, whose answers are the truth; the more operators they
    have, the better. features: (`.tflite`, step of `edgekit.signal`, sensitivity, windows (n, window,
    channels)) for features before a network.
    """
    found = []
    with _known(core):
        for number, model in enumerate(models):
            for check in CHECKS:
                found += [f"model {number}: {what}" for what in _asked(check, core, model)]
        for model, step, sensitivity, X in features if core.emulated else ():
            try:
                source = generate(read(model))
                app = build(source, core.name, features=step, sensitivity=sensitivity)
                if not feature_parity(app, X).attrs["exact"]:
                    found.append(f"features differ from their Python twin: {step!r}")
            except EdgekitError as err:
                found.append(f"features: {err}")
    return found


def computes_what_tflm_computes(core: Core, model: bytes) -> Iterator[str]:
    """Outputs of `model`, a `.tflite`, byte for byte, with constants in the program and in a slot."""
    graph = read(model)
    samples = _samples(graph)
    truth = [o.tobytes() for answer in raw_tflm(model, graph, samples) for o in answer]
    for slot in (False, True):
        machine = Machine(build(generate(graph, slot=slot), core.name))
        got = [o.tobytes() for x in samples for o in machine.infer(x)]
        if got != truth:
            yield f"other bytes than TFLM{' from a slot' if slot else ''}"


def counts_what_is_executed(core: Core, model: bytes) -> Iterator[str]:
    """Instructions and stack of `model` by looking at each instruction, against the profile's counts and
    paint.
    """
    firmware, counted = _counted(core, model)
    machine = Machine(firmware)
    steps, lowest, conditional = 0, 1 << 32, range(0)

    def step(uc, address, size, _):
        """An IT instruction's successors are executed or passed over; each takes its turn all the same."""
        nonlocal steps, lowest, conditional
        lowest = min(lowest, uc.reg_read(machine.sp))
        steps += address != machine.wait and address not in conditional
        half = int.from_bytes(uc.mem_read(address, 2), "little")
        if core.thumb and half >> 8 == 0xBF and half & 15:
            behind = instruction_offsets(uc.mem_read(address + 2, 16), thumb=True)
            many = 4 - (half & -half & 15).bit_length() + 1
            conditional = range(address + 2, address + 2 + behind[many])
            steps += many

    (x,) = _samples(machine.graph, 1)
    machine.uc.hook_add(machine.unicorn.UC_HOOK_CODE, step)
    machine.infer(x)
    if steps != counted.instructions.value:
        yield f"{counted.instructions.value:,} instructions are counted, {steps:,} executed"
    deep = machine.top - lowest
    if not deep - GAP <= counted.stack.value <= deep:
        yield f"{counted.stack.value} bytes of stack are painted, {deep} used"


def has_cycles_or_says_so(core: Core, model: bytes) -> Iterator[str]:
    """A timing gives cycles for `model`; without one the cost says that there is none."""
    firmware, counted = _counted(core, model)
    try:
        if cost.cycles(firmware, counted).value < counted.instructions.value / 2:
            yield "fewer cycles than a core that issues two instructions at a time could take"
    except EdgekitError as err:
        if core.timing is not None:
            yield f"there is a timing, and no cycles: {err}"


def reports_a_crash(core: Core, model: bytes) -> Iterator[str]:
    """To run `model` where no memory is ends in an error, not in a result."""
    machine = Machine(build(generate(read(model)), core.name))
    try:
        machine.run_from(RAM - 16)
    except EdgekitError:
        return
    yield "a jump into nowhere is not noticed"


def builds_and_runs_in_qemu(core: Core, model: bytes) -> Iterator[str]:
    """A core that is not emulated builds `model`; one of QEMU gives the same bytes there, where it is
    installed.
    """
    graph = read(model)
    firmware = build(generate(graph), core.name, "-O3")
    samples = _samples(graph)
    if core.qemu and shutil.which("qemu-system-arm") and len(graph.inputs) == 1:
        X = np.concatenate([x for (x,) in samples])
        truth = np.concatenate([answer[0].ravel() for answer in raw_tflm(model, graph, samples)])
        if not np.array_equal(np.ravel(qemu.run_qemu(firmware, X)), truth):
            yield "other bytes than TFLM in QEMU"


Check = Callable[[Core, bytes], Iterator[str]]
EMULATED: tuple[Check, ...] = (
    computes_what_tflm_computes,
    counts_what_is_executed,
    has_cycles_or_says_so,
    reports_a_crash,
)
CHECKS: tuple[Check, ...] = (*EMULATED, builds_and_runs_in_qemu)


def _asked(check: Check, core: Core, model: bytes) -> list[str]:
    """What a check finds; an error of the kit is a finding, too."""
    if core.emulated is not (check in EMULATED):
        return []
    try:
        return list(check(core, model))
    except EdgekitError as err:
        return [f"{check.__name__}: {err}"]


@contextmanager
def _known(core: Core) -> Iterator[None]:
    """The kit has this core for a while."""
    before = dict(CORES)
    CORES[core.name] = core
    try:
        yield
    finally:
        CORES.clear()
        CORES.update(before)


def _samples(graph: Graph, n: int = SAMPLES) -> list[tuple[np.ndarray, ...]]:
    """The same random inputs for all cores, int8 in the whole range."""
    rng, inputs = np.random.default_rng(1), [graph.tensors[i] for i in graph.inputs]
    return [
        tuple(rng.integers(-128, 128, t.shape).astype(t.dtype) for t in inputs) for _ in range(n)
    ]


def _counted(core: Core, model: bytes) -> tuple[Firmware, Profile]:
    firmware = build(generate(read(model)), core.name)
    (x,) = _samples(firmware.source.graph, 1)
    return firmware, profile(firmware, list(x) if len(x) > 1 else x[0])
