/* Any int8 function of one variable (TANH, LOGISTIC, RELU, RELU6, LEAKY_RELU, HARD_SWISH, QUANTIZE between
 * int8 scales): a table of its 256 values, computed at export with TFLM's fixed-point steps. */
#ifndef EDGEKIT_KERNELS_LOOKUP_H
#define EDGEKIT_KERNELS_LOOKUP_H

#include <stdint.h>

#include "ek_kernel.h"

/* table[i] is the value for the byte i, that is for int8 i - 256 where i > 127; in may be out */
EK_KERNEL void ek_lookup_s8(const int8_t table[256], const int8_t *in, int8_t *out, int32_t count) {
  for (int32_t i = 0; i < count; i++) out[i] = table[(uint8_t)in[i]];
}

#endif
