/* Features to the int8 that the network was trained for. */
#ifndef EDGEKIT_TO_INT8_H
#define EDGEKIT_TO_INT8_H

#include "real.h"

struct int8_scale {
  float inverse;   /* 1 / scale, rounded */
  float high, low; /* scale = high + low exactly, 12 significant bits each */
  int32_t zero_point;
};

/* x >= (n + 0.5) * scale, exactly: both products fit into 24 bits, and the difference of near numbers has no
 * rounding error (Dekker 1971, Sterbenz 1974) */
static inline int reaches(float x, int32_t n, const struct int8_scale *s) {
  const float tie = (float)n + 0.5f;
  return x - tie * s->high >= tie * s->low;
}

/* x / scale to the nearest integer, half away from zero, plus the zero point, saturated. The rounded inverse
 * is good to 1e-4, so only next to a tie is there anything to put right. NaN counts as 0. */
static inline int8_t to_int8(float x, const struct int8_scale *s) {
  const float size = x < 0.0f ? -x : x;
  const float scaled = size * s->inverse;
  int32_t n = size == size ? 300 : 0; /* where the network's range has long ended */
  if (scaled < 300.0f) {
    n = (int32_t)(scaled + 0.5f);
    const float part = scaled - (float)n;
    if (part > 0.49f) n += reaches(size, n, s);
    if (part < -0.49f) n -= !reaches(size, n - 1, s);
  }
  n = (x < 0.0f ? -n : n) + s->zero_point;
  return (int8_t)(n < -128 ? -128 : n > 127 ? 127 : n);
}

#endif
