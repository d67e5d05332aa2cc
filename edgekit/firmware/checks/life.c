/* The life of a device, for the search for power cuts: updates of all sorts come, one after the other, and an
 * observer who does not lose power looks on.
 *
 * powercut_run_until_reset() is what happens between two resets. The device in it knows nothing but its flash; the script and
 * the observer's memory are in `life`. The observer compares image bytes, not digests, and does not read the log
 * to know what should be there. */
#include "nor.h"
#include "slots.h"

#define SLOT_SECTORS ((NOR_SECTORS - 2) / 2)
#define STEPS 8
#define CHUNK 13 /* bytes that arrive at a time: not a whole number of units */

enum kind { /* of update */
  HEALTHY,
  UNHEALTHY, /* its self-test fails */
  HANGS,     /* the watchdog has to reset it */
  ROTS,      /* a bit of its slot flips after it was installed */
  CORRUPT,   /* a byte of the payload is wrong */
  SHORT,     /* a byte is missing */
  LONG,      /* one byte too many, sent last */
  OLD        /* its sequence number has been confirmed before */
};

struct life {
  uint32_t steps;
  struct step {
    uint32_t sequence, kind, size;
    uint8_t digest[SHA256_BYTES];
  } step[STEPS]; /* the first has to be HEALTHY: before it there is nothing to boot */
  /* the observer's memory */
  uint32_t now;       /* step that is under way; `steps`: all done */
  uint32_t confirmed; /* sequence number of the image that was confirmed last, 0: none */
  uint32_t asked;     /* sequence number of a confirm that the power cut, which may have come through */
  uint32_t boots;     /* test boots used up since the last install */
  uint32_t rotten;    /* the slot with the flipped bit, plus 1 */
  /* what must stay 0 */
  uint32_t bricks, wrong_boots, counter_errors, false_records;
};

struct life life;
uint8_t powercut_secret[HMAC_KEY]; /* of the device */

static uint8_t image_byte(uint32_t sequence, uint32_t i) {
  uint32_t x = (i + 1) * 2654435761u ^ sequence * 2246822519u;
  x = (x ^ x >> 15) * 3266489917u;
  return (uint8_t)(x >> 24);
}

/* Does the slot hold the image of this sequence number, byte for byte? */
static int holds(const struct slots *s, int slot, uint32_t sequence) {
  const uint8_t *byte = slots_image(s, slot);
  for (uint32_t n = 0; n < life.steps; n++) {
    if (life.step[n].sequence != sequence) continue;
    if (s->slot[slot].size != life.step[n].size) return 0;
    for (uint32_t i = 0; i < life.step[n].size; i++)
      if (byte[i] != image_byte(sequence, i)) return 0;
    return 1;
  }
  return 0;
}

/* After a restart: has the log kept what it must keep, and does it claim nothing that is not so? */
static void look_at_log(const struct slots *s) {
  if (life.asked && s->counter == life.asked) life.confirmed = life.asked;
  life.asked = 0;
  life.counter_errors += s->counter != life.confirmed;
  for (int slot = 0; slot < 2; slot++) {
    const struct slot_record *r = &s->slot[slot];
    const int claims = r->state == SLOT_INSTALLED || r->state == SLOT_TESTING || slot == slots_active(s);
    if (claims && slot + 1 != (int)life.rotten) life.false_records += !holds(s, slot, r->sequence);
  }
}

static void look_at_boot(const struct slots *s, int slot) {
  if (slot == SLOTS_NONE) {
    life.bricks += life.confirmed != 0;
    return;
  }
  const struct slot_record *r = &s->slot[slot];
  int right = holds(s, slot, r->sequence);
  if (r->state == SLOT_TESTING) {
    right = right && life.now < life.steps && r->sequence == life.step[life.now].sequence;
    right = right && r->sequence > life.confirmed && ++life.boots <= SLOTS_TEST_BOOTS;
  } else {
    right = right && r->state == SLOT_CONFIRMED && r->sequence == life.confirmed;
  }
  life.wrong_boots += !right;
}

/* Receive and store an update as a device does, up to the reset. 0 if the device took it. */
static int install(struct slots *s, const struct step *step) {
  uint8_t chunk[CHUNK];
  const uint32_t sent = step->size + (step->kind == LONG) - (step->kind == SHORT);
  int error = slots_begin(s, step->sequence, step->size, step->digest);
  for (uint32_t at = 0, n; at < sent && !error; at += n) {
    n = sent - at < CHUNK ? sent - at : CHUNK;
    for (uint32_t i = 0; i < n; i++) chunk[i] = image_byte(step->sequence, at + i);
    if (step->kind == CORRUPT && at == 0) chunk[0] ^= 1;
    error = slots_put(s, chunk, n);
  }
  return error ? error : slots_finish(s);
}

/* Has the update come to its end, good or bad? */
static int settled(const struct slots *s, const struct step *step) {
  for (int slot = 0; slot < 2; slot++)
    if (s->slot[slot].sequence == step->sequence)
      return s->slot[slot].state == (step->kind == HEALTHY ? SLOT_CONFIRMED : SLOT_REVERTED);
  return 0;
}

void powercut_run_until_reset(void) {
  struct slots s;
  slots_open(&s, SLOT_SECTORS, powercut_secret);
  look_at_log(&s);
  const int slot = slots_boot(&s);
  look_at_boot(&s, slot);
  if (slot != SLOTS_NONE && s.slot[slot].state == SLOT_TESTING) {
    const uint32_t sequence = s.slot[slot].sequence;
    const uint32_t kind = life.step[life.now < life.steps ? life.now : 0].kind;
    /* an update that comes during the test would have to overwrite the way back */
    life.false_records += slots_begin(&s, sequence + 1, 1, life.step[0].digest) == 0;
    if ((kind == UNHEALTHY || kind == ROTS) && slots_revert(&s) == 0) life.boots = SLOTS_TEST_BOOTS;
    if (kind != HEALTHY) return; /* reset, by itself or by the watchdog */
    life.counter_errors += slots_confirm(&s, sequence - 1) == 0; /* somebody else's confirm */
    life.asked = sequence;
    if (slots_confirm(&s, sequence) == 0) life.confirmed = sequence;
    life.asked = 0;
  }
  life.counter_errors += slots_confirm(&s, life.confirmed) == 0; /* replayed */
  life.counter_errors += s.counter != life.confirmed;
  for (; life.now < life.steps; life.now++) {
    const struct step *step = &life.step[life.now];
    if (step->kind < CORRUPT && settled(&s, step)) continue;
    life.boots = life.rotten = 0;
    const int error = install(&s, step);
    if (step->kind >= CORRUPT) {
      life.false_records += error == 0;
      continue;
    }
    if (step->kind == ROTS && !error) {
      const int rotten = slots_active(&s) == 0;
      nor.cell[slots_image(&s, rotten) - nor.cell + step->size / 2] ^= 4;
      life.rotten = (uint32_t)rotten + 1;
    }
    return; /* reset into the new image */
  }
}

/* Use up n places of the log, as n updates that were begun and given up would. */
void powercut_fill_log(uint32_t n) {
  struct slots s;
  for (int i = 0; i < NOR_CUTS; i++) nor.cut[i].after = 0;
  slots_open(&s, SLOT_SECTORS, powercut_secret);
  while (n--) slots_begin(&s, s.counter + 1, 1, life.step[0].digest);
}

#if __STDC_HOSTED__
/* The same calls from outside, with a power cut as a result. `device` is the RAM, which a cut loses. */
#define POWER_CUT 100
#define POWERED(call)                      \
  do {                                     \
    if (setjmp(nor_off)) return POWER_CUT; \
    return call;                           \
  } while (0)

struct slots device;

static int turn(void) { return powercut_run_until_reset(), 0; }

int powered_turn(void) { POWERED(turn()); }
void device_open(void) { slots_open(&device, SLOT_SECTORS, powercut_secret); } /* only reads */
int device_boot(void) { POWERED(slots_boot(&device)); }
int device_begin(uint32_t sequence, uint32_t size, const uint8_t *digest) {
  POWERED(slots_begin(&device, sequence, size, digest));
}
int device_put(const uint8_t *data, uint32_t n) { POWERED(slots_put(&device, data, n)); }
int device_finish(void) { POWERED(slots_finish(&device)); }
int device_confirm(uint32_t sequence) { POWERED(slots_confirm(&device, sequence)); }
int device_revert(void) { POWERED(slots_revert(&device)); }
int device_time(uint32_t now) { POWERED((slots_time(&device, now), 0)); }
#endif
