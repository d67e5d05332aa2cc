/* The samples themselves, times a constant. */
#ifndef EDGEKIT_SCALED_H
#define EDGEKIT_SCALED_H

#include "samples.h"

/* samples [window][channels] -> features [window][channels] */
static void scaled(const struct samples *samples, int32_t window, float scale, float *features) {
  const int32_t step = samples->channels, end = window * step;
  for (int32_t channel = 0; channel < step; channel++) {
    take(samples, 0, channel, window, features + channel, step);
  }
  for (int32_t i = 0; i < end; i++) features[i] = features[i] * scale;
}

#endif
