/* The multiply family with Helium (MVE), the vector instructions of Cortex-M55 and M85: 16 products at once.
 * Elsewhere this file is empty. Weights lie as in ek_dot.h, so one image of constants serves every core.
 *
 * For a pair of channels VLD2 splits the weights into A0 A2 A1 A3 … and B0 B2 B1 B3 …; activations are put into
 * the same order. Rounding is that of ek_requantize.h: VQRDMULH is its high multiply, and VRSHL, which rounds
 * halves up, gives its division when 1 is taken off negative values first. Nothing saturates on the way.
 */
#ifndef EDGEKIT_KERNELS_MVE_H
#define EDGEKIT_KERNELS_MVE_H

#include "ek_requantize.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Constants of a layer, kept in registers: each int8 that is stored might change what a pointer leads to. */
struct ek_limits {
  int32_t zero;
  int32x4_t low, high;
};

static inline struct ek_limits ek_limits_of(const struct ek_requant *q) {
  const struct ek_limits s = {q->zero, vdupq_n_s32(q->low), vdupq_n_s32(q->high)};
  return s;
}

static inline int32x4_t ek_into_limits(const struct ek_limits *s, int32x4_t y) {
  return vminq_s32(vmaxq_s32(vaddq_n_s32(y, s->zero), s->low), s->high);
}

/* Constants of four output channels; a lane for each. */
struct ek_rescalers {
  int32x4_t bias, multiplier, shift;
};

/* Where shifts lie in biases. */
static inline struct ek_rescalers ek_packed_rescalers(int32x4_t bias, int32x4_t multiplier) {
  const struct ek_rescalers r = {vshrq_n_s32(bias, 6), multiplier,
                                 vsubq_n_s32(vandq_s32(bias, vdupq_n_s32(63)), 31)};
  return r;
}

static inline struct ek_rescalers ek_four_rescalers(const struct ek_requant *q, int32_t channel,
                                                    mve_pred16_t lanes) {
  const int32x4_t bias = vldrwq_z_s32(q->bias + channel, lanes);
  if (!q->channel_step) {
    const struct ek_rescalers r = {bias, vdupq_n_s32(q->multiplier[0]), vdupq_n_s32(q->shift[0])};
    return r;
  }
  const int32x4_t multiplier = vldrwq_z_s32(q->multiplier + channel, lanes);
  if (!q->shift) return ek_packed_rescalers(bias, multiplier);
  const struct ek_rescalers r = {bias, multiplier, vldrbq_z_s32(q->shift + channel, lanes)};
  return r;
}

/* Four channels of one pixel. */
static inline int32x4_t ek_requantize_channels(const struct ek_limits *s, const struct ek_rescalers *r,
                                               int32x4_t acc) {
  const int32x4_t none = vdupq_n_s32(0);
  acc = vaddq_s32(acc, r->bias);
  if (EK_ANY_EXACT) acc = vshlq_s32(acc, vmaxq_s32(r->shift, none));
  acc = vqrdmulhq_s32(acc, r->multiplier);
  const int32x4_t right = EK_ANY_EXACT ? vminq_s32(r->shift, none) : r->shift;
  const int32x4_t below = vshrq_n_s32(EK_ANY_EXACT ? vandq_s32(acc, right) : acc, 31);
  return ek_into_limits(s, vrshlq_s32(vqaddq_s32(acc, below), right));
}

/* Constants of one output channel. */
struct ek_lane {
  int32_t bias, multiplier, shift;
};

static inline struct ek_lane ek_lane_of(const struct ek_requant *q, int32_t channel) {
  const int32_t i = channel * q->channel_step, bias = q->bias[channel];
  const struct ek_lane r = {q->shift ? bias : bias >> 6, q->multiplier[i], q->shift ? q->shift[i] : (bias & 63) - 31};
  return r;
}

/* One channel of four pixels. The accumulator's sign stands for the product's: where that is 0, both round to 0. */
static inline int32x4_t ek_requantize_pixels(const struct ek_limits *s, struct ek_lane r, int32x4_t acc) {
  acc = vaddq_n_s32(acc, r.bias);
  if (EK_ANY_EXACT && r.shift >= 0) {
    acc = vqrdmulhq_n_s32(vshlq_r_s32(acc, r.shift), r.multiplier);
  } else { /* VQRDMLAH adds the whole number after its rounding */
    acc = vrshlq_n_s32(vqrdmlahq_n_s32(vshrq_n_s32(acc, 31), acc, r.multiplier), r.shift);
  }
  return ek_into_limits(s, acc);
}

/* Each four activations in the order of the weights: 0 2 1 3. */
static inline int8x16_t ek_in_order(int8x16_t v) { return vpselq_s8(vrev32q_s8(v), v, 0x6666); }

/* One column of `length` values as every fourth block of 16. Of `depth`, `length` rounded up to a multiple of
 * four, the first block holds what is no multiple of 16. What lies beyond meets weights of zero: with `readable`,
 * depth or 16 values may be read, and no lane is switched off. */
static inline void ek_spread_column(const int8_t *x, int8_t *blocks, int32_t length, int readable) {
  const int32_t rest = (length + 3) & 12, first = rest ? rest : 16;
  if (readable) {
    vst1q_s8(blocks, ek_in_order(vld1q_s8(x)));
    x += first;
    for (int32_t n = (length - first + 15) >> 4; n > 0; n--, x += 16) {
      blocks += 64;
      vst1q_s8(blocks, ek_in_order(vld1q_s8(x)));
    }
    return;
  }
  for (int32_t n = first; length > 0; x += n, length -= n, n = 16, blocks += 64) {
    vst1q_s8(blocks, ek_in_order(vldrbq_z_s8(x, vctp8q((uint32_t)length))));
  }
}

/* acc[4 * column + channel] = sums over k for two or four channels, whose weights lie from w to end, and the four
 * columns of x, as ek_spread_column made them. For each two channels, eight sums are in the even registers, the only
 * ones that VMLADAV takes: in assembly because no compiler keeps them there. 14 instructions, of 56 bytes, for
 * 16 k, that is 128 products; four times in a row, and the first turn begins where what is left is a multiple. */
#define EK_SIXTEEN_K(multiply)     \
  "vldrb.u8 q2, [r3], #16\n"       \
  multiply " r0, q0, q2\n"         \
  "vldrb.u8 q3, [r3], #16\n"       \
  multiply " r2, q1, q2\n"         \
  multiply " r4, q0, q3\n"         \
  "vldrb.u8 q2, [r3], #16\n"       \
  multiply " r6, q1, q3\n"         \
  multiply " r8, q0, q2\n"         \
  "vldrb.u8 q3, [r3], #16\n"       \
  multiply " r10, q1, q2\n"        \
  multiply " r12, q0, q3\n"        \
  multiply " lr, q1, q3\n"
#define EK_NEXT_K            \
  "vld20.8 {q0, q1}, [r1]\n" \
  "vld21.8 {q0, q1}, [r1]!\n" EK_SIXTEEN_K("vmladava.s8")
struct ek_sums {
  int32_t acc[16];
  const int8_t *x;
  int32_t depth, skip; /* skip: from where the loop is entered to its end, in bytes */
};

/* aligned: ADR counts from a multiple of four, which -Oz does not see to */
__attribute__((naked, noinline, unused, aligned(4))) static void ek_vectors_4x4(
    const int8_t *w __attribute__((unused)), const int8_t *end __attribute__((unused)),
    struct ek_sums *sums __attribute__((unused))) {
  __asm__ volatile(
      "ldrd r3, r12, [r2, #64]\n"
      "push {r1, r3-r11, lr}\n"
      "mov r1, r0\n"
      "mov r11, r2\n"
      "mov r7, r12\n"
      "ldr r12, [r2, #72]\n"
      "adr.w r9, 5f\n"
      "sub r9, r9, r12\n"
      "1:\n" /* two channels */
      "ldr r3, [sp, #4]\n"
      "add r5, r1, r7, lsl #1\n" /* the end of their weights */
      "ands r0, r7, #15\n"
      "beq 2f\n"
      "vctp.8 r0\n" /* the first k are fewer than 16, and so are their weights */
      "movs r2, #0\n"
      "vidup.u8 q3, r2, #2\n"
      "add r2, r1, #1\n"
      "vpstt\n"
      "vldrbt.u8 q0, [r1, q3]\n"
      "vldrbt.u8 q1, [r2, q3]\n"
      "add r1, r1, r0, lsl #1\n"
      "b 3f\n"
      "2:\n"
      "vld20.8 {q0, q1}, [r1]\n"
      "vld21.8 {q0, q1}, [r1]!\n"
      "3:\n" EK_SIXTEEN_K("vmladav.s8")
      "mov pc, r9\n"
      "4:\n" EK_NEXT_K EK_NEXT_K EK_NEXT_K EK_NEXT_K
      "5:\n"
      "cmp r1, r5\n"
      "bne.w 4b\n"
      "strd r4, r6, [r11, #16]\n"
      "strd r8, r10, [r11, #32]\n"
      "strd r12, lr, [r11, #48]\n"
      "strd r0, r2, [r11], #8\n"
      "ldr r0, [sp]\n"
      "cmp r1, r0\n"
      "bne 1b\n"
      "pop {r1, r3-r11, pc}\n");
}
#undef EK_NEXT_K
#undef EK_SIXTEEN_K

/* Four channels of four pixels, all channels or those of `lanes`. */
static inline __attribute__((always_inline)) void ek_store_columns(const struct ek_limits *s,
                                                                   const struct ek_rescalers *r,
                                                                   const int32_t *acc, int32_t channels,
                                                                   int all, mve_pred16_t lanes, int8_t *out) {
  for (int i = 0; i < 4; i++, acc += 4, out += channels) {
    const int32x4_t y = ek_requantize_channels(s, r, vldrwq_s32(acc));
    if (all) {
      vstrbq_s32(out, y);
    } else {
      vstrbq_p_s32(out, y, lanes);
    }
    __asm__ volatile("" : "+r"(out)); /* one after the other: there are no registers for more */
  }
}

/* Four pixels by all channels from the columns in `blocks`. */
EK_APART void ek_vector_columns(const int8_t *weights, const struct ek_requant *q, const int8_t *blocks,
                                int32_t depth, int32_t channels, int8_t *out) {
  const struct ek_limits s = ek_limits_of(q);
  struct ek_sums sums;
  sums.x = blocks, sums.depth = depth, sums.skip = 56 * ((depth - 1) >> 4 & 3);
  const int32_t *bias = q->bias, *multiplier = q->multiplier;
  int32_t c = 0;
  for (const int32_t all = q->shift ? 0 : channels & ~3; c < all; c += 4, bias += 4, multiplier += 4, out += 4) {
    const int8_t *const end = weights + 4 * depth;
    ek_vectors_4x4(weights, end, &sums);
    weights = end;
    const struct ek_rescalers r = ek_packed_rescalers(vldrwq_s32(bias), vldrwq_s32(multiplier));
    ek_store_columns(&s, &r, sums.acc, channels, 1, 0, out);
  }
  for (; c < channels; c += 4, out += 4) {
    const int8_t *const end = weights + (c + 2 < channels ? 4 : 2) * depth;
    ek_vectors_4x4(weights, end, &sums);
    weights = end;
    const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
    const struct ek_rescalers r = ek_four_rescalers(q, c, lanes);
    ek_store_columns(&s, &r, sums.acc, channels, 0, lanes, out);
  }
}

/* The sums of one column of `length` values against four channels; w and u are the weights of two pairs. */
static inline int32x4_t ek_vectors_1x4(const int8_t *w, const int8_t *u, const int8_t *x, int32_t length) {
  int32_t a = 0, b = 0, c = 0, d = 0;
  for (const int8_t *const end = x + (length & ~15); x != end; x += 16, w += 32, u += 32) {
    const int8x16_t v = ek_in_order(vld1q_s8(x));
    const int8x16x2_t p = vld2q_s8(w), q = vld2q_s8(u);
    a = vmladavaq_s8(a, v, p.val[0]);
    b = vmladavaq_s8(b, v, p.val[1]);
    c = vmladavaq_s8(c, v, q.val[0]);
    d = vmladavaq_s8(d, v, q.val[1]);
  }
  if (length & 15) {
    const uint8x16_t even = vidupq_n_u8(0, 2);
    const int8x16_t v = ek_in_order(vldrbq_z_s8(x, vctp8q((uint32_t)(length & 15))));
    const mve_pred16_t k = vctp8q((uint32_t)((length + 3) & 12 ? (length + 3) & 12 : 16)); /* groups of four */
    a = vmladavaq_s8(a, v, vldrbq_gather_offset_z_s8(w, even, k));
    b = vmladavaq_s8(b, v, vldrbq_gather_offset_z_s8(w + 1, even, k));
    c = vmladavaq_s8(c, v, vldrbq_gather_offset_z_s8(u, even, k));
    d = vmladavaq_s8(d, v, vldrbq_gather_offset_z_s8(u + 1, even, k));
  }
  int32x4_t sums = vdupq_n_s32(a);
  sums = vsetq_lane_s32(b, sums, 1);
  sums = vsetq_lane_s32(c, sums, 2);
  return vsetq_lane_s32(d, sums, 3);
}

/* All output channels for one column of `length` values. */
EK_APART void ek_vector_channels(const int8_t *weights, const struct ek_requant *q, const int8_t *x,
                                 int32_t length, int32_t channels, int8_t *out) {
  const int32_t depth = (length + 3) & ~3;
  const struct ek_limits s = ek_limits_of(q);
  for (int32_t c = 0; c < channels; c += 4, weights += 4 * depth) {
    const int8_t *const second = c + 2 < channels ? weights + 2 * depth : weights;
    const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
    const struct ek_rescalers r = ek_four_rescalers(q, c, lanes);
    const int32x4_t acc = ek_vectors_1x4(weights, second, x, length);
    vstrbq_p_s32(out + c, ek_requantize_channels(&s, &r, acc), lanes);
  }
}
#endif

#endif
