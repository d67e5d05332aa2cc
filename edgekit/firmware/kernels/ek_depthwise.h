/* DEPTHWISE_CONV_2D, int8. in: [in_h][in_w][in_ch], out: [out_h][out_w][in_ch * multiplier],
 * weights: [out_ch][k_h][k_w]. Rounding as TFLM's reference_integer_ops::DepthwiseConvPerChannel.
 *
 * One channel at a time: the channel is copied into a padded int16 plane, so that the window has no
 * edges, neighbouring taps are one SMLAD, and the channel's constants stay in registers. The output of a
 * channel may then replace that channel of the input: with multiplier 1 the layer runs in place (as in
 * TinyEngine, Lin et al. 2021, arXiv:2110.15352).
 * EK_ANY_WINDOW is a constant of the model: 0 where all windows are 3x3.
 * scratch: 2 * plane_h * plane_w bytes for the plane and 4 * k_h * ((k_w + 1) / 2) for widened weights.
 */
#ifndef EDGEKIT_KERNELS_DEPTHWISE_H
#define EDGEKIT_KERNELS_DEPTHWISE_H

#include "ek_dot.h"

struct ek_depthwise_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, multiplier;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  int16_t plane_h, plane_w; /* padded input; plane_w is even */
  int8_t in_zero;
  uint8_t three; /* 1: 3x3, no dilation, stride_w 1 or 2 */
  const int8_t *weights;
  struct ek_requant requant;
};

/* The padded plane of one channel; `in` points at its first value. */
EK_KERNEL void ek_fill_plane(const struct ek_depthwise_s8 *c, const int8_t *in, int16_t *plane) {
  const int32_t step = c->in_ch, width = c->plane_w, left = c->pad_w;
  const int32_t inside = left + c->in_w < width ? c->in_w : width - left;
  const int16_t zero = c->in_zero;
  for (int32_t y = 0; y < c->plane_h; y++) {
    int16_t *const row = plane, *const end = plane + width;
    if (y >= c->pad_h && y < c->pad_h + c->in_h) {
      while (plane < row + left) *plane++ = zero;
      const int8_t *p = in;
      for (; plane < row + left + inside; p += step) *plane++ = *p;
      in += c->in_w * step;
    }
    while (plane < end) *plane++ = zero;
  }
}

#if defined(__ARM_FEATURE_DSP)
/* Two taps as one operand. */
static inline uint32_t ek_pair(int32_t low, int32_t high) { return (uint16_t)low | (uint32_t)high << 16; }

/* One row of a 3x3 window for two neighbouring outputs. With (w0, w1) and (w1, w2) in a register each,
 * x0 w0 + x1 w1 + x2 w2 and x1 w0 + x2 w1 + x3 w2 are two multiply-accumulates each on (x0, x1), (x2, x3).
 * In assembly because the compiler would reorder it and run out of registers. */
static inline __attribute__((always_inline)) void ek_row_of_three(const int16_t *x, uint32_t w01,
                                                                  uint32_t w12, int32_t *a, int32_t *b) {
  uint32_t x01, x23;
  __asm__ volatile(
      "ldrd %[x01], %[x23], [%[x]]\n"
      "smlad %[a], %[x01], %[w01], %[a]\n"
      "smlatb %[b], %[x01], %[w01], %[b]\n"
      "smlabt %[a], %[x23], %[w12], %[a]\n"
      "smlad %[b], %[x23], %[w12], %[b]\n"
      : [a] "+r"(*a), [b] "+r"(*b), [x01] "=&r"(x01), [x23] "=&r"(x23)
      : [x] "r"(x), [w01] "r"(w01), [w12] "r"(w12)
      : "memory");
}

/* 3x3 without dilation. With stride 1 two outputs share their loads, with stride 2 the second is dropped. */
static inline __attribute__((always_inline)) void ek_depthwise_3x3(const struct ek_depthwise_s8 *c,
                                                                   enum ek_rounding how, const int16_t *plane,
                                                                   const int8_t *w, int32_t bias,
                                                                   struct ek_rescaler r, int8_t *out) {
  const uint32_t l0 = ek_pair(w[0], w[1]), r0 = ek_pair(w[1], w[2]);
  const uint32_t l1 = ek_pair(w[3], w[4]), r1 = ek_pair(w[4], w[5]);
  const uint32_t l2 = ek_pair(w[6], w[7]), r2 = ek_pair(w[7], w[8]);
  const struct ek_requant *const q = &c->requant;
  const int32_t out_ch = (int32_t)c->in_ch * c->multiplier, width = c->plane_w;
  const int32_t step = 3 - c->stride_w; /* outputs a turn */
  const int32_t out_w = c->out_w, next = c->stride_h * width;
  for (int32_t oy = c->out_h; oy > 0; oy--, plane += next) {
    const int16_t *x = plane;
    for (int32_t left = out_w; left > 0; left -= step, x += 2) {
      int32_t a = bias, b = bias;
      const int16_t *row = x;
      ek_row_of_three(row, l0, r0, &a, &b);
      row += width;
      ek_row_of_three(row, l1, r1, &a, &b);
      row += width;
      ek_row_of_three(row, l2, r2, &a, &b);
      *out = (int8_t)ek_requantize(how, q, &r, a);
      out += out_ch;
      if (left >= step && step == 2) {
        *out = (int8_t)ek_requantize(how, q, &r, b);
        out += out_ch;
      }
    }
  }
}

EK_APART void ek_depthwise_3x3_plain(const struct ek_depthwise_s8 *c, const int16_t *plane, const int8_t *w,
                                     int32_t bias, const struct ek_rescaler *r, int8_t *out) {
  ek_depthwise_3x3(c, EK_PLAIN, plane, w, bias, *r, out);
}

EK_APART void ek_depthwise_3x3_clamped(const struct ek_depthwise_s8 *c, const int16_t *plane, const int8_t *w,
                                       int32_t bias, const struct ek_rescaler *r, int8_t *out) {
  ek_depthwise_3x3(c, EK_CLAMPED, plane, w, bias, *r, out);
}
#endif

EK_KERNEL void ek_depthwise_any(const struct ek_depthwise_s8 *c, const int16_t *plane, const int8_t *w,
                                int16_t *taps, int32_t bias, const struct ek_rescaler *r, int8_t *out) {
  const int32_t row = (c->k_w + 1) & ~1; /* taps of a row, rounded up to pairs with a zero */
  for (int32_t ky = 0; ky < c->k_h; ky++) {
    for (int32_t kx = 0; kx < row; kx++) taps[ky * row + kx] = kx < c->k_w ? *w++ : 0;
  }
  const int32_t out_ch = (int32_t)c->in_ch * c->multiplier, k_h = c->k_h, k_w = c->k_w;
  const int32_t down = (int32_t)c->dilation_h * c->plane_w, right = c->dilation_w, stride = c->stride_w;
  const enum ek_rounding how = ek_rounding_of(&c->requant);
  for (int32_t oy = 0; oy < c->out_h; oy++) {
    const int16_t *corner = plane + oy * c->stride_h * c->plane_w;
    for (int32_t ox = c->out_w; ox > 0; ox--, corner += stride) {
      const int16_t *x = corner, *t = taps;
      int32_t acc = bias;
      for (int32_t ky = 0; ky < k_h; ky++, x += down) {
#if defined(__ARM_FEATURE_DSP)
        if (right == 1) {
          const int16_t *p = x;
          for (const int16_t *const end = t + row; t < end; t += 2, p += 2) {
            acc = __smlad((int32_t)ek_load32(p), (int32_t)ek_load32(t), acc);
          }
          continue;
        }
#endif
        for (int32_t kx = 0; kx < k_w; kx++) acc += (int32_t)x[kx * right] * t[kx];
        t += row;
      }
      *out = (int8_t)ek_requantize(how, &c->requant, r, acc);
      out += out_ch;
    }
  }
}

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
 * provides; the places of the taps lie behind what the plane of int16 would take. */
EK_KERNEL int ek_depthwise_vectors(const struct ek_depthwise_s8 *c, const int8_t *in, int8_t *out,
                                   void *scratch) {
  const int32_t k_w = c->k_w, taps = c->k_h * k_w, size = (int32_t)c->plane_h * c->plane_w;
  const int32_t down = (int32_t)c->dilation_h * c->plane_w, right = c->dilation_w;
  const int32_t reach = (c->k_h - 1) * down + (k_w - 1) * right, channels = (int32_t)c->in_ch * c->multiplier;
  if (EK_ANY_WINDOW && reach > UINT16_MAX) return 0;
  struct ek_depthwise_plan p = {.layer = c, .plane = scratch, .taps = taps, .channels = channels};
  p.inside = p.plane + c->pad_h * c->plane_w + c->pad_w;
  p.rows = c->in_h < c->plane_h - c->pad_h ? c->in_h : c->plane_h - c->pad_h;
  p.columns = c->in_w < c->plane_w - c->pad_w ? c->in_w : c->plane_w - c->pad_w;
  p.in_right = c->in_ch, p.in_down = (int32_t)c->in_w * c->in_ch;
  ek_plan_lines(&p, channels, c->out_w * channels);
  const int few = taps <= 16 && reach + p.step <= UINT8_MAX && 3 * p.step <= size;
  uint16_t *const places = (uint16_t *)scratch + size;
  uint8_t first[16];
  vst1q_u8(first, vdupq_n_u8(0));
  for (int32_t y = 0, k = 0; y < c->k_h; y++) {
    for (int32_t x = 0; x < k_w; x++, k++) {
      places[k] = (uint16_t)(y * down + x * right);
      if (few) first[k] = (uint8_t)places[k];
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

EK_KERNEL void ek_depthwise_s8(const struct ek_depthwise_s8 *c, const int8_t *in, int8_t *out,
                               void *scratch) {
#if defined(__ARM_FEATURE_MVE)
  if (ek_depthwise_vectors(c, in, out, scratch)) return;
#endif
  int16_t *const plane = scratch, *const taps = plane + (int32_t)c->plane_h * c->plane_w;
  const int8_t *w = c->weights;
  for (int32_t ic = 0, oc = 0; ic < c->in_ch; ic++) {
    ek_fill_plane(c, in + ic, plane);
    for (int32_t m = 0; m < c->multiplier; m++, oc++, w += (int32_t)c->k_h * c->k_w) {
      const struct ek_rescaler r = ek_channel_rescaler(&c->requant, oc);
      const int32_t bias = ek_channel_bias(&c->requant, oc);
#if defined(__ARM_FEATURE_DSP)
      const enum ek_rounding how = ek_rounding_of(&c->requant);
      if (!EK_ANY_WINDOW || (c->three && how != EK_EXACT)) {
        (how == EK_PLAIN ? ek_depthwise_3x3_plain : ek_depthwise_3x3_clamped)(c, plane, w, bias, &r,
                                                                              out + oc);
        continue;
      }
#endif
      ek_depthwise_any(c, plane, w, taps, bias, &r, out + oc);
    }
  }
}

#endif
