/* PRELU, int8, with slopes that broadcast over up to four dimensions (a step of 0 repeats).
 * Rounding as TFLM's reference_ops::BroadcastPrelu4DSlow. */
#ifndef EDGEKIT_KERNELS_PRELU_H
#define EDGEKIT_KERNELS_PRELU_H

#include "ek_requantize.h"

struct ek_prelu_s8 {
  int32_t shape[4], step_a[4], step_b[4]; /* of the values and of the slopes */
  int16_t zero_in, zero_slope, zero_out;
  int32_t multiplier, slope_multiplier;
  int8_t shift, slope_shift;
};

EK_KERNEL void ek_prelu_s8(const struct ek_prelu_s8 *c, const int8_t *in, const int8_t *slope, int8_t *out) {
  for (int32_t i = 0; i < c->shape[0]; i++)
    for (int32_t j = 0; j < c->shape[1]; j++)
      for (int32_t k = 0; k < c->shape[2]; k++) {
        const int8_t *a = in + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2];
        const int8_t *b = slope + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2];
        for (int32_t n = c->shape[3]; n > 0; n--, a += c->step_a[3], b += c->step_b[3]) {
          const int32_t x = *a - c->zero_in;
          const int32_t y = x >= 0 ? ek_rescale(x, c->multiplier, c->shift)
                                   : ek_rescale(x * (*b - c->zero_slope), c->slope_multiplier, c->slope_shift);
          *out++ = (int8_t)ek_saturate_s8(y + c->zero_out);
        }
      }
}

#endif
