/* DEPTHWISE_CONV_2D, int8. in: [in_h][in_w][in_ch], out: [out_h][out_w][in_ch * multiplier],
 * weights: [out_ch][k_h][k_w]. Rounding as TFLM's reference_integer_ops::DepthwiseConvPerChannel.
 *
 * One channel at a time: the channel is copied into a padded int16 plane, so that the window has no
 * edges, neighbouring taps are one SMLAD, and the channel's constants stay in registers. The output of a
 * channel may then replace that channel of the input: with multiplier 1 the layer runs in place (as in
 * TinyEngine, Lin et al. 2021, arXiv:2110.15352).
 * scratch: 2 * plane_h * plane_w bytes for the plane and 4 * k_h * ((k_w + 1) / 2) for widened weights.
 */
#ifndef EDGEKIT_DEPTHWISE_H
#define EDGEKIT_DEPTHWISE_H

#include "dot.h"

struct depthwise_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, multiplier;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  int16_t plane_h, plane_w; /* padded input; plane_w is even */
  int8_t in_zero;
  const int8_t *weights;
  const int32_t *bias; /* [out_ch], the input zero point folded in */
  struct requant requant;
};

/* The padded plane of one channel; `in` points at its first value. */
static void fill_plane(const struct depthwise_s8 *c, const int8_t *in, int16_t *plane) {
  for (int32_t y = 0; y < c->plane_h; y++) {
    int32_t x = 0;
    if (y >= c->pad_h && y < c->pad_h + c->in_h) {
      for (; x < c->pad_w; x++) *plane++ = c->in_zero;
      for (; x < c->pad_w + c->in_w && x < c->plane_w; x++, in += c->in_ch) *plane++ = *in;
      if (c->pad_w + c->in_w > c->plane_w) in += (c->pad_w + c->in_w - c->plane_w) * c->in_ch;
    }
    for (; x < c->plane_w; x++) *plane++ = c->in_zero;
  }
}

#if defined(__ARM_FEATURE_DSP)
/* One row of a 3x3 window for two neighbouring outputs: weights (w0, w1) and (w1, w2) in one register each. */
static inline void row_of_three(const int16_t *x, uint32_t left, uint32_t right, int32_t *a, int32_t *b) {
  const uint32_t x01 = load32(x), x23 = load32(x + 2);
  *a = __smlabt(x23, right, __smlad(x01, left, *a));
  if (b) *b = __smlatb(x01, left, __smlad(x23, right, *b));
}

/* 3x3 without dilation, stride 1 (two outputs share their loads) or 2. */
static void depthwise_3x3(const struct depthwise_s8 *c, const int16_t *plane, const int8_t *w,
                          int32_t bias, const struct rescaler *r, int8_t *out) {
  uint32_t left[3], right[3];
  for (int row = 0; row < 3; row++, w += 3) {
    left[row] = (uint16_t)w[0] | (uint32_t)w[1] << 16;
    right[row] = (uint16_t)w[1] | (uint32_t)w[2] << 16;
  }
  const struct requant *q = &c->requant;
  const int32_t out_ch = c->in_ch * c->multiplier, width = c->plane_w;
  const int32_t pairs = c->stride_w == 1 ? c->out_w / 2 : 0, singles = c->out_w - 2 * pairs;
  for (int32_t oy = 0; oy < c->out_h; oy++, plane += c->stride_h * width) {
    const int16_t *x = plane;
    for (int32_t i = 0; i < pairs; i++, x += 2) {
      int32_t a = bias, b = bias;
      row_of_three(x, left[0], right[0], &a, &b);
      row_of_three(x + width, left[1], right[1], &a, &b);
      row_of_three(x + 2 * width, left[2], right[2], &a, &b);
      *out = (int8_t)requantize(q, r, a);
      out += out_ch;
      *out = (int8_t)requantize(q, r, b);
      out += out_ch;
    }
    for (int32_t i = 0; i < singles; i++, x += 2) {
      int32_t a = bias;
      row_of_three(x, left[0], right[0], &a, 0);
      row_of_three(x + width, left[1], right[1], &a, 0);
      row_of_three(x + 2 * width, left[2], right[2], &a, 0);
      *out = (int8_t)requantize(q, r, a);
      out += out_ch;
    }
  }
}
#endif

static void depthwise_any(const struct depthwise_s8 *c, const int16_t *plane, const int8_t *w,
                          int16_t *taps, int32_t bias, const struct rescaler *r, int8_t *out) {
  const int32_t row = (c->k_w + 1) & ~1; /* taps of a row, rounded up to pairs with a zero */
  for (int32_t ky = 0; ky < c->k_h; ky++) {
    for (int32_t kx = 0; kx < row; kx++) taps[ky * row + kx] = kx < c->k_w ? *w++ : 0;
  }
  for (int32_t oy = 0; oy < c->out_h; oy++) {
    for (int32_t ox = 0; ox < c->out_w; ox++) {
      const int16_t *x = plane + oy * c->stride_h * c->plane_w + ox * c->stride_w;
      const int16_t *t = taps;
      int32_t acc = bias;
      for (int32_t ky = 0; ky < c->k_h; ky++, x += c->dilation_h * c->plane_w) {
#if defined(__ARM_FEATURE_DSP)
        if (c->dilation_w == 1) {
          for (int32_t kx = 0; kx < row; kx += 2, t += 2) {
            acc = __smlad(load32(x + kx), load32(t), acc);
          }
          continue;
        }
#endif
        for (int32_t kx = 0; kx < c->k_w; kx++) acc += x[kx * c->dilation_w] * t[kx];
        t += row;
      }
      *out = (int8_t)requantize(&c->requant, r, acc);
      out += c->in_ch * c->multiplier;
    }
  }
}

static void depthwise_s8(const struct depthwise_s8 *c, const int8_t *in, int8_t *out, void *scratch) {
  int16_t *const plane = scratch, *const taps = plane + c->plane_h * c->plane_w;
  const int8_t *w = c->weights;
  for (int32_t ic = 0, oc = 0; ic < c->in_ch; ic++) {
    fill_plane(c, in + ic, plane);
    for (int32_t m = 0; m < c->multiplier; m++, oc++, w += c->k_h * c->k_w) {
      const struct rescaler r = channel_rescaler(&c->requant, oc);
#if defined(__ARM_FEATURE_DSP)
      if (c->k_h == 3 && c->k_w == 3 && c->dilation_h == 1 && c->dilation_w == 1 && c->stride_w <= 2) {
        depthwise_3x3(c, plane, w, c->bias[oc], &r, out + oc);
        continue;
      }
#endif
      depthwise_any(c, plane, w, taps, c->bias[oc], &r, out + oc);
    }
  }
}

#endif
