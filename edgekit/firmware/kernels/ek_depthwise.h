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

#if defined(__ARM_FEATURE_MVE)
/* What a layer's channels share. Steps are in bytes. */
struct ek_depthwise_plan {
  const struct ek_depthwise_s8 *layer;
  int8_t *plane;                    /* padded input of one channel */
  int8_t *inside;                   /* the image's place in it, of so many rows and columns */
  int32_t rows, columns;
  int32_t in_right, in_down;        /* from a channel's value to its next one in the row, in the column */
  int32_t lines, length;            /* of outputs: its rows or its columns, whichever fill vectors better */
  int32_t step, next_line;          /* in the plane: from window to window of a line, from line to line */
  int32_t out_step, out_next_line;  /* in the output */
  int32_t taps, channels;
};

static inline void ek_plan_lines(struct ek_depthwise_plan *p, int32_t out_right, int32_t out_down) {
  const struct ek_depthwise_s8 *const c = p->layer;
  const int32_t right = c->stride_w, down = (int32_t)c->stride_h * c->plane_w;
  if ((c->out_h + 3) / 4 * c->out_w < (c->out_w + 3) / 4 * c->out_h) {
    p->lines = c->out_w, p->length = c->out_h;
    p->step = down, p->next_line = right, p->out_step = out_down, p->out_next_line = out_right;
  } else {
    p->lines = c->out_h, p->length = c->out_w;
    p->step = right, p->next_line = down, p->out_step = out_right, p->out_next_line = out_down;
  }
}

/* One channel of the image into the padded plane, whose edge is there already: eight values of each row at once. */
static inline void ek_copy_channel(const struct ek_depthwise_plan *p, const int8_t *in) {
  const int32_t right = p->in_right, next = p->in_down, down = p->layer->plane_w, width = p->columns;
  const int32_t lanes = right <= UINT16_MAX / 7 ? 8 : 1;
  const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)right);
  for (int32_t x = 0; x < width; x += lanes) {
    const mve_pred16_t some = vctp16q((uint32_t)(width - x < lanes ? width - x : lanes));
    const int8_t *from = in + x * right;
    int8_t *to = p->inside + x;
    for (int32_t y = p->rows; y > 0; y--, from += next, to += down) {
      vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, places, some), some);
    }
  }
}

/* Four outputs of a channel: for each a gather of its window and a VMLADAV. x moves on to the next four.
 * two: bytes of two steps from window to window. beside: `places`, one step on. */
static inline int32x4_t ek_four_windows(const int8_t **x, int32_t two, uint8x16_t places, uint8x16_t beside,
                                        int8x16_t taps) {
  const int8_t *p = *x;
  const int32_t first = vmladavq_s8(vldrbq_gather_offset_s8(p, places), taps);
  const int32_t second = vmladavq_s8(vldrbq_gather_offset_s8(p, beside), taps);
  p += two;
  const int32_t third = vmladavq_s8(vldrbq_gather_offset_s8(p, places), taps);
  const int32_t fourth = vmladavq_s8(vldrbq_gather_offset_s8(p, beside), taps);
  *x = p + two;
  return vsetq_lane_s32(fourth, vsetq_lane_s32(third, vsetq_lane_s32(second, vdupq_n_s32(first), 1), 2), 3);
}

/* Up to 16 taps within 255 bytes for two outputs. Where outputs of a line are no multiple of four, the last four
 * are taken from its end; where there are fewer, more is read, within the scratch memory, and not written. */
EK_APART void ek_depthwise_few(const struct ek_depthwise_plan *p, uint8x16_t places, const int8_t *in, int8_t *out) {
  const struct ek_depthwise_s8 *const c = p->layer;
  const struct ek_limits s = ek_limits_of(&c->requant);
  const int32_t out_step = p->out_step, length = p->length, last = length < 4 ? 0 : length - 4;
  const int32_t two = 2 * p->step, next_line = p->next_line, out_next_line = p->out_next_line;
  const uint32x4_t to = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)out_step);
  const uint8x16_t beside = vaddq_n_u8(places, (uint8_t)p->step);
  const int8_t *w = c->weights;
  for (int32_t oc = 0, m = 0; oc < p->channels; oc++, out++, w += p->taps) {
    if (m == 0) ek_copy_channel(p, in++), m = c->multiplier;
    m--;
    const struct ek_lane r = ek_lane_of(&c->requant, oc);
    const int8x16_t taps = vldrbq_z_s8(w, vctp8q((uint32_t)p->taps));
    const int8_t *plane = p->plane;
    int8_t *line = out;
    for (int32_t left = p->lines; left > 0; left--, plane += next_line, line += out_next_line) {
      const int8_t *x = plane;
      int8_t *o = line;
      for (int32_t n = length / 4; n > 0; n--, o += 4 * out_step) {
        const int32x4_t acc = ek_four_windows(&x, two, places, beside, taps);
        vstrbq_scatter_offset_s32(o, to, ek_requantize_pixels(&s, r, acc));
      }
      if (length & 3) {
        x = plane + last * (two / 2);
        const int32x4_t acc = ek_four_windows(&x, two, places, beside, taps);
        vstrbq_scatter_offset_p_s32(line + last * out_step, to, ek_requantize_pixels(&s, r, acc),
                                    vctp32q((uint32_t)length));
      }
    }
  }
}

/* Any window whose taps lie within 65,535 bytes: `places` says where, eight products at a time. */
EK_APART void ek_depthwise_many(const struct ek_depthwise_plan *p, const uint16_t *places, const int8_t *in,
                                int8_t *out) {
  const struct ek_depthwise_s8 *const c = p->layer;
  const struct ek_limits s = ek_limits_of(&c->requant);
  const uint32x4_t to = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)p->out_step);
  const int32_t taps = p->taps, step = p->step;
  const int8_t *w = c->weights;
  for (int32_t oc = 0, m = 0; oc < p->channels; oc++, out++, w += taps) {
    if (m == 0) ek_copy_channel(p, in++), m = c->multiplier;
    m--;
    const struct ek_lane r = ek_lane_of(&c->requant, oc);
    for (int32_t line = 0; line < p->lines; line++) {
      const int8_t *x = p->plane + line * p->next_line;
      int8_t *o = out + line * p->out_next_line;
      for (int32_t left = p->length; left > 0; left -= 4, o += 4 * p->out_step) {
        int32_t sums[4];
        for (int32_t i = 0; i < 4 && i < left; i++, x += step) {
          int32_t acc = 0;
          for (int32_t k = 0; k < taps; k += 8) {
            const mve_pred16_t some = vctp16q((uint32_t)(taps - k));
            const int16x8_t v = vldrbq_gather_offset_z_s16(x, vldrhq_z_u16(places + k, some), some);
            acc = vmladavaq_s16(acc, v, vldrbq_z_s16(w + k, some));
          }
          sums[i] = acc;
        }
        const int32x4_t y = ek_requantize_pixels(&s, r, vldrwq_s32(sums));
        vstrbq_scatter_offset_p_s32(o, to, y, vctp32q((uint32_t)left));
      }
    }
  }
}

/* Whether the layer was computed, with vectors. The plane is of int8, and half as large as the scratch memory
 * provides; the other half takes the places of the taps. */
EK_KERNEL int ek_depthwise_vectors(const struct ek_depthwise_s8 *c, const int8_t *in, int8_t *out,
                                   void *scratch) {
  const int32_t k_w = c->k_w, taps = c->k_h * k_w, size = (int32_t)c->plane_h * c->plane_w;
  const int32_t down = (int32_t)c->dilation_h * c->plane_w, right = c->dilation_w;
  const int32_t reach = (c->k_h - 1) * down + (k_w - 1) * right, channels = (int32_t)c->in_ch * c->multiplier;
  struct ek_depthwise_plan p = {.layer = c, .plane = scratch, .taps = taps, .channels = channels};
  p.inside = p.plane + c->pad_h * c->plane_w + c->pad_w;
  p.rows = c->in_h < c->plane_h - c->pad_h ? c->in_h : c->plane_h - c->pad_h;
  p.columns = c->in_w < c->plane_w - c->pad_w ? c->in_w : c->plane_w - c->pad_w;
  p.in_right = c->in_ch * (c->swapped ? c->in_h : 1), p.in_down = c->in_ch * (c->swapped ? 1 : c->in_w);
  ek_plan_lines(&p, channels * (c->swapped ? c->out_h : 1), channels * (c->swapped ? 1 : c->out_w));
  const int few = taps <= 16 && reach + p.step <= UINT8_MAX && 3 * p.step <= size;
  uint16_t *const places = (uint16_t *)(p.plane + size);
  if (!few && (reach > UINT16_MAX || 2 * taps > size)) return 0;
  uint8_t first[16];
  vst1q_u8(first, vdupq_n_u8(0));
  for (int32_t y = 0, k = 0; y < c->k_h; y++) {
    for (int32_t x = 0; x < k_w; x++, k++) {
      if (few) {
        first[k] = (uint8_t)(y * down + x * right);
      } else {
        places[k] = (uint16_t)(y * down + x * right);
      }
    }
  }
  for (int32_t i = 0; i < size; i += 16) {
    vstrbq_p_s8(p.plane + i, vdupq_n_s8(c->in_zero), vctp8q((uint32_t)(size - i)));
  }
  if (few) {
    ek_depthwise_few(&p, vld1q_u8(first), in, out);
  } else {
    ek_depthwise_many(&p, places, in, out);
  }
  return 1;
}
#endif

EK_KERNEL void ek_depthwise_s8(const struct ek_depthwise_s8 *c, const int8_t *in, int8_t *out, void *scratch) {
#if defined(__ARM_FEATURE_MVE)
  if (ek_depthwise_vectors(c, in, out, scratch)) return;
#endif
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
