"""Run a firmware on an emulated core: outputs, exact instruction counts, stack."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from html import escape

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.build import Firmware
from edgekit.emulate.count import Counting
from edgekit.export.slot import image

FLASH, RAM, SIZE = 0x0800_0000, 0x2000_0000, 16 << 20
STACK = 64 << 10
PAINT = b"\xa5"
SECONDS = 10.0  # a run that takes longer goes on with its instructions counted
INSTRUCTIONS = (
    10**9
)  # and has hung after so many, with an allowance for each product and each value
PER_MAC, PER_VALUE = (
    250,
    1000,
)  # float32 without a floating-point unit takes about 150 for a product


@dataclass(frozen=True)
class LayerCount:
    """What one layer cost: instructions, taken branches, and how often each block of code ran."""

    name: str
    instructions: int
    macs: int
    blocks: dict  # (address, bytes) -> executions
    taken: int  # branches that left the straight line


@dataclass(frozen=True, eq=False)
class Profile:
    """One inference, counted. Layers in order of execution."""

    layers: tuple[LayerCount, ...]
    instructions: Figure
    per_mac: Figure
    stack: Figure
    arena: Figure
    flash: Figure
    ram: Figure
    output: tuple[np.ndarray, ...]
    cpu: str

    def _repr_html_(self) -> str:
        total = max(1, self.instructions.value)
        rows = "".join(
            f"<tr><td>{escape(c.name)}</td><td>{c.instructions:,}</td><td>{c.macs:,}</td><td>"
            f"<div style='background:#4c78a8;height:.8em;width:{200 * c.instructions / total:.0f}px'>"
            f"</div></td></tr>"
            for c in self.layers
        )
        heads = "".join(
            f"<tr><td>{k}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in ("instructions", "per_mac", "arena", "stack", "flash", "ram")
        )
        return (
            f"<table>{heads}</table><table><tr><th>layer</th><th>instructions</th><th>MAC</th>"
            f"<th></th></tr>{rows}</table>"
        )


class Machine:
    """An emulated core with a firmware in its flash, standing still before the first inference."""

    def __init__(self, firmware: Firmware):
        try:
            import unicorn
            from unicorn import arm_const, riscv_const
        except ImportError:
            raise missing("emulating needs", "unicorn") from None
        models = {
            "cortex-m0plus": arm_const.UC_CPU_ARM_CORTEX_M0,
            "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
            "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
            "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
            "cortex-m33": arm_const.UC_CPU_ARM_CORTEX_M33,
        }
        self.firmware, self.unicorn = firmware, unicorn
        self.image = firmware.image()
        self.symbols = self.image.symbols
        self.graph, self.flash, self.counting = firmware.source.graph, FLASH, None
        values = sum(t.size for t in self.graph.tensors if t.data is None)
        self.limit = INSTRUCTIONS + PER_MAC * firmware.source.macs + PER_VALUE * values
        self.arm = firmware.cpu != "rv32imc"
        if self.arm and firmware.cpu not in models:
            raise EdgekitError(f"{firmware.cpu} cannot be emulated by unicorn; it only builds")
        if self.arm:
            self.uc = unicorn.Uc(
                unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            )
            self.uc.ctl_set_cpu_model(models[firmware.cpu])
            self.sp, self.ra = arm_const.UC_ARM_REG_SP, arm_const.UC_ARM_REG_LR
            self.a0, self.pc = arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_PC
        else:
            self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            self.sp, self.ra = riscv_const.UC_RISCV_REG_SP, riscv_const.UC_RISCV_REG_RA
            self.a0, self.pc = riscv_const.UC_RISCV_REG_A0, riscv_const.UC_RISCV_REG_PC
        self.uc.mem_map(FLASH, SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.uc.mem_map(RAM, SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.uc.mem_map(
            0xE000_E000, 0x1000
        )  # system control space: start-up code switches the FPU on
        for address, data in self.image.segments:
            self.uc.mem_write(address, data)
        if firmware.cpu in ("cortex-m4", "cortex-m7", "cortex-m33"):
            self.uc.reg_write(arm_const.UC_ARM_REG_FPEXC, 0x4000_0000)
        self.wait = self.symbols["edgekit_wait"].address
        name = firmware.source.name
        self.invoke_at = self.symbols[f"{name}_invoke"].address
        self.top = RAM + SIZE
        if self.arm:
            self.top, start = struct.unpack("<2I", self.uc.mem_read(FLASH, 8))
            start &= ~1
        else:
            start = FLASH
        self._go(start)
        self.arena = self.symbols[f"{name}_arena"].address
        self.inputs = [self.arena + firmware.source.offset(i) for i in self.graph.inputs]
        if firmware.source.slot:
            self.fill_slot(image(firmware.source))

    def _go(self, address: int) -> None:
        """Run from `address` until the program waits (or, called with a return address there, returns)."""
        self.uc.reg_write(self.sp, self.top)
        self.uc.reg_write(self.ra, self.wait | self.arm)
        if self.counting:
            self.counting.begin()
            self._count_on(address)
            return
        at = self._start(address, SECONDS)
        if at != self.wait:
            # a large model, a busy machine or a hang: instructions tell, seconds do not
            with Counting(self):
                self._count_on(at)

    def _count_on(self, address: int) -> None:
        while (address := self._start(address)) != self.wait:
            self.counting.pause(address)

    def _start(self, address: int, seconds: float = 0) -> int:
        """Run until the program waits, or is stopped; where it stands then."""
        try:
            self.uc.emu_start(address | self.arm, self.wait, timeout=int(seconds * 1e6))
        except self.unicorn.UcError as err:
            raise EdgekitError(
                f"the firmware crashed at {self.uc.reg_read(self.pc):#x}: {err}"
            ) from None
        return self.uc.reg_read(self.pc) & ~1

    def fill_slot(self, data: bytes) -> None:
        """The model's image, at the end of the flash, and the program's pointer to it."""
        at = FLASH + SIZE - (1 << 20)
        self.uc.mem_write(at, data)
        pointer = self.symbols.get(f"{self.firmware.source.name}_slot")
        if pointer:  # else the model has no constants, and the linker left it out
            self.uc.mem_write(pointer.address, struct.pack("<I", at))

    def load(self, values) -> None:
        """Write an array for each model input, in its dtype."""
        for address, i, x in zip(self.inputs, self.graph.inputs, values, strict=True):
            t = self.graph.tensors[i]
            if x.dtype != t.dtype or x.size != t.size:
                raise EdgekitError(f"input {t} cannot take {x.dtype}{list(x.shape)}")
            self.uc.mem_write(address, np.ascontiguousarray(x).tobytes())

    def tensor(self, i: int) -> np.ndarray:
        """Tensor i as it now stands in the arena."""
        t = self.graph.tensors[i]
        raw = bytes(self.uc.mem_read(self.arena + self.firmware.source.offset(i), t.nbytes))
        return np.frombuffer(raw, t.dtype).reshape(t.shape)

    def read_outputs(self) -> tuple[np.ndarray, ...]:
        return tuple(self.tensor(i) for i in self.graph.outputs)

    def infer(self, values) -> tuple[np.ndarray, ...]:
        """One inference."""
        self.load(values)
        self._go(self.invoke_at)
        return self.read_outputs()

    def counted(self, run: Callable[[], object]) -> tuple[int, int]:
        """Instructions that `run` takes, exact, and bytes of stack, by painting; start-up is not in it."""
        self.uc.mem_write(self.top - STACK, PAINT * STACK)
        with Counting(self) as counting:
            run()
        return self.instructions(counting.blocks[0]), self.stack_used()

    def instructions(self, blocks: dict) -> int:
        """Instructions in blocks (address, bytes) -> executions."""
        return sum(
            len(instruction_offsets(self.uc.mem_read(*b), self.arm)) * n for b, n in blocks.items()
        )

    def stack_used(self) -> int:
        """Bytes of the painted stack that were written over."""
        return len(bytes(self.uc.mem_read(self.top - STACK, STACK)).lstrip(PAINT))

    def reset(self) -> None:
        """Forget all earlier inferences, where the model remembers any."""
        if self.firmware.source.stateful:
            self._go(self.symbols[f"{self.firmware.source.name}_reset"].address)

    def step_layers(self) -> dict[int, np.ndarray]:
        """One inference layer by layer; what each wrote, by tensor index."""
        seen = {}
        for layer in self.firmware.source.layers:
            self._go(self.symbols[layer.name].address)
            seen |= {i: self.tensor(i) for i in layer.outputs}
        return seen


def as_batches(graph, X) -> list[tuple[np.ndarray, ...]]:
    """`X` as a list of samples, each a tuple with one array for each model input, in that input's shape.

    X: (n, *input shape without its batch), or a list of such arrays where the model has several inputs. Of a
    model with a batch b of its own, b rows in a row are one sample; (n, *input shape) are n of them.
    """
    several = X if isinstance(X, (list, tuple)) and len(graph.inputs) > 1 else [X]
    if len(several) != len(graph.inputs):
        raise EdgekitError(
            f"the model has {len(graph.inputs)} inputs: give a list of as many arrays"
        )
    arrays = []
    for a, i in zip(map(np.asarray, several), graph.inputs, strict=True):
        t = graph.tensors[i]
        a = a[None] if a.ndim == 0 else a
        rows = 1 if a[:1].size == t.size else (t.shape or (1,))[0]
        if a.dtype != t.dtype or len(a) % rows or a[:rows].size != t.size:
            raise EdgekitError(f"input {t} cannot take samples of {a.dtype}{list(a.shape[1:])}")
        arrays.append(a.reshape(-1, *t.shape))
    if len({len(a) for a in arrays}) != 1:
        raise EdgekitError("the model's inputs were given different numbers of samples")
    return list(zip(*arrays, strict=True))


def run(firmware: Firmware, X) -> np.ndarray | list[np.ndarray]:
    """Outputs of the emulated binary for each sample of X (n, …): (n, …), or a list where there are several.

    Nothing is counted, so this goes at some 100–200 million instructions a second on each of the machine's
    cores. A model that keeps a state sees the samples in order, on one of them.
    """
    samples = as_batches(firmware.source.graph, X)
    workers = 1 if firmware.source.stateful else min(os.cpu_count() or 1, 8, len(samples) // 8)
    if workers < 2:
        results = _infer_all(firmware, samples)
    else:  # threads suffice: the emulator runs outside Python's lock
        size = -(-len(samples) // workers)
        parts = [samples[i : i + size] for i in range(0, len(samples), size)]
        with ThreadPoolExecutor(workers) as pool:
            results = [r for part in pool.map(partial(_infer_all, firmware), parts) for r in part]
    stacked = [
        np.concatenate([np.atleast_1d(r[i]) for r in results]) for i in range(len(results[0]))
    ]
    return stacked if len(stacked) > 1 else stacked[0]


def _infer_all(firmware: Firmware, samples) -> list[tuple[np.ndarray, ...]]:
    machine = Machine(firmware)
    return [machine.infer(sample) for sample in samples]


evaluate = run


def profile(firmware: Firmware, x) -> Profile:
    """Count one inference. x: one sample with its batch dimension, (1, …).

    Instructions are exact: each executed block's length in instructions, summed. Stack by painting.
    """
    machine = Machine(firmware)
    source = firmware.source
    samples = as_batches(machine.graph, x)
    if len(samples) != 1:
        raise EdgekitError(f"one sample is counted at a time, not {len(samples)}")
    begins = {machine.symbols[layer.name].address: n for n, layer in enumerate(source.layers)}
    macs = [layer.macs for layer in source.layers]
    machine.uc.mem_write(machine.top - STACK, PAINT * STACK)
    with Counting(machine, begins, len(macs) + 1, macs) as counting:
        output = machine.infer(samples[0])
    stack = machine.stack_used()
    names = [*(layer.name for layer in source.layers), "invoke"]
    layers = tuple(
        LayerCount(name, machine.instructions(blocks), mac, dict(blocks), taken)
        for name, blocks, mac, taken in zip(
            names, counting.blocks, [*macs, 0], counting.taken, strict=True
        )
    )
    total = sum(c.instructions for c in layers)
    where = f"unicorn, {firmware.cpu}, {firmware.compiler} {firmware.flags[0]}"
    return Profile(
        layers,
        emulated(total, "instructions", where),
        emulated(total / max(1, source.macs), "instructions/MAC", where),
        emulated(stack, "B", f"painted stack, {where}"),
        measured(source.plan.size, "B", "memory plan"),
        firmware.flash,
        firmware.ram,
        output,
        firmware.cpu,
    )


def instruction_offsets(code, arm: bool) -> list[int]:
    """Byte offsets of the instructions in a block of Thumb (16/32 bit) or RV32C (16/32 bit) code."""
    offsets, at = [], 0
    while at + 1 < len(code):
        offsets.append(at)
        half = code[at] | code[at + 1] << 8
        wide = half >> 11 in (0b11101, 0b11110, 0b11111) if arm else half & 3 == 3
        at += 4 if wide else 2
    return offsets
