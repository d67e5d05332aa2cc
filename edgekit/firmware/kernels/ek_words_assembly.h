/* The loop of ek_words.h for cores whose compilers run out of registers: Cortex-M3 and -M33 without SMLAD, M0, M0+ and
 * M23, and RV32IM. Weights lie on even addresses, so that an odd one is the second channel's. */
#ifndef EDGEKIT_KERNELS_WORDS_ASSEMBLY_H
#define EDGEKIT_KERNELS_WORDS_ASSEMBLY_H

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_8M_MAIN__)
/* One channel after the other: sums r8-r11, T r6 and r7, columns r4 and r5, weight r12, EK_MIDDLE lr. */
#define EK_TWO_K                   \
  "ldrsb r12, [r0], #2\n"          \
  "ldrd r4, r5, [r1], #8\n"        \
  "mla r6, r12, r4, lr\n"          \
  "mla r7, r12, r5, lr\n"          \
  "ldrsb r12, [r0], #2\n"          \
  "ldrd r4, r5, [r1], #8\n"        \
  "mla r6, r12, r4, r6\n"          \
  "mla r7, r12, r5, r7\n"          \
  "add r8, r8, r6\n"               \
  "add r9, r9, r7\n"               \
  "add r10, r10, r6, asr #16\n"    \
  "add r11, r11, r7, asr #16\n"
__attribute__((naked, noinline, unused)) static void ek_dot_4x2(
    const int8_t *w __attribute__((unused)), const ek_wide *x __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int32_t acc[8] __attribute__((unused))) {
  __asm__ volatile(
      "push {r0, r1, r4-r11, lr}\n"
      "movw lr, #0x7f80\n"
      "movt lr, #0xff80\n"
      "1:\n"
      "sub r12, r2, r0\n"
      "ldr r10, [r3]\n"
      "add r10, r10, r12, lsl #5\n" /* 128 for each of B */
      "mov r11, r10\n"
      "add r8, r10, r10, lsl #16\n"
      "sub r8, r8, r12, lsl #13\n" /* 32,640 + 128 for each of A */
      "mov r9, r8\n"
      "lsls r12, r12, #28\n" /* an odd group of four k goes first */
      "bmi 3f\n"
      "2:\n" EK_TWO_K EK_TWO_K
      "3:\n" EK_TWO_K EK_TWO_K
      "cmp r0, r2\n"
      "bne 2b\n"
      "sub r8, r8, r10, lsl #16\n"
      "sub r9, r9, r11, lsl #16\n"
      "str r8, [r3]\n"
      "str r10, [r3, #8]\n"
      "str r9, [r3, #16]\n"
      "str r11, [r3, #24]\n"
      "lsls r12, r2, #31\n" /* an odd address: the second channel */
      "bne 4f\n"
      "ldrd r0, r1, [sp]\n"
      "adds r0, #1\n"
      "adds r2, #1\n"
      "adds r3, #4\n"
      "b 1b\n"
      "4:\n"
      "add sp, #8\n"
      "pop {r4-r11, pc}\n");
}
#undef EK_TWO_K
#elif defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
/* The same with 16-bit instructions: sums r8-r11, T r3 and r4, columns r5 and r6, weight r2, EK_MIDDLE r7. */
#define EK_TWO_K(first, second)    \
  "ldrb r2, [r0, #" first "]\n"    \
  "sxtb r2, r2\n"                  \
  "ldm r1!, {r3, r4}\n"            \
  "muls r3, r2, r3\n"              \
  "muls r4, r2, r4\n"              \
  "ldrb r2, [r0, #" second "]\n"   \
  "sxtb r2, r2\n"                  \
  "ldm r1!, {r5, r6}\n"            \
  "muls r5, r2, r5\n"              \
  "muls r6, r2, r6\n"              \
  "adds r3, r3, r5\n"              \
  "adds r4, r4, r6\n"              \
  "adds r3, r3, r7\n"              \
  "adds r4, r4, r7\n"              \
  "add r8, r3\n"                   \
  "add r9, r4\n"                   \
  "asrs r3, r3, #16\n"             \
  "asrs r4, r4, #16\n"             \
  "add r10, r3\n"                  \
  "add r11, r4\n"
__attribute__((naked, noinline, unused)) static void ek_dot_4x2(
    const int8_t *w __attribute__((unused)), const ek_wide *x __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int32_t acc[8] __attribute__((unused))) {
  __asm__ volatile(
      ".syntax unified\n"
      "push {r4-r7, lr}\n"
      "mov r4, r8\n"
      "mov r5, r9\n"
      "mov r6, r10\n"
      "mov r7, r11\n"
      "push {r4-r7}\n"
      "push {r0-r3}\n"
      "movs r7, #255\n" /* EK_MIDDLE = -0xff01 * 128 */
      "lsls r7, r7, #8\n"
      "adds r7, #1\n"
      "lsls r7, r7, #7\n"
      "rsbs r7, r7, #0\n"
      "1:\n"
      "mov r12, r2\n"
      "subs r2, r2, r0\n"
      "ldr r4, [r3]\n"
      "lsls r2, r2, #5\n"
      "adds r4, r4, r2\n" /* 128 for each of B */
      "lsls r2, r2, #8\n"
      "lsls r5, r4, #16\n"
      "adds r5, r5, r4\n"
      "subs r5, r5, r2\n" /* 32,640 + 128 for each of A */
      "mov r8, r5\n"
      "mov r9, r5\n"
      "mov r10, r4\n"
      "mov r11, r4\n"
      "2:\n" EK_TWO_K("0", "2") EK_TWO_K("4", "6")
      "adds r0, #8\n"
      "cmp r0, r12\n"
      "bne 2b\n"
      "ldr r3, [sp, #12]\n"
      "mov r2, r8\n"
      "mov r4, r10\n"
      "lsls r5, r4, #16\n"
      "subs r2, r2, r5\n"
      "str r2, [r3]\n"
      "str r4, [r3, #8]\n"
      "mov r2, r9\n"
      "mov r4, r11\n"
      "lsls r5, r4, #16\n"
      "subs r2, r2, r5\n"
      "str r2, [r3, #16]\n"
      "str r4, [r3, #24]\n"
      "lsls r2, r0, #31\n" /* an odd address: the second channel */
      "bne 3f\n"
      "adds r2, r0, #1\n"
      "ldr r0, [sp]\n"
      "ldr r1, [sp, #4]\n"
      "adds r0, #1\n"
      "adds r3, #4\n"
      "str r3, [sp, #12]\n"
      "b 1b\n"
      "3:\n"
      "add sp, #16\n"
      "pop {r4-r7}\n"
      "mov r8, r4\n"
      "mov r9, r5\n"
      "mov r10, r6\n"
      "mov r11, r7\n"
      "pop {r4-r7, pc}\n");
}
#undef EK_TWO_K
#elif defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e)
/* Both channels at once: A + 2^16 B in s0-s3, B in t3-t6, T in a4-a7, weights t0 and t1, columns t2 and s4, a product
 * s5, EK_MIDDLE ra. */
#define EK_SPLIT(t, both, high) \
  "add " t ", " t ", ra\n"     \
  "add " both ", " both ", " t "\n" \
  "srai " t ", " t ", 16\n"     \
  "add " high ", " high ", " t "\n"
#define EK_TWO_K(w0, w1, w2, w3, x0, x1, x2, x3) \
  "lb t0, " w0 "(a0)\n"         \
  "lb t1, " w1 "(a0)\n"         \
  "lw t2, " x0 "(a1)\n"         \
  "lw s4, " x1 "(a1)\n"         \
  "mul a4, t0, t2\n"            \
  "mul a5, t1, t2\n"            \
  "mul a6, t0, s4\n"            \
  "mul a7, t1, s4\n"            \
  "lb t0, " w2 "(a0)\n"         \
  "lb t1, " w3 "(a0)\n"         \
  "lw t2, " x2 "(a1)\n"         \
  "lw s4, " x3 "(a1)\n"         \
  "mul s5, t0, t2\n"            \
  "add a4, a4, s5\n"            \
  "mul s5, t1, t2\n"            \
  "add a5, a5, s5\n"            \
  "mul s5, t0, s4\n"            \
  "add a6, a6, s5\n"            \
  "mul s5, t1, s4\n"            \
  "add a7, a7, s5\n"            \
  EK_SPLIT("a4", "s0", "t3")    \
  EK_SPLIT("a5", "s1", "t4")    \
  EK_SPLIT("a6", "s2", "t5")    \
  EK_SPLIT("a7", "s3", "t6")
__attribute__((naked, noinline, unused)) static void ek_dot_4x2(
    const int8_t *w __attribute__((unused)), const ek_wide *x __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int32_t acc[8] __attribute__((unused))) {
  __asm__ volatile(
      "addi sp, sp, -32\n"
      "sw ra, 28(sp)\n"
      "sw s0, 24(sp)\n"
      "sw s1, 20(sp)\n"
      "sw s2, 16(sp)\n"
      "sw s3, 12(sp)\n"
      "sw s4, 8(sp)\n"
      "sw s5, 4(sp)\n"
      "li ra, -8355968\n" /* EK_MIDDLE */
      "sub t0, a2, a0\n"
      "slli t1, t0, 5\n"
      "slli t0, t0, 13\n"
      "lw t3, 0(a3)\n"
      "lw t4, 4(a3)\n"
      "add t3, t3, t1\n" /* 128 for each of B */
      "add t4, t4, t1\n"
      "slli s0, t3, 16\n"
      "slli s1, t4, 16\n"
      "add s0, s0, t3\n"
      "add s1, s1, t4\n"
      "sub s0, s0, t0\n" /* 32,640 + 128 for each of A */
      "sub s1, s1, t0\n"
      "mv t5, t3\n"
      "mv t6, t4\n"
      "mv s2, s0\n"
      "mv s3, s1\n"
      "1:\n"
      EK_TWO_K("0", "1", "2", "3", "0", "4", "8", "12")
      EK_TWO_K("4", "5", "6", "7", "16", "20", "24", "28")
      "addi a0, a0, 8\n"
      "addi a1, a1, 32\n"
      "bne a0, a2, 1b\n"
      "slli a4, t3, 16\n"
      "slli a5, t4, 16\n"
      "slli a6, t5, 16\n"
      "slli a7, t6, 16\n"
      "sub s0, s0, a4\n"
      "sub s1, s1, a5\n"
      "sub s2, s2, a6\n"
      "sub s3, s3, a7\n"
      "sw s0, 0(a3)\n"
      "sw s1, 4(a3)\n"
      "sw t3, 8(a3)\n"
      "sw t4, 12(a3)\n"
      "sw s2, 16(a3)\n"
      "sw s3, 20(a3)\n"
      "sw t5, 24(a3)\n"
      "sw t6, 28(a3)\n"
      "lw ra, 28(sp)\n"
      "lw s0, 24(sp)\n"
      "lw s1, 20(sp)\n"
      "lw s2, 16(sp)\n"
      "lw s3, 12(sp)\n"
      "lw s4, 8(sp)\n"
      "lw s5, 4(sp)\n"
      "addi sp, sp, 32\n"
      "ret\n");
}
#undef EK_TWO_K
#undef EK_SPLIT
#endif

#endif
