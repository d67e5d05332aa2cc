/* ABS, NEG, SQUARE, SQRT and RSQRT, float32: rounded as IEEE 754 has it, without a library. in may be out. */
#ifndef EDGEKIT_KERNELS_UNARY_H
#define EDGEKIT_KERNELS_UNARY_H

#include <stdint.h>

#include "ek_kernel.h"

EK_KERNEL void ek_abs_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i] < 0.0f ? -in[i] : in[i];
}

EK_KERNEL void ek_neg_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = -in[i];
}

EK_KERNEL void ek_square_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i] * in[i];
}

/* The nearest float to the root of x, bit by bit; 0 for what has none. */
EK_KERNEL float ek_root_f32(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  if (!(x > 0.0f)) return 0.0f;
  int32_t exponent = (int32_t)(bits >> 23) - 127;
  if (exponent == 128) return x; /* infinite */
  uint32_t mantissa = bits & 0x7fffffu;
  if (exponent == -127) { /* subnormal */
    for (exponent = -126; !(mantissa & 0x800000u); exponent--) mantissa <<= 1;
  } else {
    mantissa |= 0x800000u;
  }
  if (exponent & 1) { /* an even exponent can be halved */
    mantissa <<= 1;
    exponent--;
  }
  uint32_t root = 0, rest = mantissa << 1, one = 0x1000000u; /* 25 bits: the last one decides the rounding */
  uint32_t sum = 0;
  for (; one; one >>= 1) {
    if (sum + one <= rest) {
      sum += one;
      rest -= sum;
      sum += one;
      root += one;
    }
    rest <<= 1;
  }
  root = (root + (root & 1u)) >> 1; /* a tie cannot be: such a root would have a square of 49 bits or more */
  const uint32_t result = root + ((uint32_t)(exponent / 2 + 126) << 23);
  float y;
  __builtin_memcpy(&y, &result, 4);
  return y;
}

EK_KERNEL void ek_sqrt_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = ek_root_f32(in[i]);
}

EK_KERNEL void ek_rsqrt_f32(const float *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = 1.0f / ek_root_f32(in[i]);
}

#endif
