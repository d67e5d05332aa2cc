/* TRANSPOSE_CONV, int8. in: [in_h][in_w][in_ch], weights: [out_ch][k_h][k_w][in_ch]. Each output pixel gathers what
 * TFLM's reference_integer_ops::TransposeConv scatters, so that no sums have to be kept; same rounding. */
#ifndef EDGEKIT_KERNELS_TRANSPOSE_CONV_H
#define EDGEKIT_KERNELS_TRANSPOSE_CONV_H

#include "ek_requantize.h"

struct ek_transpose_conv_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, out_ch, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
  int16_t zero_in, zero_out, low, high;
  const int8_t *weights;
  const int32_t *bias, *multiplier;
  const int8_t *shift;
};

/* The sum over the taps whose input pixel lands on (oy, ox): every stride-th one. */
static inline int32_t ek_transpose_conv_sum(const struct ek_transpose_conv_s8 *c, const int8_t *in,
                                            const int8_t *w, int32_t y, int32_t x) {
  int32_t sum = 0;
  for (int32_t ky = y % c->stride_h; ky < c->k_h && ky <= y; ky += c->stride_h) {
    const int32_t iy = (y - ky) / c->stride_h;
    if (iy >= c->in_h) continue;
    for (int32_t kx = x % c->stride_w; kx < c->k_w && kx <= x; kx += c->stride_w) {
      const int32_t ix = (x - kx) / c->stride_w;
      if (ix >= c->in_w) continue;
      const int8_t *a = in + (iy * c->in_w + ix) * c->in_ch, *b = w + (ky * c->k_w + kx) * c->in_ch;
      for (int32_t i = 0; i < c->in_ch; i++) sum += (a[i] - c->zero_in) * b[i];
    }
  }
  return sum;
}

EK_KERNEL void ek_transpose_conv_s8(const struct ek_transpose_conv_s8 *c, const int8_t *in, int8_t *out) {
  const int32_t filter = (int32_t)c->k_h * c->k_w * c->in_ch;
  for (int32_t oy = 0; oy < c->out_h; oy++)
    for (int32_t ox = 0; ox < c->out_w; ox++)
      for (int32_t oc = 0; oc < c->out_ch; oc++) {
        const int8_t *w = c->weights + oc * filter;
        const int32_t sum = c->bias[oc] + ek_transpose_conv_sum(c, in, w, oy + c->pad_h, ox + c->pad_w);
        const int32_t y = ek_rescale(sum, c->multiplier[oc], c->shift[oc]) + c->zero_out;
        *out++ = (int8_t)ek_clamp(y, c->low, c->high);
      }
}

#endif
