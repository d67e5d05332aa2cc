/* MAXIMUM and MINIMUM, with broadcasting over up to four dimensions (a step of 0 repeats). */
#ifndef EDGEKIT_KERNELS_EXTREMES_H
#define EDGEKIT_KERNELS_EXTREMES_H

#include <stdint.h>

#include "ek_kernel.h"

struct ek_extremes {
  int32_t shape[4], step_a[4], step_b[4];
};

/* highest: 1 for the larger of both, 0 for the smaller */
static inline void ek_extremes_s8(const struct ek_extremes *c, int highest, const int8_t *a, const int8_t *b,
                                  int8_t *out) {
  for (int32_t i = 0; i < c->shape[0]; i++)
    for (int32_t j = 0; j < c->shape[1]; j++)
      for (int32_t k = 0; k < c->shape[2]; k++) {
        const int8_t *pa = a + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2];
        const int8_t *pb = b + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2];
        for (int32_t n = c->shape[3]; n > 0; n--, pa += c->step_a[3], pb += c->step_b[3])
          *out++ = (highest ? *pa > *pb : *pa < *pb) ? *pa : *pb;
      }
}

EK_KERNEL void ek_maximum_s8(const struct ek_extremes *c, const int8_t *a, const int8_t *b, int8_t *out) {
  ek_extremes_s8(c, 1, a, b, out);
}

EK_KERNEL void ek_minimum_s8(const struct ek_extremes *c, const int8_t *a, const int8_t *b, int8_t *out) {
  ek_extremes_s8(c, 0, a, b, out);
}

static inline void ek_extremes_f32(const struct ek_extremes *c, int highest, const float *a, const float *b,
                                   float *out) {
  for (int32_t i = 0; i < c->shape[0]; i++)
    for (int32_t j = 0; j < c->shape[1]; j++)
      for (int32_t k = 0; k < c->shape[2]; k++) {
        const float *pa = a + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2];
        const float *pb = b + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2];
        for (int32_t n = c->shape[3]; n > 0; n--, pa += c->step_a[3], pb += c->step_b[3])
          *out++ = (highest ? *pa > *pb : *pa < *pb) ? *pa : *pb;
      }
}

EK_KERNEL void ek_maximum_f32(const struct ek_extremes *c, const float *a, const float *b, float *out) {
  ek_extremes_f32(c, 1, a, b, out);
}

EK_KERNEL void ek_minimum_f32(const struct ek_extremes *c, const float *a, const float *b, float *out) {
  ek_extremes_f32(c, 0, a, b, out);
}

#endif
