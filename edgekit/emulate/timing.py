"""Cycles of Thumb code by the published instruction timings; what a board adds to them is `cost`'s.

Cortex-M4: Technical Reference Manual r0p1, tables 3-1 and 7-1; M0+ and M33 are counted by it too, since Arm
publishes none for the M33 and the M0+ differs only in branches. Arm publishes none for the M7 either: it
issues two instructions at a time and predicts branches, so there a load's second cycle counts only where the
next instruction reads what was loaded, and branches cost nothing. Capstone says what each instruction is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from edgekit.core.extras import missing


@dataclass(frozen=True)
class Timing:
    """Cycles by kind of instruction; what is not named here costs 1.

    `multiple` and each of its `register`s: LDM, STM, PUSH, POP, and words of VLDM and the like. `used`: on
    top of a load whose result the next instruction reads. `taken`: for each branch that leaves the line.
    """

    name: str = "the Cortex-M4's published timing"
    load: int = 2
    used: int = 0
    store: int = 2
    dual: int = 3  # LDRD, STRD, VLDR and VSTR of 64 bits
    multiple: int = 1
    register: int = 1
    divide: int = 7  # SDIV, UDIV take 2 to 12
    root: int = 14  # VDIV, VSQRT
    fused: int = 3  # VMLA, VFMA and their kind
    pair: int = 2  # VMOV of two core registers
    table: int = 2  # TBB, TBH
    branch: int = 1
    taken: int = 2


M4 = Timing()
M7 = Timing("Cortex-M7 timing", load=1, used=1, branch=0, taken=0)

# kinds by the names of capstone's instructions, without condition and size
KINDS = {
    "load": "LDR LDRB LDRH LDRSB LDRSH LDRT LDRBT LDRHT LDRSBT LDRSHT LDREX LDREXB LDREXH LDA LDAB LDAH "
    "LDAEX LDAEXB LDAEXH VLDR",
    "store": "STR STRB STRH STRT STRBT STRHT STREX STREXB STREXH STL STLB STLH STLEX STLEXB STLEXH VSTR",
    "dual": "LDRD STRD",
    "multiple": "LDM LDMDB STM STMDB PUSH POP VLDMIA VLDMDB VSTMIA VSTMDB VPUSH VPOP",
    "divide": "SDIV UDIV",
    "root": "VDIV VSQRT",
    "fused": "VMLA VMLS VNMLA VNMLS VFMA VFMS VFNMA VFNMS",
    "table": "TBB TBH",
    "branch": "B BL BX BLX CBZ CBNZ BXJ",
}
ACCUMULATES = ("smlal", "smlsld", "umlal", "umaal")  # read what they write


def block_cycles(code: bytes, timing: Timing = M4) -> int:
    """Cycles of a straight run of Thumb code, if no branch in it is taken.

    What cannot be decoded (vector and security extensions) counts 1 an instruction.
    """
    total, before = 0, None
    for instruction in _instructions(bytes(code)):
        if before is not None and timing.used and _reads(instruction, before):
            total += timing.used
        kind = _kind(instruction)
        total += _cycles(instruction, kind, timing)
        before = instruction.operands[0].reg if kind == "load" else None
    return total


@cache
def _decoder():
    try:
        import capstone
        from capstone import arm
    except ImportError:
        raise missing("the cost of an instruction needs", "capstone") from None
    mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, mode)
    decoder.detail = True
    names = ((kind, name) for kind, words in KINDS.items() for name in words.split())
    kinds = {getattr(arm, f"ARM_INS_{name}"): kind for kind, name in names}
    return decoder, kinds, arm


def _instructions(code: bytes):
    """Decoded instructions of `code`; None for one that is not known."""
    decoder, at = _decoder()[0], 0
    while at + 1 < len(code):
        for instruction in decoder.disasm(code[at:], at):
            yield instruction
            at = instruction.address + instruction.size
        if at + 1 < len(code):
            yield None
            at += 4 if code[at + 1] >> 3 in (0b11101, 0b11110, 0b11111) else 2


def _kind(instruction) -> str:
    return _decoder()[1].get(instruction.id, "") if instruction else ""


def _cycles(instruction, kind: str, timing: Timing) -> int:
    if kind == "multiple":
        return timing.multiple + timing.register * sum(_words(o) for o in _list(instruction))
    if kind in ("load", "store") and _words(instruction.operands[0]) == 2:
        return timing.dual
    if not kind and instruction and _moves_a_pair(instruction):
        return timing.pair
    return getattr(timing, kind) if kind else 1


def _list(instruction):
    """The registers that a multiple transfers: all operands but the base of LDM, STM and the like."""
    name = instruction.mnemonic
    return instruction.operands[0 if name.lstrip("v").startswith(("push", "pop")) else 1 :]


def _words(operand) -> int:
    arm = _decoder()[2]
    return 2 if arm.ARM_REG_D0 <= operand.reg <= arm.ARM_REG_D31 else 1


def _moves_a_pair(instruction) -> bool:
    arm = _decoder()[2]
    registers = [o for o in instruction.operands if o.type == arm.ARM_OP_REG]
    return instruction.id == arm.ARM_INS_VMOV and len(registers) > 2


def _reads(instruction, register: int) -> bool:
    """Whether it needs `register`; its own `regs_access` misses shifted registers and accumulators."""
    arm = _decoder()[2]
    for o in instruction.operands if instruction else ():
        if o.type == arm.ARM_OP_MEM and register in (o.mem.base, o.mem.index):
            return True
        written = o.access == 2 and not instruction.mnemonic.startswith(ACCUMULATES)
        if o.type == arm.ARM_OP_REG and o.reg == register and not written:
            return True
    return False
