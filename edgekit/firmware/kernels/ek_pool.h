/* AVERAGE_POOL_2D, MAX_POOL_2D and MEAN, int8. in: [in_h][in_w][channels], out: [out_h][out_w][channels].
 * The average rounds halves away from zero over the taps inside the image (TFLM's
 * reference_integer_ops::AveragePool); it is a multiplication by a reciprocal, exact for windows of up to
 * 4,000 taps, so that no core has to divide more than once a pixel; wider ones divide.
 * MEAN sums and rescales with 1/n folded into the multiplier (TFLM's QuantizedMeanOrSum). */
#ifndef EDGEKIT_KERNELS_POOL_H
#define EDGEKIT_KERNELS_POOL_H

#include "ek_mve.h"
#include "ek_requantize.h"

struct ek_pool_s8 {
  int16_t in_h, in_w, channels, out_h, out_w, k_h, k_w, stride_h, stride_w, pad_h, pad_w;
  int8_t low, high;
};

/* The part of output pixel (oy, ox)'s window inside the image: rows y0..y1, columns x0..x1. */
struct ek_window {
  int32_t y0, y1, x0, x1;
};

static inline struct ek_window ek_pool_window(const struct ek_pool_s8 *c, int32_t oy, int32_t ox) {
  const int32_t y = oy * c->stride_h - c->pad_h, x = ox * c->stride_w - c->pad_w;
  const struct ek_window w = {y < 0 ? 0 : y, y + c->k_h > c->in_h ? c->in_h : y + c->k_h,
                           x < 0 ? 0 : x, x + c->k_w > c->in_w ? c->in_w : x + c->k_w};
  return w;
}

#if defined(__ARM_FEATURE_MVE)
/* The averages of all channels of a window of up to 255 taps, eight at once: a sum of so many fits 16 bits. */
EK_APART void ek_average_vectors(const struct ek_pool_s8 *c, struct ek_window w, uint32_t taps,
                                 uint32_t reciprocal, const int8_t *in, int8_t *out) {
  const int32_t channels = c->channels, line = c->in_w * channels;
  const int8_t *const corner = in + w.y0 * line + w.x0 * channels;
  const uint32x4_t factor = vdupq_n_u32(reciprocal);
  for (int32_t ch = 0; ch < channels; ch += 8) {
    const mve_pred16_t some = vctp16q((uint32_t)(channels - ch));
    int16x8_t sum = vdupq_n_s16(0);
    const int8_t *row = corner + ch;
    for (int32_t y = w.y1 - w.y0; y > 0; y--, row += line) {
      const int8_t *p = row;
      for (int32_t x = w.x1 - w.x0; x > 0; x--, p += channels) sum = vaddq_s16(sum, vldrbq_z_s16(p, some));
    }
    const uint16x8_t size = vaddq_n_u16(vreinterpretq_u16_s16(vabsq_s16(sum)), (uint16_t)(taps / 2));
    const uint32x4_t even = vmulhq_u32(vshllbq_n_u16(size, 1), factor);
    const uint32x4_t odd = vmulhq_u32(vshlltq_n_u16(size, 1), factor);
    int16x8_t mean = vmovntq_s32(vmovnbq_s32(sum, vreinterpretq_s32_u32(even)), vreinterpretq_s32_u32(odd));
    mean = vnegq_m_s16(mean, mean, vcmpltq_n_s16(sum, 0));
    mean = vminq_s16(vmaxq_s16(mean, vdupq_n_s16(c->low)), vdupq_n_s16(c->high));
    vstrbq_p_s16(out + ch, mean, some);
  }
}
#endif

enum ek_pool_kind { EK_POOL_MAX, EK_POOL_AVERAGE, EK_POOL_WIDE };

static inline void ek_pool_s8(const struct ek_pool_s8 *c, enum ek_pool_kind average, const int8_t *in,
                              int8_t *out) {
  for (int32_t oy = 0; oy < c->out_h; oy++) {
    for (int32_t ox = 0; ox < c->out_w; ox++) {
      const struct ek_window w = ek_pool_window(c, oy, ox);
      const uint32_t taps = (uint32_t)((w.y1 - w.y0) * (w.x1 - w.x0));
      const uint32_t reciprocal = average ? 0x80000000u / taps + 1 : 0; /* 2^31 / taps, rounded up */
#if defined(__ARM_FEATURE_MVE)
      if (average && taps < 256) {
        ek_average_vectors(c, w, taps, reciprocal, in, out);
        out += c->channels;
        continue;
      }
#endif
      for (int32_t ch = 0; ch < c->channels; ch++) {
        int32_t acc = average ? 0 : -128;
        for (int32_t y = w.y0; y < w.y1; y++) {
          const int8_t *p = in + (y * c->in_w + w.x0) * c->channels + ch;
          for (int32_t x = w.x0; x < w.x1; x++, p += c->channels) {
            if (average) {
              acc += *p;
            } else if (*p > acc) {
              acc = *p;
            }
          }
        }
        if (average) {
          const uint32_t size = (uint32_t)(acc < 0 ? -acc : acc) + taps / 2;
          const int32_t mean = average == EK_POOL_WIDE ? (int32_t)(size / taps)
                                                       : (int32_t)((uint64_t)size * reciprocal >> 31);
          acc = acc < 0 ? -mean : mean;
        }
        *out++ = (int8_t)ek_clamp(acc, c->low, c->high);
      }
    }
  }
}

EK_KERNEL void ek_average_pool_s8(const struct ek_pool_s8 *c, const int8_t *in, int8_t *out) {
  ek_pool_s8(c, EK_POOL_AVERAGE, in, out);
}

EK_KERNEL void ek_average_pool_wide_s8(const struct ek_pool_s8 *c, const int8_t *in, int8_t *out) {
  ek_pool_s8(c, EK_POOL_WIDE, in, out);
}

EK_KERNEL void ek_max_pool_s8(const struct ek_pool_s8 *c, const int8_t *in, int8_t *out) {
  ek_pool_s8(c, EK_POOL_MAX, in, out);
}

/* in: [outer][rows][middle][reduced][inner], out: [outer][middle][inner] */
struct ek_mean_s8 {
  int32_t outer, rows, middle, reduced, inner, offset; /* offset: -zero point of the input * values a sum */
  int32_t multiplier;
  int8_t shift, zero;
};

EK_KERNEL void ek_mean_s8(const struct ek_mean_s8 *c, const int8_t *in, int8_t *out) {
  const int32_t block = c->reduced * c->inner, row = c->middle * block;
  for (int32_t i = 0; i < c->outer; i++, in += c->rows * row) {
    for (int32_t m = 0; m < c->middle; m++) {
      for (int32_t j = 0; j < c->inner; j++) {
        int32_t sum = c->offset;
        for (int32_t r = 0; r < c->rows; r++) {
          const int8_t *p = in + r * row + m * block + j;
          for (int32_t k = 0; k < c->reduced; k++, p += c->inner) sum += *p;
        }
        *out++ = (int8_t)ek_saturate_s8(ek_rescale(sum, c->multiplier, c->shift) + c->zero);
      }
    }
  }
}

#endif
