/* Energies in bands of the short-time spectrum, and their logarithms.
 * Box bands share no bin. Triangular (mel) bands overlap by half: band b rises from edge b to edge b + 1
 * and falls to edge b + 2, so each bin between two edges gives one part to the band that rises there and
 * the rest to the one that falls (the compact form of Young et al., The HTK Book, section 5.4). */
#ifndef EDGEKIT_BANDS_H
#define EDGEKIT_BANDS_H

#include "fft.h"
#include "samples.h"

struct band_energies {
  int32_t frame, hop, frames; /* samples in a frame, between frames; frames in a window */
  int32_t bands, channels;
  const uint16_t *edges; /* bins: [bands + 1] of boxes, [bands + 2] of triangles */
  const float *rise;     /* of triangles: each bin's part for the rising band, from edges[0] on; or null */
  float floor;           /* the least energy whose logarithm is taken; 0 for plain energies */
  struct cosine_table table;
};

/* work [frame] of samples -> |spectrum|^2 / frame in work[0 ... frame / 2 - 1] */
static inline void power_spectrum(float *work, int32_t frame, const struct cosine_table *t) {
  const float scale = 1.0f / (float)frame;
  work[0] = 0.0f;
  for (int32_t n = 1; n <= frame / 2; n++) {
    const float weight = hann(t, n, frame);
    work[n] = work[n] * weight;
    if (n < frame / 2) work[frame - n] = work[frame - n] * weight;
  }
  rfft(work, frame, t);
  const struct complex_f32 *const z = (const struct complex_f32 *)work;
  work[0] = work[0] * work[0] * scale;
  for (int32_t k = 1; k < frame / 2; k++) work[k] = power(z[k]) * scale;
}

/* energy [bands], every `channels`th float */
static inline void sum_bands(const struct band_energies *c, const float *spectrum, float *energy) {
  const int32_t step = c->channels, first = c->edges[0];
  for (int32_t b = 0; b < c->bands; b++) energy[b * step] = 0.0f;
  for (int32_t b = 0; b < c->bands + (c->rise != 0); b++) {
    float rising = 0.0f, falling = 0.0f;
    for (int32_t k = c->edges[b]; k < c->edges[b + 1]; k++) {
      const float part = c->rise ? spectrum[k] * c->rise[k - first] : spectrum[k];
      rising += part;
      falling += spectrum[k] - part;
    }
    if (b < c->bands) energy[b * step] += rising;
    if (b > 0) energy[(b - 1) * step] += falling;
  }
}

/* samples [time][channels] -> features [frames][bands][channels]; work [frame] */
static inline void band_energies(const struct band_energies *c, const struct samples *samples, float *work,
                          float *features) {
  const int32_t count = c->bands * c->channels;
  for (int32_t f = 0; f < c->frames; f++, features += count) {
    for (int32_t channel = 0; channel < c->channels; channel++) {
      take(samples, f * c->hop, channel, c->frame, work, 1);
      power_spectrum(work, c->frame, &c->table);
      sum_bands(c, work, features + channel);
    }
    for (int32_t i = 0; i < count && c->floor > 0.0f; i++) {
      features[i] = log_f32(max_f32(features[i], c->floor));
    }
  }
}

#endif
