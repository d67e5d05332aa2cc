/* BATCH_MATMUL, int8: out[batch][rows][columns] = a * b, with batches that broadcast (a step of 0 repeats).
 * Rounding as TFLM's reference_ops::BatchMatMul. */
#ifndef EDGEKIT_KERNELS_MATMUL_H
#define EDGEKIT_KERNELS_MATMUL_H

#include "ek_requantize.h"

struct ek_matmul_s8 {
  int32_t batch[3], step_a[3], step_b[3];
  int32_t rows, columns, depth;
  int32_t row_a, k_a, column_b, k_b; /* values from one row, column or product to the next */
  int32_t multiplier;
  int16_t zero_a, zero_b, zero_out;
  int8_t shift;
};

static inline void ek_matmul_one(const struct ek_matmul_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  for (int32_t i = 0; i < c->rows; i++) {
    for (int32_t j = 0; j < c->columns; j++) {
      const int8_t *x = a + i * c->row_a, *y = b + j * c->column_b;
      int32_t sum = 0;
      for (int32_t k = c->depth; k > 0; k--, x += c->k_a, y += c->k_b) sum += (*x - c->zero_a) * (*y - c->zero_b);
      *out++ = (int8_t)ek_saturate_s8(ek_rescale(sum, c->multiplier, c->shift) + c->zero_out);
    }
  }
}

EK_KERNEL void ek_matmul_s8(const struct ek_matmul_s8 *c, const int8_t *a, const int8_t *b, int8_t *out) {
  for (int32_t i = 0; i < c->batch[0]; i++)
    for (int32_t j = 0; j < c->batch[1]; j++)
      for (int32_t k = 0; k < c->batch[2]; k++, out += c->rows * c->columns)
        ek_matmul_one(c, a + i * c->step_a[0] + j * c->step_a[1] + k * c->step_a[2],
                      b + i * c->step_b[0] + j * c->step_b[1] + k * c->step_b[2], out);
}

#endif
