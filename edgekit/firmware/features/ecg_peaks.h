/* Heartbeats in a stream of samples, one step for each sample: slope, energy, adaptive threshold, search
 * back; after J. Pan, W. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. BME 32, 1985.
 * Slopes and energies are integers, so that a running sum never drifts. */
#ifndef EDGEKIT_ECG_PEAKS_H
#define EDGEKIT_ECG_PEAKS_H

#include "real.h"

/* In samples at 125 Hz, or at half of it, where they are rounded: half of the slope's support, 24 ms (32 at
 * half); the moving sum of its square, 168 ms, about a wide ventricular beat; the refractory period, 200 ms; how
 * long a T wave may follow, 360 ms; learning the levels, 2 s; the silence after which they decay, 2 s; the
 * longest interval that is averaged, 3 s; how far off a beat may be and count as the one that is meant, 150 ms
 * (EC57's tolerance; 160 at half). */
#ifdef ECG_HALF
enum { SLOPE = 2, ENERGY = 11, REFRACTORY = 12, TWAVE = 22, LEARN = 125, SILENCE = 125, LONGEST = 187, NEAR = 10 };
enum { SECOND = 62 };
#else
enum { SLOPE = 3, ENERGY = 21, REFRACTORY = 25, TWAVE = 45, LEARN = 250, SILENCE = 250, LONGEST = 375, NEAR = 19 };
enum { SECOND = 125 };
#endif
enum { RING = 64, SHORT = 8 };

struct ecg_peaks {
  int32_t x[SHORT], square[RING]; /* the last samples in 5 uV, and the last squared slopes */
  int32_t slope, energy;
  int32_t now, learnt;           /* samples heard; 1 when the levels are known */
  int32_t top, top_at;           /* the largest energy not yet judged, and when it was */
  int32_t overdue;               /* after this sample a beat is */
  float signal, noise;           /* levels (roots of energies) of beats, and of what is between them */
  float interval;                /* mean of the last ones */
  int32_t beats, last, steep;    /* beats found; when the last was, and its steepest squared slope */
  float missed;                  /* the highest level since then that was no beat, 0 if none */
  int32_t missed_at, missed_steep, missed_ago;
  int32_t ago; /* how long before its energy the last judged peak was */
};

static inline void ecg_peaks_restart(struct ecg_peaks *p) {
  p->slope = p->energy = p->now = p->top = p->beats = 0;
  p->top_at = -1;
  p->last = -((int32_t)1 << 20);
  p->overdue = INT32_MAX; /* before the first one nothing is */
  p->steep = p->missed_at = p->missed_steep = p->missed_ago = p->ago = 0;
  p->missed = 0.0f;
  p->interval = (float)SECOND;
  for (int32_t i = 0; i < RING; i++) p->square[i] = 0;
}

static inline void ecg_peaks_init(struct ecg_peaks *p) {
  p->learnt = 0;
  ecg_peaks_restart(p);
}

/* mV to steps of 5 uV, to the nearest: what is moved up until it is positive is rounded by cutting it off.
 * Beyond 0.65 V it is no heart. */
static inline int32_t ecg_counts(float x) {
  const int32_t n = (int32_t)(x * 200.0f + 131072.5f) - 131072;
  return n > 131071 ? 131071 : n < -131072 ? -131072 : n;
}

static inline void ecg_peaks_beat(struct ecg_peaks *p, int32_t at, float level, int32_t steep, float weight) {
  const int32_t interval = at - p->last;
  if (p->beats > 0 && interval < LONGEST) p->interval += ((float)interval - p->interval) * 0.125f;
  p->signal += weight * (level - p->signal);
  p->last = at;
  p->overdue = at + ENERGY + (int32_t)(1.6f * p->interval);
  p->steep = steep;
  p->missed = 0.0f;
  p->beats++;
}

/* The largest energy of the last ENERGY samples is judged; 1 if it is a beat's. */
static inline int32_t ecg_peaks_judge(struct ecg_peaks *p, int32_t at) {
  const float level = sqrt_f32((float)p->top), threshold = p->noise + 0.35f * (p->signal - p->noise);
  int32_t steep = 0;
  uint64_t moment = 0;
  for (int32_t i = 0; i < ENERGY && i <= at; i++) {
    const int32_t square = p->square[(at - i) & (RING - 1)];
    if (square > steep) steep = square;
    moment += (uint64_t)square * (uint32_t)i;
  }
  /* the middle of the energy, to the nearest sample: steadier than its largest moving sum */
  p->ago = (int32_t)((2 * moment + (uint32_t)p->top) / (2 * (uint64_t)p->top)) + SLOPE;
  if (at - p->last <= REFRACTORY) return 0;
  /* slopes are compared by their squares: 0.36 is 0.6 of the slope */
  const int32_t twave = at - p->last < TWAVE && (float)steep < 0.36f * (float)p->steep;
  if (level > threshold && !twave) {
    const float most = 2.0f * p->signal;
    ecg_peaks_beat(p, at, level < most ? level : most, steep, 0.125f);
    return 1;
  }
  const float less = level < p->signal ? level : p->signal;
  p->noise += 0.125f * (less - p->noise);
  if (level > p->missed && !twave) {
    p->missed = level;
    p->missed_at = at;
    p->missed_steep = steep;
    p->missed_ago = p->ago;
  }
  return 0;
}

/* What follows from the energies up to sample t, where anything does; as `ecg_peaks_step` returns it. A function
 * of its own, for most samples do not come here. */
static __attribute__((noinline)) int32_t ecg_peaks_due(struct ecg_peaks *p, int32_t t) {
  if (!p->learnt) {
    if (t + 1 == LEARN) {
      p->signal = 0.6f * sqrt_f32((float)p->top);
      p->noise = 0.125f * p->signal;
      p->learnt = 1;
      ecg_peaks_restart(p);
    }
    return 0;
  }
  int32_t found = 0;
  if (t - p->top_at >= ENERGY) {
    if (p->top > 0 && ecg_peaks_judge(p, p->top_at)) found = t - p->top_at + p->ago;
    p->top = 0;
    p->top_at = t;
  }
  if (t > p->overdue) {
    const float threshold = p->noise + 0.35f * (p->signal - p->noise);
    if (p->missed > 0.6f * threshold) {
      const int32_t at = p->missed_at;
      ecg_peaks_beat(p, at, p->missed, p->missed_steep, 0.25f);
      found = t - at + p->missed_ago;
    } else if (t - p->last > SILENCE) {
      p->signal = p->signal * 0.98f;
      p->noise = p->noise * 0.98f;
    }
  }
  return found;
}

/* One sample in mV, within +-1e6. Returns 0, or how many samples ago a beat was that is certain now: about 280 ms
 * mostly, up to some seconds where one is found by searching back. The first LEARN samples only set the levels. */
static inline int32_t ecg_peaks_step(struct ecg_peaks *p, float sample) {
  const int32_t t = p->now++, x = ecg_counts(sample);
  if (t == 0) {
    for (int32_t i = 0; i < SHORT; i++) p->x[i] = x;
  }
  /* the last SLOPE samples less the SLOPE before them, from what it was a sample ago */
  p->slope += x - 2 * p->x[(t - SLOPE) & (SHORT - 1)] + p->x[(t - 2 * SLOPE) & (SHORT - 1)];
  p->x[t & (SHORT - 1)] = x;
  const int32_t slope = p->slope > 4095 ? 4095 : p->slope < -4096 ? -4096 : p->slope;
  const int32_t square = slope * slope;
  p->energy += square - p->square[(t - ENERGY) & (RING - 1)];
  p->square[t & (RING - 1)] = square;
  if (p->energy > p->top) {
    p->top = p->energy;
    p->top_at = t;
  }
  return t - p->top_at >= ENERGY || t > p->overdue || !p->learnt ? ecg_peaks_due(p, t) : 0;
}

#endif
