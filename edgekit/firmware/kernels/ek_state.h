/* CALL_ONCE, READ_VARIABLE and ASSIGN_VARIABLE: values that are kept from one inference to the next. */
#ifndef EDGEKIT_KERNELS_STATE_H
#define EDGEKIT_KERNELS_STATE_H

#include <stdint.h>

#include "ek_kernel.h"

/* 1 at the first call after a reset, which clears *done, and 0 from then on */
EK_KERNEL int ek_first(uint8_t *done) {
  const int first = !*done;
  *done = 1;
  return first;
}

EK_KERNEL void ek_set(void *out, uint8_t byte, int32_t bytes) {
  for (int32_t i = 0; i < bytes; i++) ((uint8_t *)out)[i] = byte;
}

EK_KERNEL void ek_keep(const void *in, void *out, int32_t bytes) {
  for (int32_t i = 0; i < bytes; i++) ((uint8_t *)out)[i] = ((const uint8_t *)in)[i];
}

#endif
