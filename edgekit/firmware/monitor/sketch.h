/* What a device keeps of its own windows, to notice when they change: twin of monitor/sketch.py.
 *
 * The first windows give each looked-at input of the network its mean (`mean`, in 1/256 of a step, the one
 * array beside the sketch), the next ones seven edges that cut their distances to it into eight bins of
 * about the same size, and those after them the reference counts. Then come weeks. Integers only, no heap, no libc;
 * counts stop at 65535 windows a week. Needs 32 bits for a product, which the casts say.
 *
 *   drift_hear(&plan, &sketch, mean, input);     each window, or each of so many
 *   drift_end_week(&plan, &sketch);              at a week's end: 0 (as at first) … 65536
 */
#ifndef EDGEKIT_SKETCH_H
#define EDGEKIT_SKETCH_H

#include <stdint.h>

#define DRIFT_EDGES 7
#define DRIFT_BINS 8
#define DRIFT_FULL 65535u
#define DRIFT_FURTHEST 65528u /* an edge may still move up from there */
#define DRIFT_FAR 2047u /* a single input's largest share, so that no sum overflows */

struct drift_plan {         /* shipped with the model, in flash */
  uint16_t inputs, looked;  /* of so many inputs every so-many-th is looked at, at most 1024 */
  const uint16_t *inverse;  /* [looked] 32768 / (standard deviation in training * sqrt(looked)) */
  uint16_t centre_until;    /* windows after which the means stand, */
  uint16_t edges_until;     /* the edges, */
  uint16_t reference_until; /* and the reference */
  uint16_t batch;           /* windows of the reference that belong together, a day's, at most 255 */
};

struct drift_sketch { /* 64 bytes, all zero in the beginning */
  uint16_t edge[DRIFT_EDGES];
  uint16_t seen;            /* windows, up to reference_until */
  uint16_t first[DRIFT_BINS], week[DRIFT_BINS]; /* windows in each bin: of the reference, of this week */
  uint32_t square;          /* sum over batches and edges of (windows of the batch below the edge)^2 */
  uint8_t day[DRIFT_BINS];  /* the open batch */
  uint16_t now;             /* windows of this week, up to 65535 */
  uint16_t in_day;          /* windows of the open batch */
};

static inline void drift_end_batch(struct drift_sketch *s) {
  uint32_t below = 0, square = s->square;
  for (uint32_t k = 0; k < DRIFT_EDGES; k++) {
    below += s->day[k];
    square += below * below;
    s->day[k] = 0;
  }
  s->day[DRIFT_EDGES] = 0;
  s->in_day = 0;
  s->square = square;
}

/* distance: mean squared z-score in 1/256, 0 … DRIFT_FURTHEST. While edges are learnt, each moves up or down
 * in steps that balance where (k + 1) eighths of the distances lie below it. */
static inline void drift_add(const struct drift_plan *plan, struct drift_sketch *s, uint32_t distance) {
  uint32_t b = 0;
  if (s->seen < plan->edges_until) {
    for (uint32_t k = 0; k < DRIFT_EDGES; k++) {
      const uint32_t at = s->seen == plan->centre_until ? distance : s->edge[k], down = DRIFT_EDGES - k;
      s->edge[k] = (uint16_t)(distance > at ? at + k + 1 : at > down ? at - down : 0u);
    }
    s->seen++;
    return;
  }
  while (b < DRIFT_EDGES && distance > s->edge[b]) b++;
  if (s->seen < plan->reference_until) {
    s->first[b]++;
    s->day[b]++;
    s->seen++;
    if (++s->in_day == plan->batch) drift_end_batch(s);
  } else if (s->now < DRIFT_FULL) {
    s->week[b]++;
    s->now++;
  }
}

/* input: int8 [plan->inputs] of the network; mean: int16 [plan->looked], zero in the beginning */
static inline void drift_hear(const struct drift_plan *plan, struct drift_sketch *s, int16_t *mean,
                              const int8_t *input) {
  const uint32_t learn = s->seen < plan->centre_until ? ++s->seen : 0u;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < plan->looked; i++) {
    const int32_t away = (int32_t)input[i * plan->inputs / plan->looked] * 256 - mean[i];
    uint32_t z = ((uint32_t)(away < 0 ? -away : away) * plan->inverse[i]) >> 16;
    if (z > DRIFT_FAR) z = DRIFT_FAR;
    sum += z * z;
    if (learn) mean[i] = (int16_t)(mean[i] + away / (int32_t)learn);
  }
  sum >>= 6;
  if (!learn) drift_add(plan, s, sum > DRIFT_FURTHEST ? DRIFT_FURTHEST : sum);
}

/* Ends a week: the Kolmogorov-Smirnov distance of its windows to the reference's in 1/65536, 0 where nothing
 * was heard. What is to be sent of it is read before. */
static inline uint32_t drift_end_week(const struct drift_plan *plan, struct drift_sketch *s) {
  const uint32_t all = (uint32_t)s->seen - plan->edges_until, now = s->now;
  uint32_t a = 0, b = 0, most = 0;
  if (!now) return 0; /* as before the reference is whole */
  for (uint32_t k = 0; k < DRIFT_BINS; k++) { /* behind the last bin both shares are one */
    a += s->first[k];
    b += s->week[k];
    s->week[k] = 0;
    const int32_t d = (int32_t)((a << 16) / all - (b << 16) / now);
    const uint32_t size = (uint32_t)(d < 0 ? -d : d);
    if (size > most) most = size;
  }
  s->now = 0;
  return most;
}

#endif
