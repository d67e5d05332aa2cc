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
#ifndef EDGEKIT_DOT_H
#define EDGEKIT_DOT_H

#include "requantize.h"

static inline uint32_t load32(const void *p) {
  uint32_t v;
  __builtin_memcpy(&v, p, 4);
  return v;
}

static inline void store32(void *p, uint32_t v) { __builtin_memcpy(p, &v, 4); }

/* Four columns of activations, interleaved: for each pair of k, one (x_a, x_b) for each column. */
enum { COLUMNS = 4 };

/* Write one int8 column of `depth` values as every fourth pair of `wide` (2 * COLUMNS bytes a k). */
static inline void widen_column(const int8_t *x, int16_t *wide, int32_t depth) {
  for (int32_t k = 0; k < depth; k += 4, x += 4, wide += 4 * COLUMNS) {
#if defined(__ARM_FEATURE_DSP)
    const uint32_t v = load32(x);
    store32(wide, __sxtb16(v));
    store32(wide + 2 * COLUMNS, __sxtb16(__ror(v, 8)));
#else
    wide[0] = x[0];
    wide[1] = x[2];
    wide[2 * COLUMNS] = x[1];
    wide[2 * COLUMNS + 1] = x[3];
#endif
  }
}

/* acc[2 * column + channel] += sum over k */
static void dot_4x2(const int8_t *w, const int16_t *x, int32_t depth, int32_t acc[8]) {
#if defined(__ARM_FEATURE_DSP)
  int32_t a0 = acc[0], b0 = acc[1], a1 = acc[2], b1 = acc[3];
  int32_t a2 = acc[4], b2 = acc[5], a3 = acc[6], b3 = acc[7];
  const int8_t *const end = w + 2 * depth;
  do {
    for (int half = 0; half < 2; half++) {
      const uint32_t v = load32(w);
      const uint32_t wa = __sxtb16(v), wb = __sxtb16(__ror(v, 8));
      const uint32_t x0 = load32(x), x1 = load32(x + 2), x2 = load32(x + 4), x3 = load32(x + 6);
      a0 = __smlad(wa, x0, a0);
      b0 = __smlad(wb, x0, b0);
      a1 = __smlad(wa, x1, a1);
      b1 = __smlad(wb, x1, b1);
      a2 = __smlad(wa, x2, a2);
      b2 = __smlad(wb, x2, b2);
      a3 = __smlad(wa, x3, a3);
      b3 = __smlad(wb, x3, b3);
      w += 4, x += 2 * COLUMNS;
    }
  } while (w != end);
  acc[0] = a0, acc[1] = b0, acc[2] = a1, acc[3] = b1;
  acc[4] = a2, acc[5] = b2, acc[6] = a3, acc[7] = b3;
#else
  for (int column = 0; column < COLUMNS; column++, x += 2, acc += 2) {
    int32_t a = acc[0], b = acc[1];
    const int16_t *xc = x;
    for (int32_t k = 0; k < 2 * depth; k += 4, xc += 2 * COLUMNS) {
      a += w[k] * xc[0] + w[k + 2] * xc[1];
      b += w[k + 1] * xc[0] + w[k + 3] * xc[1];
    }
    acc[0] = a, acc[1] = b;
  }
#endif
}

/* Four activations from k on; beyond `length` they are zero and not read. */
static inline uint32_t load_tail(const int8_t *x, int32_t length) {
  uint32_t v = 0;
  for (int32_t i = 0; i < length; i++) v |= (uint32_t)(uint8_t)x[i] << (8 * i);
  return v;
}

/* One int8 column of `length` values against two channels. */
static inline void dot_1x2(const int8_t *w, const int8_t *x, int32_t length, int32_t acc[2]) {
  int32_t a = acc[0], b = acc[1];
  for (int32_t k = 0; k < length; k += 4, w += 8) {
#if defined(__ARM_FEATURE_DSP)
    const uint32_t v = k + 4 <= length ? load32(x + k) : load_tail(x + k, length - k);
    const uint32_t even = __sxtb16(v), odd = __sxtb16(__ror(v, 8));
    const uint32_t w0 = load32(w), w1 = load32(w + 4);
    a = __smlad(__sxtb16(w0), even, a);
    b = __smlad(__sxtb16(__ror(w0, 8)), even, b);
    a = __smlad(__sxtb16(w1), odd, a);
    b = __smlad(__sxtb16(__ror(w1, 8)), odd, b);
#else
    static const uint8_t place[4] = {0, 4, 2, 6};
    for (int32_t i = 0; i < 4 && k + i < length; i++) {
      a += w[place[i]] * x[k + i];
      b += w[place[i] + 1] * x[k + i];
    }
#endif
  }
  acc[0] = a, acc[1] = b;
}

#if defined(__ARM_FEATURE_DSP)
/* One int8 column against four channels: two pairs of weights, each `2 * depth` bytes. */
static inline void dot_1x4(const int8_t *w, const int8_t *x, int32_t length, int32_t depth,
                           int32_t acc[4]) {
  int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
  const int8_t *u = w + 2 * depth;
  int32_t k = length;
  while (k > 0) {
    const uint32_t v = k >= 4 ? load32(x) : load_tail(x, k);
    const uint32_t even = __sxtb16(v), odd = __sxtb16(__ror(v, 8));
    const uint32_t w0 = load32(w), w1 = load32(w + 4), u0 = load32(u), u1 = load32(u + 4);
    a = __smlad(__sxtb16(w0), even, a);
    b = __smlad(__sxtb16(__ror(w0, 8)), even, b);
    c = __smlad(__sxtb16(u0), even, c);
    d = __smlad(__sxtb16(__ror(u0, 8)), even, d);
    a = __smlad(__sxtb16(w1), odd, a);
    b = __smlad(__sxtb16(__ror(w1, 8)), odd, b);
    c = __smlad(__sxtb16(u1), odd, c);
    d = __smlad(__sxtb16(__ror(u1, 8)), odd, d);
    x += 4, w += 8, u += 8, k -= 4;
  }
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
}
#endif

/* All output channels for one int8 column of `length` values: a fully connected layer, and the odd
 * pixel at the end of a convolution. weights: [channels/2][depth/4][8] */
static void all_channels(const int8_t *weights, const int32_t *bias, const struct requant *q,
                         const int8_t *x, int32_t length, int32_t channels, int8_t *out) {
  const int32_t depth = (length + 3) & ~3;
  int32_t c = 0;
  while (c < channels) {
    int32_t acc[4];
    int32_t n = channels - c < 2 ? channels - c : 2;
#if defined(__ARM_FEATURE_DSP)
    if (c + 4 <= channels) {
      n = 4;
      for (int i = 0; i < 4; i++) acc[i] = bias[c + i];
      dot_1x4(weights, x, length, depth, acc);
    } else
#endif
    {
      acc[0] = bias[c];
      acc[1] = n > 1 ? bias[c + 1] : 0;
      dot_1x2(weights, x, length, acc);
    }
    for (int32_t i = 0; i < n; i++) {
      const int32_t j = (c + i) * q->channel_step;
      *out++ = (int8_t)requantize(q, acc[i], q->multiplier[j], q->shift[j]);
    }
    c += n;
    weights += (n + 1) / 2 * 2 * depth;
  }
}

#endif
