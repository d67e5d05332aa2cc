/* RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR of one image, [h][w][channels]. */
#ifndef EDGEKIT_KERNELS_RESIZE_H
#define EDGEKIT_KERNELS_RESIZE_H

#include <stdint.h>

#include "ek_kernel.h"

/* rows[out_h], columns[out_w]: which pixel of the input is read; run: bytes of a pixel */
EK_KERNEL void ek_resize_nearest(const int16_t *rows, const int16_t *columns, int32_t out_h, int32_t out_w,
                                 int32_t in_w, int32_t run, const void *in, void *out) {
  uint8_t *to = out;
  for (int32_t y = 0; y < out_h; y++)
    for (int32_t x = 0; x < out_w; x++) {
      const uint8_t *from = (const uint8_t *)in + ((int32_t)rows[y] * in_w + columns[x]) * run;
      for (int32_t n = 0; n < run; n++) *to++ = from[n];
    }
}

struct ek_resize_s8 {
  int16_t in_h, in_w, channels, out_h, out_w, half_pixel;
  int32_t scale_h, scale_w; /* input pixels for one of the output, times 1024 */
};

/* Two neighbours along an axis, and how near the second one is, of 1024. */
struct ek_between {
  int32_t first, second, weight;
};

static inline struct ek_between ek_resize_between(int32_t i, int32_t scale, int32_t half_pixel, int32_t size) {
  const int32_t at = i * scale + (half_pixel ? scale / 2 - 512 : 0);
  struct ek_between b = {at / 1024, (at + 1023) / 1024, 0};
  if (b.first > size - 1) b.first = size - 1;
  if (b.second > size - 1) b.second = size - 1;
  if (b.first != b.second) b.weight = at - 1024 * b.first; /* else all of it is one pixel's */
  return b;
}

EK_KERNEL void ek_resize_bilinear_s8(const struct ek_resize_s8 *c, const int8_t *in, int8_t *out) {
  const int32_t channels = c->channels, row = c->in_w * channels;
  for (int32_t i = 0; i < c->out_h; i++) {
    const struct ek_between y = ek_resize_between(i, c->scale_h, c->half_pixel, c->in_h);
    for (int32_t j = 0; j < c->out_w; j++) {
      const struct ek_between x = ek_resize_between(j, c->scale_w, c->half_pixel, c->in_w);
      const int8_t *top = in + y.first * row, *below = in + y.second * row;
      const int32_t a = (1024 - y.weight) * (1024 - x.weight), b = (1024 - y.weight) * x.weight;
      const int32_t d = y.weight * (1024 - x.weight), e = y.weight * x.weight;
      for (int32_t k = 0; k < channels; k++) {
        const int32_t left = x.first * channels + k, right = x.second * channels + k;
        const int32_t sum = top[left] * a + top[right] * b + below[left] * d + below[right] * e;
        *out++ = (int8_t)((sum + (sum > 0 ? 524288 : -524288)) / 1048576);
      }
    }
  }
}

#endif
