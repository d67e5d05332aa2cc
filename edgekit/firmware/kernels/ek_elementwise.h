/* ADD, SUB and MUL, int8, with broadcasting over up to four dimensions (a step of 0 repeats).
 * Rounding as TFLM's reference_integer_ops::Add (20 bits of headroom, three rescales) and ::Mul. */
#ifndef EDGEKIT_KERNELS_ELEMENTWISE_H
#define EDGEKIT_KERNELS_ELEMENTWISE_H

#include "ek_requantize.h"

struct ek_elementwise_s8 {
  int32_t shape[4], step_a[4], step_b[4];
  int16_t zero_a, zero_b, zero_out, low, high;
  int32_t multiplier_a, multiplier_b, multiplier_out; /* a and b are unused by MUL */
  int8_t shift_a, shift_b, shift_out;
};

/* x * 2^20 * multiplier * 2^(shift - 31); |x| <= 255, shift <= 0 */
static inline int32_t ek_rescale_input(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t high = ek_high_multiply(x * ((int32_t)1 << 20), multiplier);
  return shift ? ek_divide_by_power(high, -shift) : high;
}

enum ek_elementwise_op { EK_ELEMENTWISE_ADD, EK_ELEMENTWISE_SUB, EK_ELEMENTWISE_MUL };

static inline void ek_elementwise_s8(const struct ek_elementwise_s8 *c, enum ek_elementwise_op op,
                                     const int8_t *a, const int8_t *b, int8_t *out) {
  const int32_t step_a = c->step_a[3], step_b = c->step_b[3];
  for (int32_t i = 0; i < c->shape[0]; i++) {
    for (int32_t j = 0; j < c->shape[1]; j++) {
      for (int32_t k = 0; k < c->shape[2]; k++) {
        const int8_t *pa = a + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2];
        const int8_t *pb = b + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2];
        for (int32_t n = c->shape[3]; n > 0; n--, pa += step_a, pb += step_b) {
          const int32_t x = *pa - c->zero_a, y = *pb - c->zero_b;
          int32_t z;
          if (op == EK_ELEMENTWISE_MUL) {
            z = x * y;
          } else {
            const int32_t sx = ek_rescale_input(x, c->multiplier_a, c->shift_a);
            const int32_t sy = ek_rescale_input(y, c->multiplier_b, c->shift_b);
            z = op == EK_ELEMENTWISE_ADD ? sx + sy : sx - sy;
          }
          z = ek_rescale(z, c->multiplier_out, c->shift_out) + c->zero_out;
          *out++ = (int8_t)ek_clamp(z, c->low, c->high);
        }
      }
    }
  }
}

/* ADD of any scales, and of inputs of which one repeats its last dimension. */
EK_KERNEL void ek_add_any_s8(const struct ek_elementwise_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  ek_elementwise_s8(c, EK_ELEMENTWISE_ADD, a, b, out);
}

/* ADD as the generator prefers it: a has the larger scale, so that its rescaled value is 2^19 times itself, and
 * the last step of both is 1. All sums are taken twice, as ek_high_multiply_add wants them, and a product's
 * sign is its factor's (see ek_requantize). Where b has a's scale, 2^22 * b * 2^30 / 2^32 halved is 2^19 * b. */
EK_KERNEL void ek_add_s8(const struct ek_elementwise_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  const int32_t left = c->shift_b ? 21 : 22, right_b = c->shift_b ? -c->shift_b : 1;
  const int32_t half = (int32_t)1 << (right_b - 1), zero_b = c->zero_b, multiplier_b = c->multiplier_b;
  const int32_t right = -c->shift_out, multiplier = c->multiplier_out;
  const int32_t round = ((int32_t)1 << (right - 1)) + c->zero_out * ((int32_t)1 << right);
  const int32_t start = -c->zero_a * ((int32_t)1 << 20);
  for (int32_t i = 0; i < c->shape[0]; i++) {
    for (int32_t j = 0; j < c->shape[1]; j++) {
      for (int32_t k = 0; k < c->shape[2]; k++) {
        const int8_t *pa = a + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2];
        const int8_t *pb = b + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2];
        for (const int8_t *const end = pa + c->shape[3]; pa < end;) {
          const int32_t y = *pb++ - zero_b;
          const int32_t other =
              ek_high_multiply_add(y * ((int32_t)1 << left), multiplier_b, half + (y >> 31)) >> right_b;
          const int32_t sum = start + *pa++ * ((int32_t)1 << 20) + 2 * other;
          const int32_t z = ek_high_multiply_add(sum, multiplier, round + (sum >> 31)) >> right;
          *out++ = (int8_t)(EK_ANY_CLAMPS ? ek_clamp(z, c->low, c->high) : ek_saturate_s8(z));
        }
      }
    }
  }
}

EK_KERNEL void ek_sub_s8(const struct ek_elementwise_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  ek_elementwise_s8(c, EK_ELEMENTWISE_SUB, a, b, out);
}

EK_KERNEL void ek_mul_s8(const struct ek_elementwise_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  ek_elementwise_s8(c, EK_ELEMENTWISE_MUL, a, b, out);
}

#endif
