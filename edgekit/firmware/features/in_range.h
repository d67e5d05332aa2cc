/* Samples in shares of the sensor's range. */
#ifndef EDGEKIT_IN_RANGE_H
#define EDGEKIT_IN_RANGE_H

#include "samples.h"

struct range {
  const float *offset;  /* of each channel, in the unit of the samples */
  const float *inverse; /* 1 / span of each channel */
};

/* x [count], every `step`th float */
static inline void to_range(const struct range *r, int32_t channel, int32_t count, float *x, int32_t step) {
  const float offset = r->offset[channel], inverse = r->inverse[channel];
  for (const float *const end = x + count * step; x < end; x += step) *x = (*x - offset) * inverse;
}

/* samples [window][channels] -> features [window][channels] */
static inline void in_range(const struct samples *samples, int32_t window, const struct range *r,
                            float *features) {
  const int32_t step = samples->channels;
  for (int32_t channel = 0; channel < step; channel++) {
    take(samples, 0, channel, window, features + channel, step);
    to_range(r, channel, window, features + channel, step);
  }
}

#endif
