/* Each channel of a window without its mean and divided by its RMS. */
#ifndef EDGEKIT_UNIT_RMS_H
#define EDGEKIT_UNIT_RMS_H

#include "samples.h"

/* samples [window][channels] -> features [window][channels] */
static inline void unit_rms(const struct samples *samples, int32_t window, float *features) {
  const int32_t step = samples->channels, end = window * step;
  for (int32_t channel = 0; channel < step; channel++) {
    float *const x = features + channel;
    float sum = 0.0f, squares = 0.0f;
    take(samples, 0, channel, window, x, step);
    from_first(x, window, step);
    for (int32_t i = 0; i < end; i += step) sum += x[i];
    const float mean = sum / (float)window;
    for (int32_t i = 0; i < end; i += step) {
      x[i] = x[i] - mean;
      squares += x[i] * x[i];
    }
    const float gain = 1.0f / max_f32(sqrt_f32(squares / (float)window), 1e-12f);
    for (int32_t i = 0; i < end; i += step) x[i] = x[i] * gain;
  }
}

#endif
