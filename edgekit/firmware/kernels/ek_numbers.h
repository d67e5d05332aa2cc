/* ARG_MAX and ARG_MIN (in: [outer][size][inner], out: [outer][inner]) and CAST to a wider type. */
#ifndef EDGEKIT_KERNELS_NUMBERS_H
#define EDGEKIT_KERNELS_NUMBERS_H

#include <stdint.h>

#include "ek_kernel.h"

/* highest: 1 for the largest along the middle axis, 0 for the smallest; of equals the first */
static inline void ek_arg_s8(int highest, const int8_t *in, int32_t *out, int32_t outer, int32_t size,
                             int32_t inner) {
  for (int32_t i = 0; i < outer; i++, in += size * inner)
    for (int32_t j = 0; j < inner; j++) {
      int32_t best = 0;
      for (int32_t k = 1; k < size; k++) {
        const int8_t value = in[k * inner + j], leader = in[best * inner + j];
        if (highest ? value > leader : value < leader) best = k;
      }
      *out++ = best;
    }
}

EK_KERNEL void ek_arg_max_s8(const int8_t *in, int32_t *out, int32_t outer, int32_t size, int32_t inner) {
  ek_arg_s8(1, in, out, outer, size, inner);
}

EK_KERNEL void ek_arg_min_s8(const int8_t *in, int32_t *out, int32_t outer, int32_t size, int32_t inner) {
  ek_arg_s8(0, in, out, outer, size, inner);
}

/* highest: 1 for the largest along the middle axis, 0 for the smallest; of equals the first */
static inline void ek_arg_f32(int highest, const float *in, int32_t *out, int32_t outer, int32_t size,
                             int32_t inner) {
  for (int32_t i = 0; i < outer; i++, in += size * inner)
    for (int32_t j = 0; j < inner; j++) {
      int32_t best = 0;
      for (int32_t k = 1; k < size; k++) {
        const float value = in[k * inner + j], leader = in[best * inner + j];
        if (highest ? value > leader : value < leader) best = k;
      }
      *out++ = best;
    }
}

EK_KERNEL void ek_arg_max_f32(const float *in, int32_t *out, int32_t outer, int32_t size, int32_t inner) {
  ek_arg_f32(1, in, out, outer, size, inner);
}

EK_KERNEL void ek_arg_min_f32(const float *in, int32_t *out, int32_t outer, int32_t size, int32_t inner) {
  ek_arg_f32(0, in, out, outer, size, inner);
}

EK_KERNEL void ek_cast_s8_s16(const int8_t *in, int16_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i];
}

EK_KERNEL void ek_cast_s8_s32(const int8_t *in, int32_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i];
}

EK_KERNEL void ek_cast_s8_f32(const int8_t *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = (float)in[i];
}

EK_KERNEL void ek_cast_u8_s16(const uint8_t *in, int16_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i];
}

EK_KERNEL void ek_cast_u8_s32(const uint8_t *in, int32_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i];
}

EK_KERNEL void ek_cast_u8_f32(const uint8_t *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = (float)in[i];
}

EK_KERNEL void ek_cast_s16_s32(const int16_t *in, int32_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = in[i];
}

EK_KERNEL void ek_cast_s16_f32(const int16_t *in, float *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = (float)in[i];
}

#endif
