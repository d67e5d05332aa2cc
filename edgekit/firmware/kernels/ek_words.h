/* Dot products on cores without SMLAD: two products in one multiplication. Included by ek_dot.h.
 *
 * A word of `wide` holds two columns, x_a + 2^16 x_b. One multiplication by a weight w gives both products,
 * w x_a + 2^16 w x_b, and two of them may be added before the halves run into each other: a sum A of two
 * products of int8 is -32,512..32,768. With 32,640 added it is within 0..65,535, and B with -128 added within
 * int16, so that for the word T = A + 2^16 B + EK_MIDDLE an arithmetic shift by 16 gives B - 128 exactly,
 * whatever the weights. T itself is summed modulo 2^32: at the end the sum of A is what remains of it when
 * 2^16 times the sum of B is taken off. Four additions for four products, in place of four multiplications.
 */
#ifndef EDGEKIT_KERNELS_WORDS_H
#define EDGEKIT_KERNELS_WORDS_H

#include <stdint.h>

#define EK_MIDDLE 0xff807f80u /* 32,640 - 2^16 * 128 */

/* For each k, in the order of the weights: columns 0 and 1 in a word, 2 and 3 in the next. */
typedef uint32_t ek_wide;

/* Write one int8 column of `depth` values; an even column before the odd one beside it. */
static inline void ek_widen_column(const int8_t *x, ek_wide *wide, int32_t column, int32_t depth) {
  static const uint8_t place[4] = {0, 4, 2, 6};
  wide += column / 2;
  for (const int8_t *const end = x + depth; x < end; x += 4, wide += 8) {
    for (int i = 0; i < 4; i++) {
      ek_wide *const word = wide + place[i];
      *word = column & 1 ? *word + ((uint32_t)x[i] << 16) : (uint32_t)x[i];
    }
  }
}

/* acc[2 * column + channel] += sum over k, for two channels (weights w..end) and the four columns of x. The sums
 * of A + 2^16 B begin where EK_MIDDLE, added for each two of k, leaves nothing behind. */
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
#else
/* Sums of one channel and two columns. */
struct ek_halves {
  uint32_t both, high;
};

static inline struct ek_halves ek_halves_of(int32_t bias, uint32_t bytes) {
  const uint32_t high = (uint32_t)bias + 32 * bytes; /* 128 for each of B, of which there is one for 4 bytes */
  const struct ek_halves h = {high * 65537u - 8192 * bytes, high}; /* 32,640 + 128 for each of A */
  return h;
}

static inline void ek_add_two(struct ek_halves *h, int32_t w, uint32_t x, int32_t u, uint32_t y) {
  const uint32_t t = (uint32_t)w * x + (uint32_t)u * y + EK_MIDDLE;
  h->both += t;
  h->high += (uint32_t)((int32_t)t >> 16);
}

static inline void ek_dot_4x2(const int8_t *w, const ek_wide *x, const int8_t *end, int32_t acc[8]) {
  struct ek_halves a = ek_halves_of(acc[0], (uint32_t)(end - w)), b = ek_halves_of(acc[1], (uint32_t)(end - w));
  struct ek_halves c = a, d = b; /* columns 2 and 3 */
  for (; w < end; w += 4, x += 4) {
    ek_add_two(&a, w[0], x[0], w[2], x[2]);
    ek_add_two(&b, w[1], x[0], w[3], x[2]);
    ek_add_two(&c, w[0], x[1], w[2], x[3]);
    ek_add_two(&d, w[1], x[1], w[3], x[3]);
  }
  acc[0] = (int32_t)(a.both - (a.high << 16)), acc[2] = (int32_t)a.high;
  acc[1] = (int32_t)(b.both - (b.high << 16)), acc[3] = (int32_t)b.high;
  acc[4] = (int32_t)(c.both - (c.high << 16)), acc[6] = (int32_t)c.high;
  acc[5] = (int32_t)(d.both - (d.high << 16)), acc[7] = (int32_t)d.high;
}
#endif

/* One int8 column of `length` values against two channels. */
static inline void ek_dot_1x2(const int8_t *w, const int8_t *x, int32_t length, int32_t acc[2]) {
  static const uint8_t place[4] = {0, 4, 2, 6};
  int32_t a = acc[0], b = acc[1];
  for (const int8_t *const end = x + (length & ~3); x != end; x += 4, w += 8) {
    a += w[0] * x[0], b += w[1] * x[0];
    a += w[2] * x[2], b += w[3] * x[2];
    a += w[4] * x[1], b += w[5] * x[1];
    a += w[6] * x[3], b += w[7] * x[3];
  }
  for (int32_t i = 0; i < (length & 3); i++) {
    a += w[place[i]] * x[i];
    b += w[place[i] + 1] * x[i];
  }
  acc[0] = a, acc[1] = b;
}

enum { EK_AT_ONCE = 2 };

#endif
