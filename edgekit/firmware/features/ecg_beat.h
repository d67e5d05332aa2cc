/* One heartbeat beside the others of the same window: shape, difference from the patient's typical beat, and
 * how early it came. Whatever is normal for this patient is learnt from the window itself, without a label. */
#ifndef EDGEKIT_ECG_BEAT_H
#define EDGEKIT_ECG_BEAT_H

#include "ecg_peaks.h"
#include "samples.h"

enum { MOST_BEATS = 64, RATIOS = 4 }; /* of a window; channels that tell of the rhythm */

struct ecg_beat {
  int32_t window, anchor; /* samples; where the beat to judge is */
  int32_t first, length;  /* the piece around it: from `first` samples before its R */
  int32_t shapes;         /* 2: with the difference from the typical beat, 1: without */
};

struct ecg_rhythm {
  int32_t at[MOST_BEATS], count, beat; /* R peaks, ascending; which is the one to judge */
};

/* The k-th smallest of v [count]; sorts it by insertion, few values */
static inline float ecg_kth(float *v, int32_t count, int32_t k) {
  for (int32_t i = 1; i < count; i++) {
    const float x = v[i];
    int32_t j = i;
    for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
    v[j] = x;
  }
  return v[k];
}

/* Where in the window the heart beat. The first two seconds are heard twice: once for the levels. */
static inline void ecg_find(const struct ecg_beat *c, const float *x, struct ecg_peaks *peaks, struct ecg_rhythm *r) {
  ecg_peaks_init(peaks);
  r->count = 0;
  for (int32_t t = -LEARN; t < c->window; t++) {
    const int32_t ago = ecg_peaks_step(peaks, x[t < 0 ? t + LEARN : t]);
    if (ago != 0 && r->count < MOST_BEATS - 1) r->at[r->count++] = t - ago; /* ascending */
  }
  /* the beat to judge: the nearest within 150 ms of its place, else that place itself */
  int32_t best = -1, away = NEAR;
  for (int32_t i = 0; i < r->count; i++) {
    const int32_t d = r->at[i] < c->anchor ? c->anchor - r->at[i] : r->at[i] - c->anchor;
    if (d < away) {
      away = d;
      best = i;
    }
  }
  if (best < 0) {
    int32_t i = r->count++;
    for (; i > 0 && r->at[i - 1] > c->anchor; i--) r->at[i] = r->at[i - 1];
    r->at[i] = c->anchor;
    best = i;
  }
  r->beat = best;
}

static inline float ecg_clamp(float x) { return x > 6.0f ? 6.0f : x < -6.0f ? -6.0f : x; }

/* 3 (a / b - 1): 0 where they are equal, -1.5 for half, clamped to +-4 */
static inline float ecg_ratio(int32_t a, int32_t b) {
  const float r = 3.0f * ((float)a / (float)(b > 0 ? b : 1) - 1.0f);
  return r > 4.0f ? 4.0f : r < -4.0f ? -4.0f : r;
}

/* mean of a beat's piece, the sum from first to last */
static inline float ecg_level(const float *x, int32_t length) {
  float sum = 0.0f;
  for (int32_t i = 0; i < length; i++) sum += x[i];
  return sum / (float)length;
}

/* samples [window] -> features [length][shapes + RATIOS]; work [window] */
static inline void ecg_beat(const struct ecg_beat *c, const struct samples *samples, float *work, float *features) {
  static struct ecg_peaks peaks;
  static struct ecg_rhythm r;
  take(samples, 0, 0, c->window, work, 1);
  from_first(work, c->window, 1);
  ecg_find(c, work, &peaks, &r);
  const int32_t here = r.at[r.beat], channels = c->shapes + RATIOS;

  /* rhythm: this beat's interval, the next, and the mean one up to here */
  int32_t usual[MOST_BEATS], count = 0;
  float jumps[8];
  for (int32_t i = 1; i <= r.beat; i++) usual[i - 1] = r.at[i] - r.at[i - 1];
  /* how ragged it was before: the usual jump from one interval to the next, of the last eight intervals */
  for (int32_t i = r.beat > 9 ? r.beat - 9 : 0; i + 2 < r.beat; i++) {
    const int32_t jump = usual[i + 1] - usual[i];
    jumps[count++] = (float)(jump < 0 ? -jump : jump);
  }
  const int32_t before = r.beat > 0 ? usual[r.beat - 1] : SECOND;
  const int32_t intervals = r.beat > 0 ? r.beat : 1, span = r.beat > 0 ? here - r.at[0] : SECOND;
  const int32_t after = (r.beat + 1 < r.count ? r.at[r.beat + 1] : c->window) - here;
  const float jump = count ? ecg_kth(jumps, count, (count - 1) / 2) : 0.0f;
  const float ragged = 10.0f * (jump * (float)intervals / (float)(span > 0 ? span : 1));
  const float rhythm[RATIOS] = {ecg_ratio(before * intervals, span), ecg_ratio(after * intervals, span),
                                ecg_ratio(before, after),
                                ragged > 4.0f ? 4.0f : ragged};

  /* The other beats whose whole piece lies in the window, and the level of each. Those that come no earlier
   * than the mean interval are this patient's own; only where there is none, the others are heard. */
  const float *other[MOST_BEATS];
  float level[MOST_BEATS];
  int32_t others = 0;
  for (int32_t early = 0; early < 2 && others == 0; early++) {
    for (int32_t i = 0; i < r.count; i++) {
      const int32_t begin = r.at[i] - c->first, last = r.count - 1;
      const int32_t late = i > 0 && (r.at[i] - r.at[i - 1]) * last >= r.at[last] - r.at[0];
      if (i == r.beat || begin < 0 || begin + c->length > c->window || !(late || early)) continue;
      level[others] = ecg_level(work + begin, c->length);
      other[others++] = work + begin;
    }
  }
  const float *const mine = work + here - c->first;
  const float mean = ecg_level(mine, c->length);
  if (others == 0) {
    level[0] = mean;
    other[others++] = mine;
  }
  float power = 0.0f;
  for (int32_t i = 0; i < c->length; i++) {
    float values[MOST_BEATS];
    for (int32_t k = 0; k < others; k++) values[k] = other[k][i] - level[k];
    const float typical = ecg_kth(values, others, (others - 1) / 2);
    power += typical * typical;
    features[i * channels] = typical;
  }
  const float gain = 1.0f / max_f32(sqrt_f32(power / (float)c->length), 0.02f);
  for (int32_t i = 0; i < c->length; i++) {
    float *const row = features + i * channels;
    const float x = mine[i] - mean, typical = row[0];
    row[0] = ecg_clamp(x * gain);
    if (c->shapes > 1) row[1] = ecg_clamp((x - typical) * gain);
    for (int32_t k = 0; k < RATIOS; k++) row[c->shapes + k] = rhythm[k];
  }
}

#endif
