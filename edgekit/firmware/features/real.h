/* float32 without a maths library, and the same bits from every core and compiler.
 *
 * Each addition and multiplication rounds once, as the Python side's do: a product is never fused with a
 * sum. (On a Cortex-M4 nothing is lost by that: VFMA takes the three cycles of VMUL, VADD and a wait.) */
#ifndef EDGEKIT_REAL_H
#define EDGEKIT_REAL_H

#include <stdint.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#pragma GCC optimize("fp-contract=off") /* gcc -std=c99 does not fuse anyway */
#endif

static inline uint32_t bits_of(float x) {
  uint32_t b;
  __builtin_memcpy(&b, &x, 4);
  return b;
}

static inline float float_of(uint32_t b) {
  float x;
  __builtin_memcpy(&x, &b, 4);
  return x;
}

static inline float abs_f32(float x) { return __builtin_fabsf(x); }

static inline float max_f32(float a, float b) { return a > b ? a : b; }

/* sqrt(x) for finite x >= 0, rounded to nearest: the FPU's instruction where there is one, else one bit of
 * the root after the other (fdlibm, e_sqrtf.c). */
static inline float sqrt_f32(float x) {
#if defined(__ARM_FP) && (__ARM_FP & 4)
  float root;
  __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
  return root;
#else
  if (x == 0.0f) return x;
  int32_t exponent = (int32_t)(bits_of(x) >> 23);
  uint32_t rest = bits_of(x) & 0x7FFFFF;
  if (exponent == 0) {
    for (exponent = 1; !(rest & 0x800000); exponent--) rest <<= 1; /* denormal */
  }
  rest |= 0x800000;
  exponent -= 127;
  if (exponent & 1) rest <<= 1;
  uint32_t root = 0, sum = 0;
  rest <<= 1;
  for (uint32_t bit = (uint32_t)1 << 24; bit; bit >>= 1) {
    const uint32_t t = sum + bit;
    if (t <= rest) {
      sum = t + bit;
      rest -= t;
      root += bit;
    }
    rest <<= 1;
  }
  if (rest) root += root & 1;
  return float_of((root >> 1) + 0x3F000000u + ((uint32_t)(exponent >> 1) << 23));
#endif
}

/* ln(x) for normal x > 0, to about 1 ulp: x = 2^e (1 + r), a polynomial in r (Cephes logf). */
static inline float log_f32(float x) {
  const uint32_t b = bits_of(x);
  float e = (float)((int32_t)(b >> 23) - 126);
  float r = float_of((b & 0x7FFFFF) | 0x3F000000); /* 0.5 ... 1 */
  if (r < 0.707106781f) {
    e = e - 1.0f;
    r = r + r;
  }
  r = r - 1.0f;
  float p = 7.0376836292e-2f;
  p = p * r - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  const float square = r * r;
  p = p * r * square;
  p = p - e * 2.12194440e-4f;
  p = p - 0.5f * square;
  return r + p + e * 0.693359375f;
}

#endif
