/* The envelope spectrum of a vibration: how often something is hit (Randall & Antoni, MSSP 25, 2011).
 * The resonance band of the spectrum, transformed back alone, is the analytic signal, mixed down and
 * decimated; its magnitude is the envelope. */
#ifndef EDGEKIT_ENVELOPE_H
#define EDGEKIT_ENVELOPE_H

#include "envelope_lines.h"
#include "samples.h"

struct envelope_spectrum {
  int16_t window;       /* samples */
  int16_t first, width; /* the band's first bin and its number of bins */
  int16_t lines;        /* of the result */
  struct cosine_table table;
};

/* samples [window] -> lines [lines]; work [window] */
static inline void envelope_spectrum(const struct envelope_spectrum *e, const struct samples *samples, float *work,
                              float *lines) {
  struct complex_f32 *const band = (struct complex_f32 *)work + e->first;
  const int32_t width = e->width;
  take(samples, 0, 0, e->window, work, 1);
  from_first(work, e->window, 1);
  rfft(work, e->window, &e->table);
  /* Back in time by a forward transform: that only runs the envelope backwards and scales it, and neither
   * changes what follows. */
  fft(band, width, &e->table);
  float sum = 0.0f;
  for (int32_t n = 0; n < width; n++) {
    const float magnitude = sqrt_f32(power(band[n]));
    work[n] = magnitude;
    sum += magnitude;
  }
  envelope_lines(work, width, sum, &e->table, e->lines, lines);
}

#endif
