/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with a 16-bit cell. in: [steps][inputs], out: [steps][units].
 * Rounding as TFLM's micro/kernels/lstm_eval.h: each product is rescaled to Q3.12 by itself, the functions are
 * read off a table of sigmoid(i / 24) with interpolation. Gates in the order forget, input, cell, output. */
#ifndef EDGEKIT_KERNELS_LSTM_H
#define EDGEKIT_KERNELS_LSTM_H

#include "ek_dot.h"

struct ek_lstm_s8 {
  int32_t steps, inputs, units;
  int32_t input_multiplier[4];
  int8_t input_shift[4];
  int32_t recurrent_multiplier[4];
  int8_t recurrent_shift[4];
  const int8_t *input_weights; /* of [unit][gate][inputs], in the order of ek_dot.h */
  const int32_t *input_bias;   /* [unit][gate], with the input's zero point folded in */
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

/* acc[4] += the products of one unit's four gates with x[length] */
static inline void ek_lstm_products(const int8_t *w, const int8_t *x, int32_t length, int32_t acc[4]) {
  const int8_t *const second = w + 2 * ((length + 3) & ~3); /* two gates lie side by side */
#if defined(__ARM_FEATURE_DSP)
  ek_dot_1x4(w, second, x, length, acc);
#else
  ek_dot_1x2(w, x, length, acc);
  ek_dot_1x2(second, x, length, acc + 2);
#endif
}

/* What goes into the functions of a unit's four gates, in Q3.12 */
static inline void ek_lstm_gates(const struct ek_lstm_s8 *c, int32_t unit, const int8_t *x,
                                 const int8_t *hidden, int16_t gate[4]) {
  const int32_t row = 4 * unit, wide = (c->inputs + 3) & ~3, deep = (c->units + 3) & ~3;
  int32_t a[4], b[4];
  for (int32_t g = 0; g < 4; g++) a[g] = c->input_bias[row + g], b[g] = c->recurrent_bias[row + g];
  ek_lstm_products(c->input_weights + row * wide, x, c->inputs, a);
  ek_lstm_products(c->recurrent_weights + row * deep, hidden, c->units, b);
  for (int32_t g = 0; g < 4; g++) {
    const int16_t from_input = ek_saturate_s16(ek_rescale(a[g], c->input_multiplier[g], c->input_shift[g]));
    const int16_t from_hidden = ek_saturate_s16(ek_rescale(b[g], c->recurrent_multiplier[g], c->recurrent_shift[g]));
    gate[g] = ek_saturate_s16(from_input + from_hidden);
  }
}

/* state: the cell, int16[units], and the last output less its zero point, int8[units]: a reset clears both to 0 */
EK_KERNEL void ek_lstm_s8(const struct ek_lstm_s8 *c, const int8_t *in, int8_t *out, uint8_t *state) {
  int16_t *const cell = (int16_t *)(void *)state;
  int8_t *const last = (int8_t *)state + 2 * c->units;
  const int8_t *hidden = last;
  for (int32_t i = 0; i < c->units; i++) last[i] = (int8_t)(last[i] + c->zero);
  for (int32_t t = 0; t < c->steps; t++, in += c->inputs, hidden = out, out += c->units) {
    for (int32_t i = 0; i < c->units; i++) {
      int16_t gate[4];
      ek_lstm_gates(c, i, in, hidden, gate);
      const int16_t forget = ek_sigmoid_s16(c->sigmoid, gate[0]), input = ek_sigmoid_s16(c->sigmoid, gate[1]);
      const int16_t fresh = ek_tanh_s16(c->sigmoid, gate[2], 0), output = ek_sigmoid_s16(c->sigmoid, gate[3]);
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
