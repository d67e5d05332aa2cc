/* SVDF, int8: a rank-decomposed layer over the last `memory` time steps (Nakkiran et al. 2015, "Compressing
 * deep neural networks using a rank-constrained topology"). in: [in_size], out: [filters / rank], state:
 * [filters][memory], kept from one inference to the next. Rounding as TFLM's EvalIntegerSvdfReference.
 *
 * Each new value is cut to 8 bits before its zero point is added, and wraps, as in the TFLM of 2026.
 * Each value of the state is stored xor its zero point, so that cleared memory is the state after a reset.
 */
#ifndef EDGEKIT_KERNELS_SVDF_H
#define EDGEKIT_KERNELS_SVDF_H

#include "ek_requantize.h"

struct ek_svdf_s8 {
  int32_t in_size, filters, rank, memory;
  const int8_t *feature;       /* [filters][in_size] */
  const int32_t *feature_bias; /* [filters], the input zero point folded in */
  const int32_t *bias;         /* [filters / rank] */
  int32_t state_multiplier, out_multiplier;
  int8_t state_shift, out_shift, state_zero, out_zero;
};

/* This step's value of one filter, without zero point, before it is cut to the state's width. */
EK_KERNEL int32_t ek_svdf_feature(const struct ek_svdf_s8 *c, int32_t filter, const int8_t *in) {
  const int8_t *w = c->feature + filter * c->in_size;
  int32_t acc = c->feature_bias[filter];
  for (int32_t i = 0; i < c->in_size; i++) acc += w[i] * in[i];
  return ek_rescale(acc, c->state_multiplier, c->state_shift);
}

EK_KERNEL int8_t ek_svdf_out(const struct ek_svdf_s8 *c, uint32_t acc) {
  return (int8_t)ek_saturate_s8(ek_rescale((int32_t)acc, c->out_multiplier, c->out_shift) + c->out_zero);
}

/* State and time weights of 8 bits. */
EK_KERNEL void ek_svdf_state8(const struct ek_svdf_s8 *c, const int8_t *time, const int8_t *in, int8_t *out,
                              void *memory) {
  const int32_t last = c->memory - 1;
  int8_t *state = memory;
  for (int32_t f = 0, unit = 0; f < c->filters; unit++) {
    uint32_t acc = (uint32_t)c->bias[unit];
    for (int32_t r = 0; r < c->rank; r++, f++) {
      for (int32_t i = 0; i < last; i++) state[i] = state[i + 1];
      state[last] =
          (int8_t)((int8_t)(ek_saturate_s8(ek_svdf_feature(c, f, in)) + c->state_zero) ^ c->state_zero);
      for (int32_t i = 0; i <= last; i++) {
        acc += (uint32_t)(*time++ * ((int8_t)(*state++ ^ c->state_zero) - c->state_zero));
      }
    }
    out[unit] = ek_svdf_out(c, acc);
  }
}

/* State and time weights of 16 bits; the sum wraps as TFLM's does. */
EK_KERNEL void ek_svdf_state16(const struct ek_svdf_s8 *c, const int16_t *time, const int8_t *in, int8_t *out,
                               void *memory) {
  const int32_t last = c->memory - 1;
  int16_t *state = memory;
  for (int32_t f = 0, unit = 0; f < c->filters; unit++) {
    uint32_t acc = (uint32_t)c->bias[unit];
    for (int32_t r = 0; r < c->rank; r++, f++) {
      for (int32_t i = 0; i < last; i++) state[i] = state[i + 1];
      state[last] = (int16_t)ek_clamp(ek_svdf_feature(c, f, in), -32768, 32767);
      for (int32_t i = 0; i <= last; i++) acc += (uint32_t)((int32_t)*time++ * *state++);
    }
    out[unit] = ek_svdf_out(c, acc);
  }
}

#endif
