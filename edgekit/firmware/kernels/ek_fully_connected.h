/* FULLY_CONNECTED, int8. in: [rows][in_size], out: [rows][out_size]; weights in the order of ek_dot.h.
 * Rounding as TFLM's reference_integer_ops::FullyConnected. */
#ifndef EDGEKIT_KERNELS_FULLY_CONNECTED_H
#define EDGEKIT_KERNELS_FULLY_CONNECTED_H

#include "ek_dot.h"

struct ek_fully_connected_s8 {
  int32_t rows, in_size, out_size;
  const int8_t *weights;
  struct ek_requant requant;
};

EK_KERNEL void ek_fully_connected_s8(const struct ek_fully_connected_s8 *c, const int8_t *in, int8_t *out) {
  const struct ek_requant *const q = &c->requant;
  const enum ek_rounding how = EK_ANY_ONCE ? EK_ONCE : ek_rounding_of(q);
  for (int32_t row = 0; row < c->rows; row++) {
    ek_all_channels(c->weights, q, how, in, c->in_size, c->out_size, out);
    in += c->in_size;
    out += c->out_size;
  }
}

#endif
