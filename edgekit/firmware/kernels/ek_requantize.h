/* Rescaling 32-bit accumulators to int8, bit-exact with TFLite Micro.
 *
 * TFLM's MultiplyByQuantizedMultiplier rounds twice (gemmlowp): a saturating rounding doubling high
 * multiply, then a rounding division by a power of two that rounds halves away from zero. Both are
 * written here as one shift each:
 *   (a*b + nudge) / 2^31 with gemmlowp's sign-dependent nudge  ==  (a*b + 2^30) >> 31
 *   RoundingDivideByPOT(x, n)                                   ==  (x + (x >> 31) + 2^(n-1)) >> n
 * The generator proves for each layer that accumulators stay in range, so nothing saturates on the way.
 */
#ifndef EDGEKIT_KERNELS_REQUANTIZE_H
#define EDGEKIT_KERNELS_REQUANTIZE_H

#include <stdint.h>
#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_SAT)
#include <arm_acle.h>
#endif

#include "ek_kernel.h"

/* a * b / 2^31, rounded; |a| < 2^30 */
static inline int32_t ek_high_multiply(int32_t a, int32_t b) {
#if defined(__ARM_FEATURE_DSP)
  int32_t r; /* (2a*b + 2^31) >> 32 is the same number */
  __asm__("smmulr %0, %1, %2" : "=r"(r) : "r"(a * 2), "r"(b));
  return r;
#elif defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
  /* a product has 32 bits: four of halves, of which a's lower one is signed, so that no sum exceeds 2^31 */
  const int32_t low = (int16_t)a, high = (a - low) >> 16, b0 = b & 0xffff, b1 = b >> 16;
  return 2 * high * b1 + ((low * b1 + high * b0 + (low * b0 >> 16) + (1 << 14)) >> 15);
#else
  const int64_t p = (int64_t)(a * 2) * b; /* rounded by its own bit 31 */
  return (int32_t)(p >> 32) + (int32_t)((uint32_t)p >> 31);
#endif
}

/* The same of a / 2, an even a; and c */
static inline int32_t ek_high_multiply_add(int32_t a, int32_t b, int32_t c) {
#if defined(__ARM_FEATURE_DSP)
  int32_t r;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
#else
  return ek_high_multiply(a >> 1, b) + c;
#endif
}

/* x / 2^n, halves away from zero; n >= 1 */
static inline int32_t ek_divide_by_power(int32_t x, int32_t n) {
  return (x + (x >> 31) + ((int32_t)1 << (n - 1))) >> n;
}

/* x * multiplier * 2^(shift - 31) for any shift in -31..30: shift > 0 scales up before the multiply */
static inline int32_t ek_rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int64_t scaled = (int64_t)x * ((int32_t)1 << (shift > 0 ? shift : 0));
  const int32_t high = (int32_t)((scaled * multiplier + ((int32_t)1 << 30)) >> 31);
  if (shift >= 0) return high;
  return (int32_t)(((int64_t)high + (high >> 31) + ((int64_t)1 << (-shift - 1))) >> -shift);
}

static inline int32_t ek_clamp(int32_t x, int32_t low, int32_t high) {
  if (x < low) x = low;
  if (x > high) x = high;
  return x;
}

static inline int32_t ek_saturate_s8(int32_t x) {
#if defined(__ARM_FEATURE_SAT) && !defined(__ARM_ARCH_8M_BASE__) /* clang: of a Cortex-M23, too, which has no SSAT */
  int32_t r;
  __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x));
  return r;
#else
  return ek_clamp(x, -128, 127);
#endif
}

/* How one layer's accumulators become int8. One multiplier and shift for each output channel
 * (channel_step = 1) or for the tensor (channel_step = 0). Where biases leave room for it, a channel's
 * shift lies in its bias's low six bits and there is no array of shifts. */
struct ek_requant {
  const int32_t *bias; /* [out_ch], the input's zero point folded in; or that * 64 + shift + 31 */
  const int32_t *multiplier;
  const int8_t *shift;  /* -31..30, added to the multiplier's own 2^-31; 0: in the bias */
  uint8_t channel_step; /* 0 or 1 */
  uint8_t exact;        /* 1: some shift is outside -22..-1, or an accumulator may reach 2^30 */
  uint8_t clamps;       /* 0: low..high is the whole of int8 */
  int8_t zero, low, high;
};

/* One channel's constants: the rounding half and the output's zero point are added in one go. */
struct ek_rescaler {
  int32_t multiplier, round, right;
};

static inline int32_t ek_channel_bias(const struct ek_requant *q, int32_t channel) {
  return q->shift ? q->bias[channel] : q->bias[channel] >> 6;
}

static inline struct ek_rescaler ek_channel_rescaler(const struct ek_requant *q, int32_t channel) {
  const int32_t i = channel * q->channel_step;
  const int32_t right = q->shift ? -q->shift[i] : 31 - (q->bias[channel] & 63);
  const struct ek_rescaler r = {
      q->multiplier[i],
      EK_ANY_EXACT && q->exact ? 0 : ((int32_t)1 << (right - 1)) + (int32_t)((uint32_t)q->zero << right), right};
  return r;
}

EK_APART int32_t ek_requantize_exact(const struct ek_requant *q, int32_t acc, int32_t multiplier,
                                     int32_t right) {
  return ek_rescale(acc, multiplier, -right) + q->zero;
}

/* Which steps a layer needs; where it is a literal, the others vanish. EK_ANY_EXACT and EK_ANY_CLAMPS are
 * constants of the model: 0 where no layer needs that step. */
enum ek_rounding { EK_PLAIN, EK_CLAMPED, EK_EXACT, EK_ONCE };

/* TensorFlow Lite rounds a fully connected layer once, TFLM twice like all others. Compiled
 * with EDGEKIT_SINGLE_ROUNDING_FC this code agrees with the former, where TFLM is not at hand to compare. */
#if defined(EDGEKIT_SINGLE_ROUNDING_FC)
enum { EK_ANY_ONCE = 1 };
#else
enum { EK_ANY_ONCE = 0 };
#endif

static inline enum ek_rounding ek_rounding_of(const struct ek_requant *q) {
  return EK_ANY_EXACT && q->exact ? EK_EXACT : EK_ANY_CLAMPS && q->clamps ? EK_CLAMPED : EK_PLAIN;
}

static inline __attribute__((always_inline)) int32_t ek_requantize(enum ek_rounding how,
                                                                   const struct ek_requant *q,
                                                                   const struct ek_rescaler *r, int32_t acc) {
  int32_t y;
  if (EK_ANY_ONCE && how == EK_ONCE) {
    const int32_t shift = 31 + r->right;
    y = (int32_t)(((int64_t)acc * r->multiplier + ((int64_t)1 << (shift - 1))) >> shift) + q->zero;
  } else if (how == EK_EXACT) {
    y = ek_requantize_exact(q, acc, r->multiplier, r->right);
  } else {
    /* RoundingDivideByPOT asks for the product's sign; where that is 0 and acc negative, a half less 1 is 0, too */
    y = ek_high_multiply_add(acc * 2, r->multiplier, (acc >> 31) + r->round) >> r->right;
  }
  return how == EK_PLAIN ? ek_saturate_s8(y) : ek_clamp(y, q->low, q->high);
}

#endif
