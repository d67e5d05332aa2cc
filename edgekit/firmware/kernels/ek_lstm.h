/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with a 16-bit cell. in: [steps][inputs], out: [steps][units].
 * Rounding as TFLM's micro/kernels/lstm_eval.h: each product is rescaled to Q3.12 by itself, the functions are
 * read off a table of sigmoid(i / 24) with interpolation. Gates in the order forget, input, cell, output. */
#ifndef EDGEKIT_KERNELS_LSTM_H
#define EDGEKIT_KERNELS_LSTM_H

#include "ek_requantize.h"

struct ek_lstm_s8 {
  int32_t steps, inputs, units;
  int32_t input_multiplier[4];
  int8_t input_shift[4];
  int32_t recurrent_multiplier[4];
  int8_t recurrent_shift[4];
  const int8_t *input_weights; /* [gate][unit][inputs] */
  const int32_t *input_bias;   /* [gate][unit], with the input's zero point folded in */
  const int8_t *recurrent_weights;
  const int32_t *recurrent_bias;
  const int16_t *sigmoid; /* 65536 * sigmoid(i / 24) - 32768 */
  int32_t forget_multiplier;
  int8_t forget_shift;
  int32_t cell_multiplier;
  int8_t cell_shift;
  int32_t hidden_multiplier;
  int8_t hidden_shift, tanh_shift; /* the cell's scale is 2^(tanh_shift - 12) */
  int16_t clip;                    /* of the cell; 0: none */
  int8_t zero;                     /* of the output */
};

static inline int16_t ek_saturate_s16(int32_t x) { return (int16_t)ek_clamp(x, -32768, 32767); }

/* sigmoid of x in Q3.12, in Q0.15 */
static inline int16_t ek_sigmoid_s16(const int16_t *table, int16_t x) {
  const int32_t scaled = x * 3;
  const uint32_t a = (uint32_t)(scaled < 0 ? -scaled : scaled), at = a >> 9;
  uint32_t y = (uint32_t)0x7fff << 10;
  if (at < 255) {
    const int32_t low = table[at], high = table[at + 1];
    y = (uint32_t)((low + 32768) * 512 + (int32_t)(a & 511) * (high - low));
  }
  return (int16_t)((scaled >= 0 ? y + 512 : ((uint32_t)1 << 25) - y + 511) >> 10);
}

/* tanh of x * 2^(shift - 12), in Q0.15: 2 * sigmoid(2 x) - 1 */
static inline int16_t ek_tanh_s16(const int16_t *table, int16_t x, int32_t shift) {
  const int32_t scaled = shift >= 0 ? x * 3 * ((int32_t)1 << shift) : (x * 3 + ((int32_t)1 << (-shift - 1))) >> -shift;
  const uint32_t a = (uint32_t)(scaled < 0 ? -scaled : scaled), at = a >> 8;
  int32_t y = (int32_t)0xffff << 8;
  if (at < 255) {
    const int32_t low = table[at], high = table[at + 1];
    y = (low + 32768) * 256 + (int32_t)(a & 255) * (high - low);
  }
  return (int16_t)((scaled >= 0 ? y - ((int32_t)1 << 23) + 128 : ((int32_t)1 << 23) - y + 127) >> 8);
}

static inline int32_t ek_lstm_dot(const int8_t *w, const int8_t *x, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++) sum += w[i] * x[i];
  return sum;
}

/* What goes into the function of a gate of a unit, in Q3.12 */
static inline int16_t ek_lstm_gate(const struct ek_lstm_s8 *c, int32_t gate, int32_t unit, const int8_t *x,
                                   const int8_t *hidden) {
  const int32_t row = gate * c->units + unit;
  const int32_t a = ek_lstm_dot(c->input_weights + row * c->inputs, x, c->inputs) + c->input_bias[row];
  const int32_t b = ek_lstm_dot(c->recurrent_weights + row * c->units, hidden, c->units) + c->recurrent_bias[row];
  return ek_saturate_s16(ek_saturate_s16(ek_rescale(a, c->input_multiplier[gate], c->input_shift[gate])) +
                         ek_saturate_s16(ek_rescale(b, c->recurrent_multiplier[gate], c->recurrent_shift[gate])));
}

/* state: the cell, int16[units], and the last output less its zero point, int8[units]: a reset clears both to 0 */
EK_KERNEL void ek_lstm_s8(const struct ek_lstm_s8 *c, const int8_t *in, int8_t *out, uint8_t *state) {
  int16_t *const cell = (int16_t *)(void *)state;
  int8_t *const last = (int8_t *)state + 2 * c->units;
  const int8_t *hidden = last;
  for (int32_t i = 0; i < c->units; i++) last[i] = (int8_t)(last[i] + c->zero);
  for (int32_t t = 0; t < c->steps; t++, in += c->inputs, hidden = out, out += c->units) {
    for (int32_t i = 0; i < c->units; i++) {
      const int16_t forget = ek_sigmoid_s16(c->sigmoid, ek_lstm_gate(c, 0, i, in, hidden));
      const int16_t input = ek_sigmoid_s16(c->sigmoid, ek_lstm_gate(c, 1, i, in, hidden));
      const int16_t fresh = ek_tanh_s16(c->sigmoid, ek_lstm_gate(c, 2, i, in, hidden), 0);
      const int16_t output = ek_sigmoid_s16(c->sigmoid, ek_lstm_gate(c, 3, i, in, hidden));
      const int16_t old = ek_saturate_s16(ek_rescale(forget * cell[i], c->forget_multiplier, c->forget_shift));
      const int16_t new = ek_saturate_s16(ek_rescale(input * fresh, c->cell_multiplier, c->cell_shift));
      cell[i] = ek_saturate_s16(old + new);
      if (c->clip) cell[i] = (int16_t)ek_clamp(cell[i], -c->clip, c->clip);
      const int32_t y = output * ek_tanh_s16(c->sigmoid, cell[i], c->tanh_shift);
      out[i] = (int8_t)ek_saturate_s8(ek_rescale(y, c->hidden_multiplier, c->hidden_shift) + c->zero);
    }
  }
  for (int32_t i = 0; i < c->units; i++) last[i] = (int8_t)(hidden[i] - c->zero);
}

#endif
