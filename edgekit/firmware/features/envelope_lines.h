/* From an envelope to its spectrum. */
#ifndef EDGEKIT_ENVELOPE_LINES_H
#define EDGEKIT_ENVELOPE_LINES_H

#include "fft.h"

/* An envelope [width], whose values add up to `sum`, -> the square roots of lines 1 ... count of its spectrum,
 * seen through a Hann window; it is overwritten. */
static inline void envelope_lines(float *envelope, int32_t width, float sum, const struct cosine_table *table,
                           int32_t count, float *lines) {
  const struct complex_f32 *const z = (const struct complex_f32 *)envelope;
  const float mean = sum / (float)width;
  const float gain = 1.0f / max_f32(mean, 1e-12f); /* of silence: zeros */
  envelope[0] = 0.0f;                             /* where the Hann window is 0 */
  for (int32_t n = 1; n <= width / 2; n++) {
    const float weight = gain * hann(table, n, width);
    envelope[n] = (envelope[n] - mean) * weight;
    if (n < width / 2) envelope[width - n] = (envelope[width - n] - mean) * weight;
  }
  rfft(envelope, width, table);
  for (int32_t k = 0; k < count; k++) lines[k] = sqrt_f32(sqrt_f32(power(z[k + 1])));
}

#endif
