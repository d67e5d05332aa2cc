#include "outbox.h"

#include "cbor.h"

typedef char a_size_fits_a_byte[OUTBOX_BODY <= 255 ? 1 : -1];

void outbox_open(struct outbox *o, uint32_t epoch) {
  o->epoch = epoch;
  o->sequence = o->dropped = o->count = 0;
}

static void leave(struct outbox *o, uint32_t i) {
  for (o->count--; i < o->count; i++) o->event[i] = o->event[i + 1];
}

/* What is given up first: 0 a segment, 2 a report. */
static int rank(int kind) { return kind == EVENT_SEGMENT ? 0 : kind == EVENT_REPORT ? 2 : 1; }

/* The event that goes where one of this kind comes and there is no room; `count`: the one that comes. */
static uint32_t least(const struct outbox *o, int kind) {
  uint32_t found = o->count;
  int lowest = rank(kind) + 1; /* of the same rank, what is here is older */
  for (uint32_t i = 0; i < o->count; i++) {
    const int r = rank(o->event[i].kind);
    if (r < lowest) lowest = r, found = i;
  }
  return found;
}

int outbox_put(struct outbox *o, enum outbox_kind kind, uint32_t release, uint32_t time, const uint8_t *body,
               uint32_t size) {
  struct outbox_event e;
  if (o->epoch == 0 || o->sequence == 0xFFFFFFFFu || size > OUTBOX_BODY) return 0;
  e.sequence = o->sequence++;
  e.release = release;
  e.time = time;
  e.kind = (uint8_t)kind;
  e.size = (uint8_t)size;
  for (uint32_t i = 0; i < OUTBOX_BODY; i++) e.body[i] = i < size ? body[i] : 0;
  if (o->count == OUTBOX_EVENTS) {
    const uint32_t gone = least(o, kind);
    o->dropped++;
    if (gone == o->count) return 1; /* itself: a segment among reports */
    leave(o, gone);
  }
  o->event[o->count++] = e;
  return 1;
}

uint32_t outbox_encode(const struct outbox *o, uint32_t i, uint8_t to[OUTBOX_WIRE]) {
  const struct outbox_event *const e = &o->event[i];
  const uint32_t numbers[] = {o->epoch, e->sequence, e->kind, e->release, e->time};
  uint8_t *at = to;
  *at++ = 0x88; /* an array of 8: version 1, no name, … */
  *at++ = 0x01;
  *at++ = 0x40;
  for (uint32_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) at = cbor_put(at, CBOR_NUMBER, numbers[k]);
  at = cbor_put(at, CBOR_BYTES, e->size);
  for (uint32_t k = 0; k < e->size; k++) *at++ = e->body[k];
  return (uint32_t)(at - to);
}

/* These leave, and the others move up. How many left. */
static int32_t leave_run(struct outbox *o, uint32_t first, uint32_t many) {
  const uint32_t before = o->count;
  o->count = 0;
  for (uint32_t i = 0; i < before; i++) {
    if (o->event[i].sequence - first < many) continue;
    if (o->count != i) o->event[o->count] = o->event[i];
    o->count++;
  }
  return (int32_t)(before - o->count);
}

/* Read the runs; with `apply`, let what they name leave. How many left; -1 if it is no acknowledgement. */
static int32_t runs(struct outbox *o, struct cbor r, int apply) {
  static const uint8_t START[] = {0x82, 0x01};
  int32_t left = 0;
  cbor_expect(&r, START, sizeof START);
  const uint32_t count = cbor_number(&r, CBOR_ARRAY);
  if (count > OUTBOX_RUNS) cbor_fail(&r, CBOR_WRONG);
  for (uint32_t k = 0; k < count && r.state == CBOR_FINE; k++) {
    cbor_expect1(&r, 0x83);
    const uint32_t epoch = cbor_number(&r, CBOR_NUMBER), first = cbor_number(&r, CBOR_NUMBER);
    const uint32_t many = cbor_number(&r, CBOR_NUMBER);
    if (many == 0 || many > OUTBOX_RUN || first > 0xFFFFFFFFu - (many - 1)) cbor_fail(&r, CBOR_WRONG);
    if (apply && epoch == o->epoch) left += leave_run(o, first, many);
  }
  cbor_leave(&r, r.end);
  return r.state == CBOR_FINE ? left : -1;
}

int32_t outbox_acknowledge(struct outbox *o, const uint8_t *data, uint32_t n) {
  const struct cbor r = {data, data + n, CBOR_FINE};
  return runs(o, r, 0) < 0 ? -1 : runs(o, r, 1);
}
