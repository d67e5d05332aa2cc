/* SOFTMAX over the last dimension, int8 in, int8 or int16 out (scale 1/256 or 1/65536,
 * lowest value for 0).
 * Fixed point as TFLM's reference_ops::Softmax: exponentials with 0 integer bits from a table computed at
 * export, their sum with 12, its reciprocal by three Newton-Raphson steps. For int8, in may be out. */
#ifndef EDGEKIT_KERNELS_SOFTMAX_H
#define EDGEKIT_KERNELS_SOFTMAX_H

#include "ek_requantize.h"

struct ek_softmax_s8 {
  int32_t rows, depth;
  const int32_t *exponential; /* of beta * scale * -d, for d below `count`; zero from there on */
  int32_t count;
};

/* a * b / 2^31 rounded, for any a and b but the two INT32_MIN */
static inline int32_t ek_high_multiply_wide(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
}

/* 1 / (1 + a), a in [0, 1), both with 0 integer bits (gemmlowp one_over_one_plus_x_for_x_in_0_1) */
EK_KERNEL int32_t ek_reciprocal_of_one_plus(int32_t a) {
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
  int32_t x = 1515870810 + ek_high_multiply_wide(half, -1010580540); /* 48/17 - 32/17 * half */
  for (int i = 0; i < 3; i++) {
    const int32_t error = ((int32_t)1 << 29) - ek_high_multiply_wide(half, x);
    x += ek_high_multiply_wide(x, error) * 4;
  }
  return x >= (int32_t)1 << 30 ? INT32_MAX : x * 2;
}

/* x / 2^n rounded, for 0 <= x up to INT32_MAX, where adding 2^(n-1) would overflow */
static inline int32_t ek_divide_positive(int32_t x, int32_t n) { return ((x >> (n - 1)) + 1) >> 1; }

/* in[depth] to values of `bits` bits that begin at the type's lowest */
static inline __attribute__((always_inline)) void ek_softmax(const struct ek_softmax_s8 *c, const int8_t *in,
                                                             void *out, int bits) {
  for (int32_t row = 0, at = 0; row < c->rows; row++, in += c->depth, at += c->depth) {
    int32_t top = -128;
    for (int32_t i = 0; i < c->depth; i++) {
      if (in[i] > top) top = in[i];
    }
    uint32_t sum = 0; /* of up to 8,191 times 2^19 */
    for (int32_t i = 0; i < c->depth; i++) {
      const int32_t d = top - in[i];
      if (d < c->count) sum += (uint32_t)ek_divide_positive(c->exponential[d], 12);
    }
    int32_t zeros = 0; /* leading zeros of the sum, which is at least 2^19 */
    while (!(sum << zeros & 0x80000000u)) zeros++;
    const int32_t scale = ek_reciprocal_of_one_plus((int32_t)((sum << zeros) - 0x80000000u));
    const int32_t shift = 12 - zeros + 31 - bits; /* beyond 31 only where every value rounds to 0 */
    for (int32_t i = 0; i < c->depth; i++) {
      const int32_t d = top - in[i];
      int32_t y = -((int32_t)1 << (bits - 1));
      if (d < c->count && shift < 32)
        y += ek_divide_positive(ek_high_multiply_wide(scale, c->exponential[d]), shift);
      if (bits == 8) {
        ((int8_t *)out)[at + i] = (int8_t)ek_saturate_s8(y);
      } else {
        ((int16_t *)out)[at + i] = (int16_t)ek_clamp(y, -32768, 32767);
      }
    }
  }
}

EK_KERNEL void ek_softmax_s8(const struct ek_softmax_s8 *c, const int8_t *in, int8_t *out) {
  ek_softmax(c, in, out, 8);
}

EK_KERNEL void ek_softmax_s16(const struct ek_softmax_s8 *c, const int8_t *in, int16_t *out) {
  ek_softmax(c, in, out, 16);
}

#endif
