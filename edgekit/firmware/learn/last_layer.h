/* Training a network's last layer on the device: twin of federate/last_layer.py.
 *
 * The layer is FULLY_CONNECTED, int8, without an activation, and gives one score for each class. While it learns its
 * weights are int32 with LEARN_FRACTION bits more than the network's, and the bias is the weight of one more
 * input, which is always 2^bias_shift, about 1 in real numbers. Stochastic gradient descent on the
 * cross-entropy, one window at a time, without momentum:
 *
 *   learn_begin(&plan, head, weights)                        from the constants of the network
 *   learn_step(&plan, weights, errors, features, label)      for each labelled window
 *   learn_end(&plan, weights, head, own)                     to constants that the network runs with
 *   learn_message(&plan, weights, head, message)             what a round of federated learning sends
 *
 * Integers only; no heap, no libc, no table. Rounding: a product of scales is rounded once, halves up, in 64
 * bits, (a * m + 2^(n-1)) >> n, and so is what becomes int8; neither sums nor updates are rounded. The generator
 * proves that nothing overflows; weights stop at their row's limit.
 */
#ifndef EDGEKIT_LAST_LAYER_H
#define EDGEKIT_LAST_LAYER_H

#include <stdint.h>

#define LEARN_FRACTION 18
#define LEARN_BIAS_LIMIT ((int32_t)1 << 29)

struct learn_row {    /* of one class */
  int32_t score_by, step_by; /* multipliers 2^30 … 2^31 - 1: from sums to scores, from errors to steps */
  uint8_t score_shift, step_shift; /* 1 … 62 */
  int8_t shift;              /* of the row's rescaling in the network as released, kernels/ek_requantize.h */
  uint8_t room;              /* how often the row's step may double where a weight outgrows int8 */
};

struct learn_plan {                    /* made with the model, in flash */
  const struct learn_row *row;         /* [outputs] */
  uint16_t inputs, outputs;
  int16_t zero;                        /* the features' zero point */
  uint8_t bias_shift;
  uint8_t packed;                      /* 1: a bias carries its row's shift in its low six bits; 0: no room */
  uint32_t bias_at, weights_at, bytes; /* in the head, the last layer's constants, and its size */
};

static inline int32_t learn_scaled(int32_t a, int32_t by, uint8_t shift) {
  return (int32_t)(((int64_t)a * by + ((int64_t)1 << (shift - 1))) >> shift);
}

/* x / 2^n, halves up; n may be 0 */
static inline int32_t learn_rounded(int64_t x, uint32_t n) {
  return (int32_t)((x + ((int64_t)1 << n >> 1)) >> n);
}

static inline int32_t learn_clamp(int32_t x, int32_t limit) {
  return x > limit ? limit : x < -limit ? -limit : x;
}

static inline int32_t learn_word(const uint8_t *at) {
  int32_t word;
  __builtin_memcpy(&word, at, 4);
  return word;
}

/* Where weight i of class c stands: A0 B0 A2 B2 A1 B1 A3 B3 for two classes and four inputs, kernels/ek_dot.h */
static inline uint32_t learn_place(const struct learn_plan *p, uint32_t c, uint32_t i) {
  const uint32_t fours = (p->inputs + 3u) / 4, k = i & 3;
  const uint32_t at = k == 1 ? 2 : k == 2 ? 1 : k;
  return p->weights_at + (((c / 2) * fours + i / 4) * 4 + at) * 2 + (c & 1);
}

/* How often the step of row c has doubled since the release. */
static inline uint32_t learn_doubled(const struct learn_plan *p, const uint8_t *head, uint32_t c) {
  return p->packed ? (uint32_t)((learn_word(head + p->bias_at + 4 * c) & 63) - 31 - p->row[c].shift) : 0;
}

/* Weight i of class c in the constants of a network, or its bias (i = inputs), as they are learnt */
static inline int32_t learn_weight(const struct learn_plan *p, const uint8_t *head, uint32_t c, uint32_t i) {
  const uint32_t doubled = learn_doubled(p, head, c);
  if (i < p->inputs) return (int8_t)head[learn_place(p, c, i)] * ((int32_t)1 << (LEARN_FRACTION + doubled));
  int32_t bias = learn_word(head + p->bias_at + 4 * c);
  if (p->packed) bias >>= 6;
  for (uint32_t k = 0; k < p->inputs; k++) bias += p->zero * (int8_t)head[learn_place(p, c, k)];
  return bias * ((int32_t)1 << (LEARN_FRACTION + doubled - p->bias_shift));
}

/* head: uint8 [bytes], of the release or of an earlier learn_end; weights: int32 [outputs][inputs + 1] */
static inline void learn_begin(const struct learn_plan *p, const uint8_t *head, int32_t *weights) {
  for (uint32_t c = 0; c < p->outputs; c++) {
    for (uint32_t i = 0; i <= p->inputs; i++) *weights++ = learn_weight(p, head, c, i);
  }
}

/* 2^(-d / 2048) in 1/32768, rounded down: a cubic for the fraction, off by less than 1.2e-4, and a shift */
static inline uint32_t learn_power(uint32_t d) {
  const uint32_t whole = d >> 11, part = (d & 2047) << 4;
  if (whole > 15) return 0;
  const uint32_t curve = (part * (7579 - (part * 1298 >> 15))) >> 15;
  return (32768 - ((part * (22665 - curve)) >> 15)) >> whole;
}

/* Scores to errors: errors[c] becomes softmax minus 1 at the label, in 1/32768. Scores are in 1/2048 of log 2. */
static inline void learn_errors(const struct learn_plan *p, int32_t *errors, uint32_t label) {
  int32_t top = errors[0];
  uint32_t sum = 0;
  for (uint32_t c = 1; c < p->outputs; c++) {
    if (errors[c] > top) top = errors[c];
  }
  for (uint32_t c = 0; c < p->outputs; c++) {
    const uint32_t power = learn_power((uint32_t)(top - errors[c]));
    sum += power;
    errors[c] = (int32_t)power;
  }
  for (uint32_t c = 0; c < p->outputs; c++) {
    errors[c] = (int32_t)((((uint32_t)errors[c] << 15) + sum / 2) / sum);
  }
  errors[label] -= 32768;
}

/* One step. features: int8 [inputs], what the layer is given; errors: int32 [outputs], to work in. A label that is
 * no class changes nothing. */
static inline void learn_step(const struct learn_plan *p, int32_t *weights, int32_t *errors,
                              const int8_t *features, uint32_t label) {
  const uint32_t inputs = p->inputs;
  if (label >= p->outputs) return;
  const int32_t *row = weights;
  for (uint32_t c = 0; c < p->outputs; c++, row += inputs + 1) {
    int64_t sum = (int64_t)row[inputs] * ((int32_t)1 << p->bias_shift);
    for (uint32_t i = 0; i < inputs; i++) sum += (int64_t)row[i] * (features[i] - p->zero);
    errors[c] = learn_scaled(learn_rounded(sum, LEARN_FRACTION), p->row[c].score_by, p->row[c].score_shift);
  }
  learn_errors(p, errors, label);
  for (uint32_t c = 0; c < p->outputs; c++, weights += inputs + 1) {
    const int32_t step = learn_scaled(errors[c], p->row[c].step_by, p->row[c].step_shift);
    const int32_t limit = (int32_t)127 << (LEARN_FRACTION + p->row[c].room);
    for (uint32_t i = 0; i < inputs; i++) {
      weights[i] = learn_clamp(weights[i] - step * (features[i] - p->zero), limit);
    }
    weights[inputs] = learn_clamp(weights[inputs] - step * ((int32_t)1 << p->bias_shift), LEARN_BIAS_LIMIT);
  }
}

/* The least n with which `largest`, a magnitude of which `fraction` bits and n more go, is an int8 */
static inline uint32_t learn_fit(int32_t largest, uint32_t fraction) {
  uint32_t n = 0;
  while (learn_rounded(largest, fraction + n) > 127) n++;
  return n;
}

static inline int32_t learn_larger(int32_t x, int32_t largest) {
  const int32_t size = x < 0 ? -x : x;
  return size > largest ? size : largest;
}

/* The network's constants. head: of the release; own: uint8 [bytes], written from beginning to end */
static inline void learn_end(const struct learn_plan *p, const int32_t *weights, const uint8_t *head,
                             uint8_t *own) {
  for (uint32_t i = 0; i < p->bytes; i++) own[i] = head[i];
  for (uint32_t c = 0; c < p->outputs; c++, weights += p->inputs + 1) {
    int32_t largest = 0;
    for (uint32_t i = 0; i < p->inputs; i++) largest = learn_larger(weights[i], largest);
    const uint32_t doubled = learn_fit(largest, LEARN_FRACTION);
    const int64_t real = (int64_t)weights[p->inputs] * ((int32_t)1 << p->bias_shift);
    int32_t bias = learn_rounded(real, LEARN_FRACTION + doubled);
    for (uint32_t i = 0; i < p->inputs; i++) {
      const int32_t weight = learn_rounded(weights[i], LEARN_FRACTION + doubled);
      own[learn_place(p, c, i)] = (uint8_t)weight;
      bias -= p->zero * weight;
    }
    if (p->packed) bias = bias * 64 + p->row[c].shift + 31 + (int32_t)doubled;
    __builtin_memcpy(own + p->bias_at + 4 * c, &bias, 4);
  }
}

/* What changed since the release, for each class: a byte n, then inputs + 1 int8 in units of 2^n.
 * head: of the release; message: uint8 [outputs * (inputs + 2)] */
static inline void learn_message(const struct learn_plan *p, const int32_t *weights, const uint8_t *head,
                                 uint8_t *message) {
  for (uint32_t c = 0; c < p->outputs; c++, weights += p->inputs + 1) {
    int32_t largest = 0;
    for (uint32_t i = 0; i <= p->inputs; i++) {
      largest = learn_larger(weights[i] - learn_weight(p, head, c, i), largest);
    }
    const uint32_t n = learn_fit(largest, 0);
    *message++ = (uint8_t)n;
    for (uint32_t i = 0; i <= p->inputs; i++) {
      *message++ = (uint8_t)learn_rounded(weights[i] - learn_weight(p, head, c, i), n);
    }
  }
}

#endif
