/* CONV_2D, int8. in: [in_h][in_w][in_ch], out: [out_h][out_w][out_ch], weights in the order of ek_dot.h with
 * k running over [k_h][k_w][in_ch]. Rounding as TFLM's reference_integer_ops::ConvPerChannel.
 *
 * Four output pixels are widened to int16 once and then multiplied with every output channel. A 1x1
 * convolution widens straight from the input; others gather the pixel's window first. Padding is the
 * input's zero point, which the folded bias cancels.
 * scratch: 8 * depth bytes for four columns, then depth bytes for a gathered window.
 * All of a pixel group's input is read before its output is written, in ascending order: the planner
 * lets output overlap the input that is no longer needed.
 */
#ifndef EDGEKIT_KERNELS_CONV_H
#define EDGEKIT_KERNELS_CONV_H

#include "ek_dot.h"

struct ek_conv_s8 {
  int16_t in_h, in_w, in_ch, out_h, out_w, out_ch;
  int16_t k_h, k_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  int8_t in_zero;
  uint8_t direct; /* 1: 1x1 window, no padding, in_ch a multiple of four: nothing to gather */
  const int8_t *weights;
  struct ek_requant requant; /* its bias padded to an even number of channels */
};

/* Copy the window of output pixel (oy, ox) to window[k_h][k_w][in_ch]. */
EK_KERNEL void ek_gather_window(const struct ek_conv_s8 *c, const int8_t *in, int32_t oy, int32_t ox,
                                int8_t *window) {
  const int32_t y0 = oy * c->stride_h - c->pad_h, x0 = ox * c->stride_w - c->pad_w;
  const int32_t row = (int32_t)c->k_w * c->in_ch;
  for (int32_t ky = 0; ky < c->k_h; ky++) {
    const int32_t y = y0 + ky * c->dilation_h;
    const int inside = y >= 0 && y < c->in_h;
    if (inside && c->dilation_w == 1 && x0 >= 0 && x0 + c->k_w <= c->in_w) {
      const int8_t *from = in + (y * c->in_w + x0) * c->in_ch;
      int32_t i = 0;
      for (; i + 4 <= row; i += 4) ek_store32(window + i, ek_load32(from + i));
      for (; i < row; i++) window[i] = from[i];
      window += row;
      continue;
    }
    for (int32_t kx = 0; kx < c->k_w; kx++) {
      const int32_t x = x0 + kx * c->dilation_w;
      const int8_t *from = in + (y * c->in_w + x) * c->in_ch;
      const int here = inside && x >= 0 && x < c->in_w;
      for (int32_t i = 0; i < c->in_ch; i++) *window++ = here ? from[i] : c->in_zero;
    }
  }
}

/* Four pixels by all channels from the widened columns. */
static inline __attribute__((always_inline)) void ek_conv_columns(const struct ek_conv_s8 *c,
                                                                  enum ek_rounding how, const ek_wide *wide,
                                                                  int32_t depth, int8_t *out) {
  const struct ek_requant *const q = &c->requant;
  const int8_t *w = c->weights;
  const int32_t pixel = c->out_ch, channels = c->out_ch;
  int32_t acc[8];
  for (int32_t ch = 0; ch < channels; w += 2 * depth) {
    const int two = ch + 1 < channels; /* bias is padded to an even number */
    acc[0] = acc[2] = acc[4] = acc[6] = ek_channel_bias(q, ch);
    acc[1] = acc[3] = acc[5] = acc[7] = ek_channel_bias(q, ch + 1);
    ek_dot_4x2(w, wide, w + 2 * depth, acc);
    const int32_t *a = acc;
    for (int i = 0; i <= two; i++, a++, ch++, out++) {
      const struct ek_rescaler r = ek_channel_rescaler(q, ch);
      out[0] = (int8_t)ek_requantize(how, q, &r, a[0]);
      out[pixel] = (int8_t)ek_requantize(how, q, &r, a[2]);
      out[2 * pixel] = (int8_t)ek_requantize(how, q, &r, a[4]);
      out[3 * pixel] = (int8_t)ek_requantize(how, q, &r, a[6]);
    }
  }
}

EK_APART void ek_conv_columns_plain(const struct ek_conv_s8 *c, const ek_wide *wide, int32_t depth,
                                    int8_t *out) {
  ek_conv_columns(c, EK_PLAIN, wide, depth, out);
}

EK_APART void ek_conv_columns_any(const struct ek_conv_s8 *c, const ek_wide *wide, int32_t depth,
                                  int8_t *out) {
  ek_conv_columns(c, ek_rounding_of(&c->requant), wide, depth, out);
}

#if defined(__ARM_FEATURE_MVE)
/* The same as ek_gather_window, without dilation. */
EK_KERNEL void ek_gather_vectors(const struct ek_conv_s8 *c, const int8_t *in, int32_t oy, int32_t ox,
                                 int8_t *window) {
  const int32_t y0 = oy * c->stride_h - c->pad_h, x0 = ox * c->stride_w - c->pad_w, n = c->in_ch;
  const int32_t below = c->in_h - y0, beside = c->in_w - x0, row = c->k_w * n, line = c->in_w * n;
  const int32_t top = y0 < 0 ? -y0 : 0, bottom = below < c->k_h ? below : c->k_h;
  const int32_t left = x0 < 0 ? -x0 * n : 0, right = (beside < c->k_w ? beside : c->k_w) * n;
  if (top || left || bottom < c->k_h || right < row) {
    const int8x16_t zero = vdupq_n_s8(c->in_zero);
    const int32_t size = c->k_h * row;
    for (int32_t i = 0; i < size; i += 16) vstrbq_p_s8(window + i, zero, vctp8q((uint32_t)(size - i)));
  }
  for (int32_t i = left; i < right; i += 16) {
    const mve_pred16_t some = vctp8q((uint32_t)(right - i));
    const int8_t *from = in + (y0 + top) * line + x0 * n + i;
    int8_t *to = window + top * row + i;
    for (int32_t k = bottom - top; k > 0; k--, from += line, to += row) {
      vstrbq_p_s8(to, vldrbq_z_s8(from, some), some);
    }
  }
}

/* ek_conv_s8 with vectors: the same steps. Four columns take 64 bytes for each 16 k begun, which is never more
 * than the 8 * depth that there are, but where depth is four. */
EK_KERNEL void ek_conv_vectors(const struct ek_conv_s8 *c, const int8_t *in, int8_t *out, void *scratch) {
  const int32_t length = (int32_t)c->k_h * c->k_w * c->in_ch, depth = (length + 3) & ~3;
  const int32_t count = (int32_t)c->out_h * c->out_w, whole = count & ~(EK_COLUMNS - 1);
  const int inside = !c->pad_h && !c->pad_w && (c->out_h - 1) * c->stride_h < c->in_h &&
                     (c->out_w - 1) * c->stride_w < c->in_w; /* a folded PAD is also behind the last pixel */
  const int direct = c->k_h == 1 && c->k_w == 1 && inside, plain = c->dilation_h == 1 && c->dilation_w == 1;
  const int32_t out_w = c->out_w, channels = c->out_ch, in_ch = c->in_ch, reads = depth < 16 ? 16 : depth;
  int8_t *const window = (int8_t *)scratch + (whole ? 2 * EK_COLUMNS * depth : 0);
  int8_t few[64], *const blocks = depth < 8 ? few : scratch;
  const int8_t *const end = direct ? in + c->in_h * c->in_w * in_ch : window + depth;
  int32_t i = 0;
  if (direct && c->stride_h == 1 && c->stride_w == 1) { /* pixels one behind the other */
    for (; i < whole; i += EK_COLUMNS, out += EK_COLUMNS * channels) {
      for (int lane = 0; lane < EK_COLUMNS; lane++, in += in_ch) {
        ek_spread_column(in, blocks + 16 * lane, length, in + reads <= end);
      }
      ek_vector_columns(c->weights, &c->requant, blocks, depth, channels, out);
    }
    in -= i * in_ch;
  }
  for (int32_t oy = i / out_w, ox = i % out_w; i < count; i++) {
    const int8_t *column = window;
    if (direct && i < whole) { /* the last ones may lie where their own output is written */
      column = in + (oy * c->stride_h * c->in_w + ox * c->stride_w) * in_ch;
    } else if (plain) {
      ek_gather_vectors(c, in, oy, ox, window);
    } else {
      ek_gather_window(c, in, oy, ox, window);
    }
    if (++ox == out_w) ox = 0, oy++;
    const int32_t lane = i % EK_COLUMNS;
    if (i < whole) ek_spread_column(column, blocks + 16 * lane, length, column + reads <= end);
    if (i >= whole) {
      ek_vector_channels(c->weights, &c->requant, column, length, channels, out);
      out += channels;
    } else if (lane == EK_COLUMNS - 1) {
      ek_vector_columns(c->weights, &c->requant, blocks, depth, channels, out);
      out += EK_COLUMNS * channels;
    }
  }
}
#endif

EK_KERNEL void ek_conv_s8(const struct ek_conv_s8 *c, const int8_t *in, int8_t *out, void *scratch) {
#if defined(__ARM_FEATURE_MVE)
  ek_conv_vectors(c, in, out, scratch);
  return;
#endif
  const int32_t length = (int32_t)c->k_h * c->k_w * c->in_ch, depth = (length + 3) & ~3;
  const int32_t count = (int32_t)c->out_h * c->out_w, whole = count & ~(EK_COLUMNS - 1);
  ek_wide *const wide = scratch;
  int8_t *const window = (int8_t *)scratch + (whole ? 2 * EK_COLUMNS * depth : 0);
  int32_t oy = 0, ox = 0;
  for (int32_t i = 0; i < count; i++) {
    const int8_t *column = window;
    if (c->direct && i < whole) {
      column = in + (oy * c->stride_h * c->in_w + ox * c->stride_w) * c->in_ch;
    } else {
      ek_gather_window(c, in, oy, ox, window);
    }
    if (++ox == c->out_w) ox = 0, oy++;
    const int32_t lane = i % EK_COLUMNS;
    if (i >= whole) { /* the last one to three pixels, one by one */
      ek_all_channels(c->weights, &c->requant, ek_rounding_of(&c->requant), column, length, c->out_ch, out);
      out += c->out_ch;
      continue;
    }
    ek_widen_column(column, wide, lane, depth);
    if (lane == EK_COLUMNS - 1) {
      if (ek_rounding_of(&c->requant) == EK_PLAIN) {
        ek_conv_columns_plain(c, wide, depth, out);
      } else {
        ek_conv_columns_any(c, wide, depth, out);
      }
      out += (int32_t)EK_COLUMNS * c->out_ch;
    }
  }
}

#endif
