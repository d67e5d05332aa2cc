/* FULLY_CONNECTED, int8. in: [rows][in_size], out: [rows][out_size]; weights in the order of dot.h.
 * Rounding as TFLM's reference_integer_ops::FullyConnected. */
#ifndef EDGEKIT_FULLY_CONNECTED_H
#define EDGEKIT_FULLY_CONNECTED_H

#include "dot.h"

struct fully_connected_s8 {
  int32_t rows, in_size, out_size;
  const int8_t *weights;
  struct requant requant;
};

static void fully_connected_s8(const struct fully_connected_s8 *c, const int8_t *in, int8_t *out) {
  const struct requant *const q = &c->requant;
  const enum rounding how = ANY_ONCE && !q->channel_step ? ONCE : rounding_of(q);
  for (int32_t row = 0; row < c->rows; row++) {
    all_channels(c->weights, q, how, in, c->in_size, c->out_size, out);
    in += c->in_size;
    out += c->out_size;
  }
}

#endif
