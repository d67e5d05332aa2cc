/* QUANTIZE from int16: to int8 where audio features come in, to int32 where scores go out.
 * Rounding as TFLM's reference_ops::Requantize. */
#ifndef EDGEKIT_KERNELS_RESCALE_H
#define EDGEKIT_KERNELS_RESCALE_H

#include "ek_requantize.h"

EK_KERNEL void ek_requantize_s16_s8(const int16_t *in, int8_t *out, int32_t count, int32_t zero_in,
                                    int32_t multiplier, int32_t shift, int32_t zero_out) {
  for (int32_t i = 0; i < count; i++) {
    out[i] = (int8_t)ek_saturate_s8(ek_rescale(in[i] - zero_in, multiplier, shift) + zero_out);
  }
}

EK_KERNEL void ek_requantize_s16_s32(const int16_t *in, int32_t *out, int32_t count, int32_t zero_in,
                                     int32_t multiplier, int32_t shift, int32_t zero_out) {
  for (int32_t i = 0; i < count; i++) out[i] = ek_rescale(in[i] - zero_in, multiplier, shift) + zero_out;
}

#endif
