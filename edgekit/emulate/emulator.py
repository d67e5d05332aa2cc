"""An emulated core with a program in its flash: calls, memory, exact counts, painted stack."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.emulate.cores import Core
from edgekit.emulate.count import Counting

if TYPE_CHECKING:
    from edgekit.emulate.elf import Elf

FLASH, RAM, SIZE = 0x0800_0000, 0x2000_0000, 16 << 20  # as in link.ld
SYSTEM = 0xE000_E000  # control space: start-up code switches the FPU on
STACK = 64 << 10
PAINT = b"\xa5"
SECONDS = 10.0  # a run that takes longer goes on with its instructions counted
INSTRUCTIONS = 10**9  # and has hung after so many


class Emulator:
    """A core that has run from its reset to `edgekit_wait`, where it stands still until it is called.

    allowance: instructions of one call, beside INSTRUCTIONS, beyond which it has hung. Raises EdgekitError
    for a core without an emulator, or where the program crashes or hangs on its way.
    """

    def __init__(self, image: Elf, core: Core, allowance: int = 0):
        try:
            import unicorn
            from unicorn import arm_const as arm
            from unicorn import riscv_const as riscv
        except ImportError:
            raise missing("emulating needs", "unicorn") from None
        if not core.emulated:
            raise EdgekitError(f"{core.name} cannot be emulated by unicorn; it only builds")
        self.unicorn, self.core, self.image, self.symbols = unicorn, core, image, image.symbols
        self.flash, self.limit = FLASH, INSTRUCTIONS + allowance
        self.counting: Counting | None = None
        model = vars(arm if core.thumb else riscv).get(f"UC_CPU_{core.model}")
        if model is None:
            raise EdgekitError(f"unicorn knows no core {core.model!r}, which {core.name} names")
        if core.thumb:
            mode = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, mode)
            self.sp, self.ra = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR
            self.a0, self.pc = arm.UC_ARM_REG_R0, arm.UC_ARM_REG_PC
        else:
            self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            self.sp, self.ra = riscv.UC_RISCV_REG_SP, riscv.UC_RISCV_REG_RA
            self.a0, self.pc = riscv.UC_RISCV_REG_A0, riscv.UC_RISCV_REG_PC
        self.uc.ctl_set_cpu_model(model)
        self.uc.mem_map(FLASH, SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.uc.mem_map(RAM, SIZE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.uc.mem_map(SYSTEM, 0x1000)
        for address, data in image.segments:
            self.uc.mem_write(address, data)
        if core.thumb and core.fpu:
            self.uc.reg_write(arm.UC_ARM_REG_FPEXC, 0x4000_0000)
        self.wait = self.symbols["edgekit_wait"].address
        self.top, start = RAM + SIZE, FLASH
        if core.thumb:
            self.top, start = struct.unpack("<2I", self.uc.mem_read(FLASH, 8))
        self.run_from(start & ~1)

    def call(self, function: str, *arguments: int) -> int:
        """Call a function of the program with up to four words; its answer, an int32."""
        for register, value in enumerate(arguments):  # a0 and those after it
            self.uc.reg_write(self.a0 + register, value & 0xFFFF_FFFF)
        self.run_from(self.symbols[function].address)
        value = int(self.uc.reg_read(self.a0))
        return value - (1 << 32) if value >> 31 else value

    def run_from(self, address: int) -> None:
        """Run from `address` until the program waits (or, called with a return address there, returns)."""
        self.uc.reg_write(self.sp, self.top)
        self.uc.reg_write(self.ra, self.wait | self.core.thumb)
        if self.counting:
            self.counting.begin()
            self._count_on(address, self.counting)
            return
        at = self._start(address, SECONDS)
        if at != self.wait:
            # a large model, a busy machine or a hang: instructions tell, seconds do not
            with Counting(self) as counting:
                self._count_on(at, counting)

    def _count_on(self, address: int, counting: Counting) -> None:
        while (address := self._start(address)) != self.wait:
            counting.pause(address)

    def _start(self, address: int, seconds: float = 0) -> int:
        """Run until the program waits, or is stopped; where it stands then."""
        try:
            begin = address | self.core.thumb
            self.uc.emu_start(begin, self.wait, timeout=int(seconds * 1e6))
        except self.unicorn.UcError as err:
            at = self.uc.reg_read(self.pc)
            raise EdgekitError(f"the firmware crashed at {at:#x}: {err}") from None
        return self.uc.reg_read(self.pc) & ~1

    def size(self, symbol: str) -> int:
        """Bytes of a variable."""
        return self.symbols[symbol].size

    def code_size(self, frame: tuple[str, ...], prefixes: tuple[str, ...]) -> int:
        """Bytes of what lies in flash, without what only calls it: `frame`, by name, and what begins with one
        of `prefixes`."""
        return sum(
            s.size
            for s in self.symbols.values()
            if s.address < RAM and s.name not in frame and not s.name.startswith(prefixes)
        )

    def read(self, symbol: str, size: int | None = None) -> bytes:
        """A variable's bytes, all or the first `size`."""
        found = self.symbols[symbol]
        return self.read_at(found.address, found.size if size is None else size)

    def read_at(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def write(self, symbol: str, data: bytes) -> None:
        """Overwrite a variable from its first byte on."""
        self.uc.mem_write(self.symbols[symbol].address, bytes(data))

    def counted(self, run: Callable[[], object]) -> tuple[int, int]:
        """Instructions that `run` takes, exact, and bytes of stack, by painting; start-up is not in it."""
        self.paint_stack()
        with Counting(self) as counting:
            run()
        return self.instructions(counting.blocks[0]), self.stack_used()

    def instructions(self, blocks: dict) -> int:
        """Instructions in blocks (address, bytes) -> executions."""
        return sum(
            len(instruction_offsets(self.uc.mem_read(*b), self.core.thumb)) * n
            for b, n in blocks.items()
        )

    def paint_stack(self) -> None:
        """Fill the stack with a pattern: what is then written over was used."""
        self.uc.mem_write(self.top - STACK, PAINT * STACK)

    def stack_used(self) -> int:
        """Bytes of the painted stack that were written over."""
        return len(self.read_at(self.top - STACK, STACK).lstrip(PAINT))


def instruction_offsets(code: bytes | bytearray, thumb: bool) -> list[int]:
    """Byte offsets of the instructions in a block of Thumb (16/32 bit) or RV32C (16/32 bit) code."""
    offsets, at = [], 0
    while at + 1 < len(code):
        offsets.append(at)
        half = code[at] | code[at + 1] << 8
        wide = half >> 11 in (0b11101, 0b11110, 0b11111) if thumb else half & 3 == 3
        at += 4 if wide else 2
    return offsets
