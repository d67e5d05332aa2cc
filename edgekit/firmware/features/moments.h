/* Where the channels of a window stand, how far they go, and how they move together. */
#ifndef EDGEKIT_MOMENTS_H
#define EDGEKIT_MOMENTS_H

#include "samples.h"

/* sign(x) sqrt(|x|) */
static inline float signed_root(float x) { return x < 0.0f ? -sqrt_f32(-x) : sqrt_f32(x); }

/* Half of x, within +-limit */
static inline float half_within(float x, float limit) {
  const float half = x * 0.5f;
  return half > limit ? limit : half < -limit ? -limit : half;
}

/* samples [window][channels] -> features: [channels] each of means, of halves of the lowest and the highest
 * values, then the signed root of the covariance of each pair of channels i <= j, row by row;
 * work [channels][window] */
static inline void moments(const struct samples *samples, int32_t window, float limit, float *work, float *features) {
  const int32_t channels = samples->channels;
  const float share = 1.0f / (float)window;
  float *const low = features + channels, *const high = low + channels, *pair = high + channels;
  for (int32_t channel = 0; channel < channels; channel++) {
    float *const x = work + channel * window;
    take(samples, 0, channel, window, x, 1);
    const float first = x[0];
    float least = first, most = first;
    for (int32_t t = 1; t < window; t++) {
      least = x[t] < least ? x[t] : least;
      most = x[t] > most ? x[t] : most;
    }
    low[channel] = half_within(least, limit);
    high[channel] = half_within(most, limit);
    from_first(x, window, 1);
    float sum = 0.0f;
    for (int32_t t = 0; t < window; t++) sum += x[t];
    const float mean = sum * share;
    for (int32_t t = 0; t < window; t++) x[t] = x[t] - mean;
    features[channel] = first + mean;
  }
  for (int32_t i = 0; i < channels; i++) {
    for (int32_t j = i; j < channels; j++) {
      const float *const a = work + i * window, *const b = work + j * window;
      float sum = 0.0f;
      for (int32_t t = 0; t < window; t++) sum += a[t] * b[t];
      *pair++ = signed_root(sum * share);
    }
  }
}

#endif
