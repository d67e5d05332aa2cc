/* REDUCE_MAX and REDUCE_MIN: in: [outer][rows][middle][reduced][inner], out: [outer][middle][inner].
 * A group's values are read before its result is written, which may lie over them. */
#ifndef EDGEKIT_KERNELS_REDUCE_H
#define EDGEKIT_KERNELS_REDUCE_H

#include <stdint.h>

#include "ek_kernel.h"

/* highest: 1 for the largest of a group, 0 for the smallest */
static inline void ek_reduce_s8(int highest, const int8_t *in, int8_t *out, int32_t outer, int32_t rows,
                                int32_t middle, int32_t reduced, int32_t inner) {
  const int32_t block = reduced * inner, row = middle * block;
  for (int32_t i = 0; i < outer; i++, in += rows * row)
    for (int32_t m = 0; m < middle; m++)
      for (int32_t j = 0; j < inner; j++) {
        int32_t best = in[m * block + j];
        for (int32_t r = 0; r < rows; r++) {
          const int8_t *p = in + r * row + m * block + j;
          for (int32_t k = 0; k < reduced; k++, p += inner)
            if (highest ? *p > best : *p < best) best = *p;
        }
        *out++ = (int8_t)best;
      }
}

EK_KERNEL void ek_reduce_max_s8(const int8_t *in, int8_t *out, int32_t outer, int32_t rows, int32_t middle,
                                int32_t reduced, int32_t inner) {
  ek_reduce_s8(1, in, out, outer, rows, middle, reduced, inner);
}

EK_KERNEL void ek_reduce_min_s8(const int8_t *in, int8_t *out, int32_t outer, int32_t rows, int32_t middle,
                                int32_t reduced, int32_t inner) {
  ek_reduce_s8(0, in, out, outer, rows, middle, reduced, inner);
}

static inline void ek_reduce_f32(int highest, const float *in, float *out, int32_t outer, int32_t rows,
                                 int32_t middle, int32_t reduced, int32_t inner) {
  const int32_t block = reduced * inner, row = middle * block;
  for (int32_t i = 0; i < outer; i++, in += rows * row)
    for (int32_t m = 0; m < middle; m++)
      for (int32_t j = 0; j < inner; j++) {
        float best = in[m * block + j];
        for (int32_t r = 0; r < rows; r++) {
          const float *p = in + r * row + m * block + j;
          for (int32_t k = 0; k < reduced; k++, p += inner)
            if (highest ? *p > best : *p < best) best = *p;
        }
        *out++ = best;
      }
}

EK_KERNEL void ek_reduce_max_f32(const float *in, float *out, int32_t outer, int32_t rows, int32_t middle,
                                 int32_t reduced, int32_t inner) {
  ek_reduce_f32(1, in, out, outer, rows, middle, reduced, inner);
}

EK_KERNEL void ek_reduce_min_f32(const float *in, float *out, int32_t outer, int32_t rows, int32_t middle,
                                 int32_t reduced, int32_t inner) {
  ek_reduce_f32(0, in, out, outer, rows, middle, reduced, inner);
}

#endif
