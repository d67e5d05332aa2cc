/* DEPTHWISE_CONV_2D, int8. in: [in_h][in_w][in_ch], out: [out_h][out_w][in_ch * multiplier],
 * weights: [out_ch][k_h][k_w]. Rounding as TFLM's reference_integer_ops::DepthwiseConvPerChannel.
 *
 * One channel at a time: the channel is copied into a padded int16 plane, so that the window has no
 * edges, neighbouring taps are one SMLAD, and the channel's constants stay in registers. The output of a
 * channel may then replace that channel of the input: with multiplier 1 the layer runs in place (as in
 * TinyEngine, Lin et al. 2021, arXiv:2110.15352).
 * The plane may be the image with its axes exchanged: a column of taps (audio) is then a row. The generator
 * says so and picks the routine that slides the window; ek_window.h has those for cores with SMLAD.
 * scratch: 2 * plane_h * plane_w bytes for the plane, then 16 * k_h * words for widened weights.
 */
#ifndef EDGEKIT_KERNELS_DEPTHWISE_H
#define EDGEKIT_KERNELS_DEPTHWISE_H

#include "ek_dot.h"

struct ek_channel;
struct ek_depthwise_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, multiplier;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  int16_t plane_h, plane_w; /* padded input; plane_w is even */
  int16_t words;            /* of a row of the plane under the taps of two outputs, by twos: see ek_window.h */
  int8_t in_zero;
  uint8_t swapped; /* 1: height and width are exchanged here, and in the weights, but not in memory */
  const int8_t *weights;
  void (*window)(const struct ek_depthwise_s8 *c, struct ek_channel *channel);
  struct ek_requant requant;
};

/* One channel, for what slides a window over its plane; the loops of ek_window.h know the order. Steps of
 * `out` are from a value to the next in its row and in its column. */
struct ek_channel {
  int32_t bias;
  struct ek_rescaler rescaler;
  int32_t out_right, width;        /* width: of the plane */
  int32_t out_w, x_next, out_next; /* next: from a row's end on */
  int32_t out_h, low, high, clamps;
  int32_t rows, words, down, back; /* a row: so many times two words of the plane */
  const int16_t *plane;
  int8_t *out;
  int32_t out_down;
  const int8_t *weights;
  int16_t *taps;
};

/* One channel of the image into the middle of its plane; `in` points at its first value. */
EK_KERNEL void ek_fill_plane(const struct ek_depthwise_s8 *c, const int8_t *in, int16_t *plane) {
  const int32_t in_ch = c->in_ch, step = in_ch * (c->swapped ? c->in_h : 1);
  const int32_t down = in_ch * (c->swapped ? 1 : c->in_w), width = c->plane_w;
  const int32_t high = c->plane_h - c->pad_h, rows = c->in_h < high ? c->in_h : high;
  const int32_t wide = width - c->pad_w, columns = c->in_w < wide ? c->in_w : wide;
  plane += c->pad_h * width + c->pad_w;
  for (int32_t y = rows; y > 0; y--, in += down, plane += width) {
    const int8_t *p = in;
    int16_t *to = plane;
    int32_t left = columns;
    for (; left >= 4; left -= 4, to += 4, p += 4 * step) {
      to[0] = p[0];
      to[1] = p[step];
      to[2] = p[2 * step];
      to[3] = p[3 * step];
    }
    for (; left > 0; left--, p += step) *to++ = *p;
  }
}

/* Any window. Two outputs at a time share their weights. */
EK_KERNEL void ek_window_any(const struct ek_depthwise_s8 *c, struct ek_channel *channel) {
  const struct ek_requant *const q = &c->requant;
  const enum ek_rounding how = ek_rounding_of(q);
  const int32_t k_h = c->k_h, k_w = c->k_w, width = c->plane_w, right = c->dilation_w;
  const int32_t down = c->dilation_h * width, next = c->stride_h * width;
  const int16_t *row = channel->plane;
  int8_t *out_row = channel->out;
  for (int32_t oy = c->out_h; oy > 0; oy--, row += next, out_row += channel->out_down) {
    const int16_t *corner = row;
    int8_t *out = out_row;
    for (int32_t left = c->out_w; left > 0; left -= 2, corner += 2 * c->stride_w) {
      const int32_t other = left > 1 ? c->stride_w : 0;
      const int8_t *w = channel->weights;
      const int16_t *x = corner;
      int32_t a = channel->bias, b = a;
      for (int32_t ky = k_h; ky > 0; ky--, x += down) {
        const int16_t *p = x;
        for (const int8_t *const end = w + k_w; w < end; p += right) {
          const int32_t tap = *w++;
          a += tap * p[0];
          b += tap * p[other];
        }
      }
      *out = (int8_t)ek_requantize(how, q, &channel->rescaler, a);
      out += channel->out_right;
      if (other) *out = (int8_t)ek_requantize(how, q, &channel->rescaler, b);
      out += channel->out_right;
    }
  }
}

#if defined(__ARM_FEATURE_DSP)
#include "ek_window.h"
#else
/* 3x3: two outputs `apart` share the values between them, too. */
static inline __attribute__((always_inline)) void ek_slide_3x3(const struct ek_depthwise_s8 *c,
                                                               const struct ek_channel *channel, int apart) {
  const struct ek_requant *const q = &c->requant;
  const enum ek_rounding how = ek_rounding_of(q);
  const int32_t width = c->plane_w;
  const int16_t *row = channel->plane;
  int8_t *out_row = channel->out;
  for (int32_t oy = c->out_h; oy > 0; oy--, row += c->stride_h * width, out_row += channel->out_down) {
    const int16_t *corner = row;
    int8_t *out = out_row;
    for (int32_t left = c->out_w; left > 0; left -= 2, corner += 2 * apart) {
      const int8_t *w = channel->weights;
      const int16_t *x = corner;
      int32_t a = channel->bias, b = a;
      for (const int8_t *const end = w + 9; w < end; w += 3, x += width) {
        const int32_t w0 = w[0], w1 = w[1], w2 = w[2];
        a += w0 * x[0] + w1 * x[1] + w2 * x[2];
        b += w0 * x[apart] + w1 * x[apart + 1] + w2 * x[apart + 2];
      }
      *out = (int8_t)ek_requantize(how, q, &channel->rescaler, a);
      out += channel->out_right;
      if (left > 1) *out = (int8_t)ek_requantize(how, q, &channel->rescaler, b);
      out += channel->out_right;
    }
  }
}

EK_KERNEL void ek_window_3x3(const struct ek_depthwise_s8 *c, struct ek_channel *channel) {
  ek_slide_3x3(c, channel, 1);
}

EK_KERNEL void ek_window_3x3_by_2(const struct ek_depthwise_s8 *c, struct ek_channel *channel) {
  ek_slide_3x3(c, channel, 2);
}

#define ek_window_rows ek_window_any
#endif

EK_KERNEL void ek_depthwise_s8(const struct ek_depthwise_s8 *c, const int8_t *in, int8_t *out, void *scratch) {
  const int32_t out_ch = (int32_t)c->in_ch * c->multiplier;
  int16_t *const plane = scratch, *const taps = plane + (int32_t)c->plane_h * c->plane_w;
  for (int16_t *p = plane; p < taps; p++) *p = c->in_zero;
  for (int32_t i = 8 * c->k_h * c->words; i > 0; i--) taps[i - 1] = 0;
  struct ek_channel channel;
  channel.out_right = out_ch * (c->swapped ? c->out_h : 1);
  channel.out_down = out_ch * (c->swapped ? 1 : c->out_w);
  channel.plane = plane;
  channel.taps = taps;
  channel.weights = c->weights;
  channel.out = out;
#if defined(__ARM_FEATURE_DSP)
  ek_set_steps(c, &channel);
#endif
  for (int32_t ic = 0, oc = 0; ic < c->in_ch; ic++) {
    ek_fill_plane(c, in + ic, plane);
    for (int32_t m = c->multiplier; m > 0; m--, oc++) {
      channel.bias = ek_channel_bias(&c->requant, oc);
      channel.rescaler = ek_channel_rescaler(&c->requant, oc);
      c->window(c, &channel);
      channel.weights += (int32_t)c->k_h * c->k_w;
      channel.out++;
    }
  }
}

#endif
