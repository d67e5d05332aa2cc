/* A window of samples as the sensor left it: float32 in physical units, or int16 counts of an ADC or
 * accelerometer. [time][channel], channels interleaved. */
#ifndef EDGEKIT_SAMPLES_H
#define EDGEKIT_SAMPLES_H

#include "real.h"

struct samples {
  const float *real;  /* or null */
  const int16_t *raw; /* where real is null; raw * sensitivity is the physical value */
  float sensitivity;
  int32_t channels;
};

static const float LARGEST_SAMPLE = 1e6f; /* beyond it a float sample is clamped; NaN counts as 0 */

static inline float bounded(float x) {
  if (x != x) return 0.0f;
  return x > LARGEST_SAMPLE ? LARGEST_SAMPLE : x < -LARGEST_SAMPLE ? -LARGEST_SAMPLE : x;
}

/* `count` samples of one channel, from sample `first` on, to every `stride`th float. */
static inline void take(const struct samples *s, int32_t first, int32_t channel, int32_t count, float *to,
                        int32_t stride) {
  const int32_t step = s->channels, start = first * step + channel;
  const float *const end = to + count * stride;
  if (s->real) {
    for (const float *from = s->real + start; to < end; from += step, to += stride) *to = bounded(*from);
  } else {
    const float unit = s->sensitivity;
    for (const int16_t *from = s->raw + start; to < end; from += step, to += stride) {
      *to = (float)*from * unit;
    }
  }
}

/* x [count], every `step`th float, less its first value: a large offset (gravity, a bias) would cost the
 * sums that follow their last digits. */
static inline void from_first(float *x, int32_t count, int32_t step) {
  const float offset = x[0];
  for (const float *const end = x + count * step; x < end; x += step) *x = *x - offset;
}

#endif
