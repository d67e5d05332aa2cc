/* QUANTIZE float32 -> int8 and DEQUANTIZE int8 -> float32, at the edges of an int8 model.
 * Rounding half away from zero, as TFLM's AffineQuantize; no libm. */
#ifndef EDGEKIT_KERNELS_QUANTIZE_H
#define EDGEKIT_KERNELS_QUANTIZE_H

#include <stdint.h>

#include "ek_kernel.h"

/* in[i] is read before out[i] is written, so out may start where in starts */
EK_KERNEL void ek_quantize_s8(const float *in, int8_t *out, int32_t count, float scale, int32_t zero) {
  for (int32_t i = 0; i < count; i++) {
    float x = in[i] / scale;
    if (!(x > -1000.0f)) x = -1000.0f; /* far outside int8, and catches NaN */
    if (x > 1000.0f) x = 1000.0f;
    int32_t q = (int32_t)x;
    const float rest = x - (float)q;
    if (rest >= 0.5f) q++;
    if (rest <= -0.5f) q--;
    q += zero;
    out[i] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
  }
}

EK_KERNEL void ek_dequantize_s8(const int8_t *in, float *out, int32_t count, float scale, int32_t zero) {
  for (int32_t i = 0; i < count; i++) out[i] = scale * (float)(in[i] - zero);
}

#endif
