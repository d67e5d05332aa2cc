/* Level, loudness and spectrum of a window: averaged short-time spectra (Welch 1967) in bands. */
#ifndef EDGEKIT_WELCH_H
#define EDGEKIT_WELCH_H

#include "bands.h"
#include "in_range.h"

struct welch_bands {
  int32_t frame, hop;    /* samples in a frame, between frames */
  int32_t each, slices;  /* frames in a slice, slices in a window */
  int32_t bands, channels;
  int32_t level;         /* 1: the mean is a feature, 0: it is not */
  const uint16_t *edges; /* bins [bands + 1] */
  const struct range *range;
  float mean, share, twice; /* 1 / frame, 1 / each, 2 / each */
  float equal;              /* ln(bands) */
  struct cosine_table table;
};

static const float WELCH_FLOOR = 1e-12f;

/* samples [time][channels] -> features [level + 1 + bands][slices][channels]; work [frame + bands] */
static inline void welch_bands(const struct welch_bands *c, const struct samples *samples, float *work,
                        float *features) {
  const int32_t columns = c->slices * c->channels;
  float *const energy = work + c->frame;
  for (int32_t slice = 0; slice < c->slices; slice++) {
    for (int32_t channel = 0; channel < c->channels; channel++) {
      float *out = features + slice * c->channels + channel;
      float level = 0.0f, all = 0.0f;
      for (int32_t b = 0; b < c->bands; b++) energy[b] = 0.0f;
      for (int32_t f = slice * c->each; f < (slice + 1) * c->each; f++) {
        float sum = 0.0f;
        take(samples, f * c->hop, channel, c->frame, work, 1);
        to_range(c->range, channel, c->frame, work, 1);
        for (int32_t i = 0; i < c->frame; i++) sum += work[i];
        const float mean = sum * c->mean;
        for (int32_t i = 0; i < c->frame; i++) work[i] = work[i] - mean;
        level += mean;
        power_spectrum(work, c->frame, &c->table);
        for (int32_t b = 0; b < c->bands; b++) {
          float inside = 0.0f;
          for (int32_t k = c->edges[b]; k < c->edges[b + 1]; k++) inside += work[k];
          energy[b] += inside;
        }
      }
      for (int32_t b = 0; b < c->bands; b++) all += energy[b];
      const float loud = log_f32(max_f32(all * c->share, WELCH_FLOOR));
      if (c->level) {
        *out = level * c->twice;
        out += columns;
      }
      *out = loud * 0.25f + 2.0f;
      for (int32_t b = 0; b < c->bands; b++) {
        out += columns;
        *out = (log_f32(max_f32(energy[b] * c->share, WELCH_FLOOR)) - loud + c->equal) * 0.5f;
      }
    }
  }
}

#endif
