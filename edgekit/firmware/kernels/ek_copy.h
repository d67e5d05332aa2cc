/* PAD, CONCATENATION, STRIDED_SLICE, SPLIT, TRANSPOSE, PACK, TILE, GATHER …: moving values, nothing else. */
#ifndef EDGEKIT_KERNELS_COPY_H
#define EDGEKIT_KERNELS_COPY_H

#include <stdint.h>

#include "ek_kernel.h"

/* A copy of up to five dimensions. Steps are in bytes; `run` bytes are contiguous on both sides. */
struct ek_copy {
  int32_t shape[5], step_in[5], step_out[5], run;
};

EK_KERNEL void ek_copy_strided(const struct ek_copy *c, const void *in, void *out) {
  for (int32_t i = 0; i < c->shape[0]; i++)
    for (int32_t j = 0; j < c->shape[1]; j++)
      for (int32_t k = 0; k < c->shape[2]; k++)
        for (int32_t l = 0; l < c->shape[3]; l++)
          for (int32_t m = 0; m < c->shape[4]; m++) {
            const uint8_t *from = (const uint8_t *)in + i * c->step_in[0] + j * c->step_in[1] +
                                  k * c->step_in[2] + l * c->step_in[3] + m * c->step_in[4];
            uint8_t *to = (uint8_t *)out + i * c->step_out[0] + j * c->step_out[1] +
                          k * c->step_out[2] + l * c->step_out[3] + m * c->step_out[4];
            for (int32_t n = 0; n < c->run; n++) to[n] = from[n];
          }
}

/* in: [outer][size][run] bytes, out: [outer][count][run]: those whose numbers are at[count] */
EK_KERNEL void ek_gather(const int32_t *at, int32_t count, int32_t outer, int32_t size, int32_t run,
                         const void *in, void *out) {
  uint8_t *to = out;
  for (int32_t i = 0; i < outer; i++)
    for (int32_t k = 0; k < count; k++) {
      const uint8_t *from = (const uint8_t *)in + (i * size + at[k]) * run;
      for (int32_t n = 0; n < run; n++) *to++ = from[n];
    }
}

/* Fill `count` values of `width` bytes with *value. */
EK_KERNEL void ek_fill(void *out, const void *value, int32_t width, int32_t count) {
  uint8_t *to = out;
  for (int32_t i = 0; i < count; i++)
    for (int32_t n = 0; n < width; n++) *to++ = ((const uint8_t *)value)[n];
}

#endif
