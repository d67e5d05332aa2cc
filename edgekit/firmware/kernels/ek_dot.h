/* Dot products of int8 weights with activations, two output channels at a time.
 *
 * Weights are reordered at export. For each pair of channels (A, B) and each group of four k:
 *   A0 B0 A2 B2  A1 B1 A3 B3
 * so that one SXTB16 of a word gives channel A's operand of an SMLAD and one of the rotated word gives
 * channel B's: (A0, A2), (B0, B2), then (A1, A3), (B1, B3). SXTB16 splits four activations into
 * (x0, x2), (x1, x3) the same way, so nothing has to be packed at run time.
 * `depth` is the length of the dot product rounded up to a multiple of four; the weights beyond the
 * true length are zero. The input's zero point is folded into the bias.
 */
#ifndef EDGEKIT_KERNELS_DOT_H
#define EDGEKIT_KERNELS_DOT_H

#include "ek_mve.h"
#include "ek_requantize.h"

static inline uint32_t ek_load32(const void *p) {
  uint32_t v;
  __builtin_memcpy(&v, p, 4);
  return v;
}

static inline uint32_t ek_rotate8(uint32_t v) { return v >> 8 | v << 24; }

static inline void ek_store32(void *p, uint32_t v) { __builtin_memcpy(p, &v, 4); }

#if defined(__ARM_FEATURE_DSP)
/* Bytes 0 and 2 of four int8, as two int16 */
static inline uint32_t ek_widen_even(uint32_t v) { return (uint32_t)__sxtb16((int32_t)v); }
#endif

enum { EK_COLUMNS = 4 }; /* of activations, multiplied together */

#if !defined(__ARM_FEATURE_DSP)
#include "ek_words.h"
#else
typedef int16_t ek_wide; /* for each pair of k, one (x_a, x_b) for each column */

/* Write one int8 column of `depth` values as every fourth pair of `wide` (2 * EK_COLUMNS bytes a k). */
static inline void ek_widen_column(const int8_t *x, ek_wide *wide, int32_t column, int32_t depth) {
  wide += 2 * column;
  for (const int8_t *const end = x + depth; x < end; x += 4, wide += 4 * EK_COLUMNS) {
    const uint32_t v = ek_load32(x);
    ek_store32(wide, ek_widen_even(v));
    ek_store32(wide + 2 * EK_COLUMNS, ek_widen_even(ek_rotate8(v)));
  }
}

/* acc[2 * column + channel] += sum over k, for two channels (weights w..end) and the four columns of x. */
/* The loop holds eight sums (r4-r11), two columns (r2, r3), two weights (r12, lr) and both pointers: all
 * fourteen registers, which no compiler manages from C. 26 instructions for four k, that is 32 products. */
#define EK_TWO_K                       \
  "ldr lr, [r0], #4\n"              \
  "ldrd r2, r3, [r1], #8\n"         \
  "sxtb16 r12, lr\n"                \
  "sxtb16 lr, lr, ror #8\n"         \
  "smlad r4, r12, r2, r4\n"         \
  "smlad r5, lr, r2, r5\n"          \
  "smlad r6, r12, r3, r6\n"         \
  "smlad r7, lr, r3, r7\n"          \
  "ldrd r2, r3, [r1], #8\n"         \
  "smlad r8, r12, r2, r8\n"         \
  "smlad r9, lr, r2, r9\n"          \
  "smlad r10, r12, r3, r10\n"       \
  "smlad r11, lr, r3, r11\n"
__attribute__((naked, noinline, unused)) static void ek_dot_4x2(
    const int8_t *w __attribute__((unused)), const int16_t *x __attribute__((unused)),
    const int8_t *end __attribute__((unused)), int32_t acc[8] __attribute__((unused))) {
  __asm__ volatile(
      "push {r2-r11, lr}\n"
      "ldm r3, {r4-r11}\n"
      "sub lr, r2, r0\n"
      "lsls lr, lr, #28\n" /* an odd group of four k goes first */
      "bmi 2f\n"
      "1:\n" EK_TWO_K EK_TWO_K
      "2:\n" EK_TWO_K EK_TWO_K
      "ldr lr, [sp]\n"
      "cmp r0, lr\n"
      "bne 1b\n"
      "ldr r3, [sp, #4]\n"
      "stm r3, {r4-r11}\n"
      "pop {r2-r11, pc}\n");
}
#undef EK_TWO_K

/* Four activations, the first of which is at x; beyond `length` they are zero and not read. */
static inline uint32_t ek_load_tail(const int8_t *x, int32_t length) {
  uint32_t v = 0;
  for (int32_t i = 0; i < length; i++) v |= (uint32_t)(uint8_t)x[i] << (8 * i);
  return v;
}

/* Two activations (x_a, x_b) against two channels; the weights' pointer moves on by four bytes. In assembly
 * because the compiler would hoist the loads and run out of registers. */
static inline __attribute__((always_inline)) void ek_step_1x2(uint32_t x, const int8_t** w, int32_t *a,
                                                              int32_t *b) {
  uint32_t even, odd;
  __asm__ volatile(
      "ldr %[odd], [%[w]], #4\n"
      "sxtb16 %[even], %[odd]\n"
      "sxtb16 %[odd], %[odd], ror #8\n"
      "smlad %[a], %[even], %[x], %[a]\n"
      "smlad %[b], %[odd], %[x], %[b]\n"
      : [a] "+r"(*a), [b] "+r"(*b), [w] "+r"(*w), [even] "=&r"(even), [odd] "=&r"(odd)
      : [x] "r"(x)
      : "memory");
}

/* Four activations against four channels: w and u are the weights of two pairs. */
static inline __attribute__((always_inline)) void ek_step_1x4(uint32_t x, const int8_t** w, const int8_t** u,
                                                              int32_t acc[4]) {
  const uint32_t even = ek_widen_even(x), odd = ek_widen_even(ek_rotate8(x));
  ek_step_1x2(even, w, &acc[0], &acc[1]);
  ek_step_1x2(even, u, &acc[2], &acc[3]);
  ek_step_1x2(odd, w, &acc[0], &acc[1]);
  ek_step_1x2(odd, u, &acc[2], &acc[3]);
}

/* One int8 column of `length` values against four channels; w and u as above, depth / 4 groups each. */
static inline void ek_dot_1x4(const int8_t *w, const int8_t *u, const int8_t *x, int32_t length,
                              int32_t acc[4]) {
  int32_t sum[4] = {acc[0], acc[1], acc[2], acc[3]};
  for (const int8_t *const end = x + (length & ~3); x != end; x += 4) {
    ek_step_1x4(ek_load32(x), &w, &u, sum);
  }
  if (length & 3) ek_step_1x4(ek_load_tail(x, length & 3), &w, &u, sum);
  acc[0] = sum[0], acc[1] = sum[1], acc[2] = sum[2], acc[3] = sum[3];
}

/* The same against two channels. */
static inline void ek_dot_1x2(const int8_t *w, const int8_t *x, int32_t length, int32_t acc[2]) {
  int32_t a = acc[0], b = acc[1];
  for (; length > 0; x += 4, length -= 4) {
    const uint32_t v = length >= 4 ? ek_load32(x) : ek_load_tail(x, length);
    ek_step_1x2(ek_widen_even(v), &w, &a, &b);
    ek_step_1x2(ek_widen_even(ek_rotate8(v)), &w, &a, &b);
  }
  acc[0] = a, acc[1] = b;
}

/* Channels at once; EK_ANY_FOUR is a constant of the model: 0 where no layer has more than two. Where one
 * has, the last one or two channels of each layer are taken twice over, for code for both would be larger. */
enum { EK_AT_ONCE = EK_ANY_FOUR ? 4 : 2 };
#endif

/* All output channels for one int8 column of `length` values: a fully connected layer, and the odd
 * pixels at the end of a convolution. weights: [channels/2][depth/4][8] */
EK_APART void ek_all_channels(const int8_t *weights, const struct ek_requant *q, enum ek_rounding how,
                              const int8_t *x, int32_t length, int32_t channels, int8_t *out) {
#if defined(__ARM_FEATURE_MVE)
  if (!EK_ANY_ONCE || how != EK_ONCE) {
    ek_vector_channels(weights, q, x, length, channels, out);
    return;
  }
#endif
  const int32_t depth = (length + 3) & ~3;
  int32_t c = 0;
  while (c < channels) {
    const int32_t n = channels - c < EK_AT_ONCE ? channels - c : EK_AT_ONCE;
    int32_t acc[4] = {0};
    for (int32_t i = 0; i < n; i++) acc[i] = ek_channel_bias(q, c + i);
#if defined(__ARM_FEATURE_DSP)
    if (EK_AT_ONCE == 4)
      ek_dot_1x4(weights, n > 2 ? weights + 2 * depth : weights, x, length, acc);
    else
#endif
      ek_dot_1x2(weights, x, length, acc);
    for (int32_t i = 0; i < n; i++) {
      const struct ek_rescaler r = ek_channel_rescaler(q, c + i);
      *out++ = (int8_t)ek_requantize(how, q, &r, acc[i]);
    }
    c += n;
    weights += (n + 1) / 2 * 2 * depth;
  }
}

#endif
