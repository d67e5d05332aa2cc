/* The envelope spectrum from a rougher envelope: the second difference keeps what is fast, and how large it
 * is on average over a block is the envelope. */
#ifndef EDGEKIT_RECTIFIED_H
#define EDGEKIT_RECTIFIED_H

#include "envelope_lines.h"
#include "samples.h"

struct rectified_spectrum {
  int16_t window, block; /* samples; of one value of the envelope */
  int16_t lines;         /* of the result */
  struct cosine_table table;
};

/* samples [window] -> lines [lines]; work [window] */
static inline void rectified_spectrum(const struct rectified_spectrum *r, const struct samples *samples, float *work,
                               float *lines) {
  const int32_t width = r->window / r->block;
  take(samples, 0, 0, r->window, work, 1);
  const float *x = work;
  float before = work[0], slope = 0.0f, sum = 0.0f;
  for (int32_t n = 0; n < width; n++) {
    float part = 0.0f;
    for (int32_t m = 0; m < r->block; m++) {
      const float now = *x++, change = now - before;
      part += abs_f32(change - slope);
      before = now;
      slope = change;
    }
    work[n] = part; /* behind x */
    sum += part;
  }
  envelope_lines(work, width, sum, &r->table, r->lines, lines);
}

#endif
