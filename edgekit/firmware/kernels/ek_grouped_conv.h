/* CONV_2D in groups, int8: each output channel reads `in_group` of the input's. in: [in_h][in_w][in_ch],
 * weights: [out_ch][k_h][k_w][in_group]. Rounding as TFLM's reference_integer_ops::ConvPerChannel. */
#ifndef EDGEKIT_KERNELS_GROUPED_CONV_H
#define EDGEKIT_KERNELS_GROUPED_CONV_H

#include "ek_requantize.h"

struct ek_grouped_conv_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, out_ch, in_group, out_group;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  int16_t zero_in, zero_out, low, high;
  const int8_t *weights;
  const int32_t *bias, *multiplier;
  const int8_t *shift;
};

EK_KERNEL void ek_grouped_conv_s8(const struct ek_grouped_conv_s8 *c, const int8_t *in, int8_t *out) {
  for (int32_t oy = 0; oy < c->out_h; oy++)
    for (int32_t ox = 0; ox < c->out_w; ox++) {
      const int8_t *w = c->weights;
      for (int32_t oc = 0; oc < c->out_ch; oc++) {
        const int8_t *group = in + oc / c->out_group * c->in_group;
        int32_t sum = c->bias[oc];
        for (int32_t ky = 0; ky < c->k_h; ky++)
          for (int32_t kx = 0; kx < c->k_w; kx++, w += c->in_group) {
            const int32_t y = oy * c->stride_h - c->pad_h + ky * c->dilation_h;
            const int32_t x = ox * c->stride_w - c->pad_w + kx * c->dilation_w;
            if (y < 0 || y >= c->in_h || x < 0 || x >= c->in_w) continue;
            const int8_t *p = group + (y * c->in_w + x) * c->in_ch;
            for (int32_t i = 0; i < c->in_group; i++) sum += (p[i] - c->zero_in) * w[i];
          }
        sum = ek_rescale(sum, c->multiplier[oc], c->shift[oc]) + c->zero_out;
        *out++ = (int8_t)ek_clamp(sum, c->low, c->high);
      }
    }
}

#endif
