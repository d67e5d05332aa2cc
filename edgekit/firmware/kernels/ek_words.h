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
  wide += column / 2;
  for (const int8_t *const end = x + depth; x < end; x += 4, wide += 8) {
    if (column & 1) {
      wide[0] += (uint32_t)x[0] << 16, wide[2] += (uint32_t)x[2] << 16;
      wide[4] += (uint32_t)x[1] << 16, wide[6] += (uint32_t)x[3] << 16;
    } else {
      wide[0] = (uint32_t)x[0], wide[2] = (uint32_t)x[2];
      wide[4] = (uint32_t)x[1], wide[6] = (uint32_t)x[3];
    }
  }
}

/* acc[2 * column + channel] += sum over k, for two channels (weights w..end) and the four columns of x. The sums
 * of A + 2^16 B begin where EK_MIDDLE, added for each two of k, leaves nothing behind. */
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_6M__) || \
    defined(__ARM_ARCH_8M_BASE__) || (defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e))
#include "ek_words_assembly.h"
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
