"""Instruction costs: every form, assembled by the compiler, against the tables that Arm prints.

Cortex-M4 Technical Reference Manual r0p1, tables 3-1 and 7-1, without what P adds for a taken branch; a
division takes 2 to 12 and counts as 7.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.emulate import elf
from edgekit.emulate.cores import core, timing_of
from edgekit.emulate.timing import M4, M7, block_cycles
from edgekit.emulate.toolchain import link_program

LINK = "SECTIONS { . = 0x8000000; .text : { *(.text*) } /DISCARD/ : { *(.ARM*) } }"
M4_FORMS = {
    1: """
        adc r0, r0, r1 | adc.w r8, r9, r1 | add r0, r1, r2 | add sp, #8 | add.w r0, r1, r2, lsl #3
        adr r0, near | and r0, r0, r1 | asr r0, r1, #3 | bfc r0, #1, #2 | bfi r0, r1, #1, #2
        bic r0, r0, r1 | clz r0, r1 | cmn r0, r1 | cmp r0, #3 | cmp r8, r9 | eor r0, r0, r1 | it eq
        lsl r0, r0, r1 | lsr r0, r1, #2 | mov r0, #3 | mov r8, r1 | movw r0, #1234 | movt r0, #1234
        mul r0, r1, r2 | muls r0, r1, r0 | mla r0, r1, r2, r3 | mls r0, r1, r2, r3 | mvn r0, r1
        nop | orr r0, r0, r1 | orn r0, r1, r2 | pkhbt r0, r1, r2, lsl #16 | qadd r0, r1, r2
        qadd16 r0, r1, r2 | rbit r0, r1 | rev r0, r1 | ror r0, r0, r1 | rsb r0, r1, #0
        sbc r0, r0, r1 | sbfx r0, r1, #1, #3 | sel r0, r1, r2 | smlabb r0, r1, r2, r3
        smlad r0, r1, r2, r3 | smlal r0, r1, r2, r3 | smlald r0, r1, r2, r3 | smmla r0, r1, r2, r3
        smmul r0, r1, r2 | smuad r0, r1, r2 | smull r0, r1, r2, r3 | ssat r0, #8, r1
        ssat16 r0, #8, r1 | sub r0, r1, r2 | sxtb r0, r1 | sxtab16 r0, r1, r2, ror #8
        sxtb16 r0, r1, ror #8 | teq r0, r1 | tst r0, r1 | ubfx r0, r1, #1, #3 | umlal r0, r1, r2, r3
        umaal r0, r1, r2, r3 | umull r0, r1, r2, r3 | usad8 r0, r1, r2 | usat r0, #8, r1
        uxtb r0, r1 | uxth r8, r9 | b near | b.w near | bl near | bx lr | blx r0 | beq near
        bne.w near | cbz r0, after | cbnz r0, after | vabs.f32 s0, s1 | vadd.f32 s0, s1, s2
        vcmp.f32 s0, s1 | vcvt.s32.f32 s0, s1 | vcvt.f32.s32 s0, s1 | vmov.f32 s0, s1
        vmov.f32 s0, #1.0 | vmov s0, r1 | vmov r1, s0 | vmrs apsr_nzcv, fpscr | vmul.f32 s0, s1, s2
        vneg.f32 s0, s1 | vnmul.f32 s0, s1, s2 | vsub.f32 s0, s1, s2
    """,
    2: """
        ldr r0, literal | ldr r3, literal | ldr r4, literal | ldr r7, literal | ldr.w r0, literal
        ldr.w r8, literal | ldr r0, [r1] | ldr r0, [r1, r2] | ldr r0, [sp, #8]
        ldr.w r0, [r1, #400] | ldr r0, [r1, r2, lsl #2] | ldr r0, [r1], #4 | ldr r0, [r1, #4]!
        ldr r0, [r1, #-4] | ldrb r0, [r1] | ldrb r0, [r1, r2] | ldrb.w r0, [r1, #400]
        ldrh r0, [r1] | ldrh r0, [r1, r2] | ldrsb r0, [r1, r2] | ldrsb r0, [r1], #1
        ldrsh r0, [r1, r2] | ldrsh.w r8, [r1, #2] | ldrt r0, [r1] | ldrex r0, [r1] | ldrexb r0, [r1]
        str r0, [r1] | str r0, [r1, r2] | str r0, [sp, #8] | str.w r8, [r1, #400] | str r0, [r1], #4
        strb r0, [r1] | strb.w r0, [r1, #-1] | strh r0, [r1] | strh r0, [r1, r2]
        strex r2, r0, [r1] | tbb [pc, r0] | tbh [pc, r0, lsl #1] | pop {r0} | push {r0} | pop.w {r8}
        push.w {r8} | ldm r0, {r1} | vldr s0, [r0] | vldr s31, [r0, #4] | vstr s0, [r0]
        vldr s0, literal | vpush {s0} | vpop {s0} | vmov r0, r1, d0 | vmov d0, r0, r1
        vmov s0, s1, r0, r1 | vmov r0, r1, s0, s1
    """,
    3: """
        ldrd r0, r1, [r2] | ldrd r0, r1, [r2], #8 | ldrd r0, r1, [r2, #8]! | strd r0, r1, [r2]
        strd r0, r1, [r2, #-8]! | push {r0, r1} | pop {r0, r1} | ldm r0!, {r1, r2}
        stm r0!, {r1, r2} | ldmdb r0, {r1, r2} | stmdb r0!, {r1, r2} | push.w {r0, r8}
        pop.w {r0, r8} | pop {r0, pc} | vldr d0, [r0] | vstr d0, [r0] | vpush {s0, s1}
        vpop {s0, s1} | vpush {d8} | vpop {d8} | vldmia r0, {s0, s1} | vstmia r0!, {s0, s1}
        vldmdb r0!, {d0} | vmla.f32 s0, s1, s2 | vmls.f32 s0, s1, s2 | vfma.f32 s0, s1, s2
        vfms.f32 s0, s1, s2 | vnmla.f32 s0, s1, s2 | vnmls.f32 s0, s1, s2 | vfnma.f32 s0, s1, s2
        vfnms.f32 s0, s1, s2
    """,
    5: "vpush {d8, d9} | vpop {d8, d9} | vstmia r0!, {d0, d1} | ldm r0, {r1-r4} | ldm.w r8, {r1-r4}",
    6: "push {r4-r7, lr} | pop {r4-r7, pc} | vpush {s16-s20}",
    7: "sdiv r0, r1, r2 | udiv r0, r1, r2 | push.w {r4-r8, lr}",
    10: "push.w {r4-r11, lr} | pop.w {r4-r11, pc}",
    14: "vdiv.f32 s0, s1, s2 | vsqrt.f32 s0, s1",
    17: "vpush {d8-d15} | vpop {d8-d15}",
}
# Cortex-M0+ Technical Reference Manual r0p1, table 3-1, with the multiplier of one cycle
M0_FORMS = {
    1: """
        movs r0, #3 | mov r8, r1 | adds r0, r1, r2 | adcs r0, r1 | add sp, #8 | adr r0, literal
        subs r0, r1, r2 | sbcs r0, r1 | rsbs r0, r1, #0 | muls r0, r1, r0 | cmp r0, r1 | cmn r0, r1
        ands r0, r1 | eors r0, r1 | orrs r0, r1 | bics r0, r1 | mvns r0, r1 | tst r0, r1
        lsls r0, r1, #2 | lsrs r0, r1 | asrs r0, r1, #2 | rors r0, r1 | sxtb r0, r1 | uxth r0, r1
        rev r0, r1 | nop | beq after
    """,
    2: """
        ldr r0, [r1, #4] | ldrh r0, [r1, #2] | ldrb r0, [r1, #1] | ldr r0, [r1, r2]
        ldrsh r0, [r1, r2] | ldrsb r0, [r1, r2] | ldr r0, literal | ldr r7, literal
        ldr r0, [sp, #4] | str r0, [r1, #4] | strh r0, [r1, #2] | strb r0, [r1, r2]
        str r0, [sp, #4] | push {r0} | pop {r0}
    """,
    4: "ldm r0!, {r1-r3} | stm r0!, {r1-r3} | push {r4-r6} | pop {r4-r6}",
}


FORMS = {"cortex-m4": M4_FORMS, "cortex-m0plus": M0_FORMS}


@cache
def manual(cpu: str) -> dict[str, tuple[bytes, int]]:
    return assembled(FORMS[cpu], cpu)


def assembled(forms: dict[int, str], cpu: str) -> dict[str, tuple[bytes, int]]:
    """Form -> its bytes and the cycles it is listed under."""
    listed = [(f.strip(), n) for n, s in forms.items() for f in s.replace("\n", "|").split("|")]
    listed = [(form, n) for form, n in listed if form]
    lines = [".syntax unified", ".thumb", ".globl _start", "_start: near: nop"]
    for i, (form, _) in enumerate(listed):
        jump = ["nop", f"after{i}: nop"] if "after" in form else []
        text = form.replace("after", f"after{i}").replace("literal", f"literal{i}")
        lines += [f".globl f{i}, e{i}", f"f{i}: {text}", f"e{i}:", *jump]
        if form == "it eq":
            lines += ["moveq r0, r1"]
        if "literal" in form:
            lines += [f"b past{i}", ".p2align 2", f"literal{i}: .word 0", f"past{i}:"]
    text = "".join(f'"{line}\\n"\n' for line in lines)
    files = {"forms.c": f"__asm__({text});", "link.ld": LINK}
    image = elf.parse(link_program(files, core(cpu), "zig", ("-nostdlib",)))
    ((base, code),) = image.segments
    place = {name: s.address & ~1 for name, s in image.symbols.items()}
    return {
        form: (code[place[f"f{i}"] - base : place[f"e{i}"] - base], n)
        for i, (form, n) in enumerate(listed)
    }


@pytest.mark.parametrize("cpu", FORMS)
def test_every_form_costs_what_the_manual_says(cpu):
    wrong = {
        form: (code.hex(), block_cycles(code, timing_of(cpu)), expected)
        for form, (code, expected) in manual(cpu).items()
        if block_cycles(code, timing_of(cpu)) != expected
    }
    assert not wrong


@given(st.data())
def test_a_block_costs_the_sum_of_its_instructions(data):
    forms = sorted(manual("cortex-m4").values())
    chosen = data.draw(st.lists(st.sampled_from(forms), max_size=20))
    assert block_cycles(b"".join(code for code, _ in chosen)) == sum(n for _, n in chosen)


@pytest.mark.parametrize(
    ("block", "cycles"),
    [
        ("ldr r0, [r1] | add r2, r3", 2),  # the second cycle of the load is hidden
        ("ldr r0, [r1] | add r2, r0", 3),
        ("ldr r0, [r1] | smlad r2, r3, r4, r0", 3),
        ("ldr r0, [r1] | smlal r0, r2, r3, r4", 3),  # an accumulator is read too
        ("ldr r0, [r1] | add.w r2, r3, r0, lsl #2", 3),
        ("ldr r0, [r1] | str r2, [r3, r0]", 4),
        ("ldr r0, [r1] | mov r0, r2", 2),  # written, not read
        ("vldr s0, [r1] | vadd.f32 s1, s2, s0", 3),
        ("ldr r0, [r1] | bx lr", 1),  # a predicted branch costs nothing
        ("ldrd r0, r1, [r2] | push {r4-r7}", 8),
    ],
)
def test_a_cortex_m7_waits_only_for_what_it_reads(block, cycles):
    code = b"".join(c for c, _ in assembled({0: block}, "cortex-m7").values())
    assert block_cycles(code, M7) == cycles
    assert block_cycles(code, M4) >= cycles


def test_what_cannot_be_decoded_counts_one_and_is_stepped_over():
    vector = bytes.fromhex("48ef4001")  # vadd.i32 q0, q4, q0 of a Cortex-M55
    assert block_cycles(vector + bytes.fromhex("0868")) == 1 + 2


def test_a_core_without_a_timing_is_refused():
    with pytest.raises(EdgekitError, match="rv32imc"):
        timing_of("rv32imc")
