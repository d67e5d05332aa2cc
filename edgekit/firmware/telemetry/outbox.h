/* A device's events until its gateway has them: a ring in RAM, no heap. The twin of edgekit/telemetry/outbox.py and
 * event.py; the bytes on the wire are the same.
 *
 *   event           = [1, h'', epoch, sequence, kind, release, time, body]     CBOR; the topic names the device
 *   acknowledgement = [1, [[epoch, first sequence, how many], ...]]
 *
 * An event leaves when an acknowledgement names it. Who sends repeats what is here, after a while and then after longer
 * ones; a broker's own acknowledgement means nothing. When the ring is full the oldest segment goes, else the oldest
 * that is no report, else the oldest report, and is counted. A reset loses what is in the ring, and its numbers
 * are never used again (epoch.h). */
#ifndef EDGEKIT_OUTBOX_H
#define EDGEKIT_OUTBOX_H

#include <stdint.h>

#ifndef OUTBOX_EVENTS
#define OUTBOX_EVENTS 16u
#endif
#ifndef OUTBOX_BODY
#define OUTBOX_BODY 32u /* bytes; at most 255 */
#endif
#define OUTBOX_WIRE (30u + OUTBOX_BODY) /* bytes of an event on the wire, at most */
#define OUTBOX_RUNS 16u                 /* of an acknowledgement, at most */
#define OUTBOX_RUN 512u                 /* events of a run, at most */

enum outbox_kind { EVENT_REPORT = 1, EVENT_SEGMENT, EVENT_SKETCH, EVENT_HEALTH, EVENT_OPINION, EVENT_DRIFT };

struct outbox_event {
  uint32_t sequence, release, time; /* release: of the model that ran, 0: none; POSIX seconds, 0: no clock */
  uint8_t kind, size, body[OUTBOX_BODY];
};

struct outbox {
  uint32_t epoch;    /* of this boot */
  uint32_t sequence; /* of the next event */
  uint32_t dropped;  /* events that had to go since the reset */
  uint32_t count;    /* events here: event[0] is the oldest */
  struct outbox_event event[OUTBOX_EVENTS];
};

/* After every reset, with epoch_next's number. With 0 it takes nothing. */
void outbox_open(struct outbox *o, uint32_t epoch);

/* Keep an event. 1; or 0 if there are no numbers for it, or its body is too long. */
int outbox_put(struct outbox *o, enum outbox_kind kind, uint32_t release, uint32_t time, const uint8_t *body,
               uint32_t size);

/* The wire's bytes of event[i]; how many there are. */
uint32_t outbox_encode(const struct outbox *o, uint32_t i, uint8_t to[OUTBOX_WIRE]);

/* An acknowledgement came in. How many events left; -1 if it is none, and nothing was changed. */
int32_t outbox_acknowledge(struct outbox *o, const uint8_t *data, uint32_t n);

#endif
