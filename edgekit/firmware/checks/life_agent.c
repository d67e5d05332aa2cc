/* The life of a device again (see life.c), through the whole agent: signed packages come in pieces, as raw images
 * and as deltas, good ones and others, while the power fails and the observer looks on.
 *
 * The observer here also knows what was told: verdicts (an image that failed is refused from then on, and no other
 * one is), the time (it never falls), and that a good image gets in, however many bad ones came before. */
#include "agent.h"
#include "nor.h"
#if __STDC_HOSTED__
int (*powercut_verify)(const uint8_t *, const uint8_t *, const uint8_t *, size_t); /* ed25519_verify, compiled apart */
#else
#include "ed25519.h"
#define powercut_verify ed25519_verify
#endif

#define SLOT_SECTORS ((NOR_SECTORS - 2) / 2)
#define STEPS 12
#define CHUNK 61 /* bytes that arrive at a time */
#define DAY 86400u

enum kind { /* of what comes */
  HEALTHY,    /* an image that passes its self-test */
  UNHEALTHY,  /* fails it: is refused from then on */
  POWERLESS,  /* is good, but the power goes in all its trials; it comes again, and has to get in */
  HANGS,      /* never reports */
  WATCHED,    /* passes its self-test, and is confirmed a life later, when its health window is over */
  BROKEN_OFF, /* the line breaks before the end */
  REFUSED     /* has to be refused, with this answer */
};

struct life {
  uint32_t steps;
  struct step {
    uint32_t kind, sequence;
    uint32_t content, size; /* of the image */
    uint32_t at, bytes;     /* of the package, in powercut_packages */
    uint32_t wait, back;    /* seconds that pass before it comes; nonzero: the clock was set back */
    int32_t answer;
  } step[STEPS]; /* the first has to be HEALTHY */
  uint32_t clock; /* POSIX seconds, 0: the device has none */
  /* the observer's memory */
  uint32_t now;       /* step that is under way; `steps`: all done */
  uint32_t confirmed; /* sequence number of the image that was confirmed last, 0: none */
  uint32_t asked;     /* sequence number of a confirm that the power cut, which may have come through */
  uint32_t boots;     /* test boots used up since the last install */
  uint32_t installs;  /* of this step */
  uint32_t begun;     /* transfers that came in since the last confirmed image, */
  uint32_t today;     /* since the last start, */
  uint32_t last;      /* and when */
  uint32_t accused;   /* a verdict against this step's image was begun, */
  uint32_t judged;    /* and came through */
  uint32_t told;      /* the latest time that the device was told, */
  uint32_t kept;      /* and that its log held at a start */
  uint32_t booted;    /* sequence number of what the last start booted, 0: nothing, */
  uint32_t trial;     /* and whether it was on trial */
  /* what must stay 0 */
  uint32_t bricks, wrong_boots, counter_errors, false_records, wrong_bans, time_errors, blocked, worn;
};

struct life life;
struct agent powercut_agent; /* all the memory that a cut loses */
uint8_t powercut_packages[STEPS * 640];
uint8_t powercut_public_key[32]; /* the key that signs */

static struct device DEVICE = {.vendor = {'v'}, .model = {'m'}, .device = {'d'}, .kind = KIND_WEIGHTS,
                               /* too many: the agent knows better */
                               .slot_bytes = 0xFFFFFFFF, .secret = {'s'}};

/* A search lives thousands of lives with the same few packages, and has no time to verify each time: this test
 * remembers which signatures were good, in memory that no cut and no search clears. A device does not. */
static int verify(const uint8_t *signature, const uint8_t *public, const uint8_t *message, size_t n) {
  static uint8_t good[4 * STEPS][SHA256_BYTES];
  static uint32_t next;
  uint8_t is[SHA256_BYTES];
  struct sha256 hash;
  sha256_begin(&hash);
  sha256_add(&hash, signature, 64);
  sha256_add(&hash, public, 32);
  sha256_add(&hash, message, (uint32_t)n);
  sha256_end(&hash, is);
  for (int i = 0; i < 4 * STEPS; i++)
    if (hmac_same(is, good[i], SHA256_BYTES)) return 0;
  if (powercut_verify(signature, public, message, n)) return -1;
  for (int i = 0; i < SHA256_BYTES; i++) good[next % (4 * STEPS)][i] = is[i];
  next++;
  return 0;
}

static uint8_t image_byte(uint32_t content, uint32_t i) { /* most bytes are those of every image */
  uint32_t x = (i + 1) * 2654435761u ^ (i % 16 == 3 ? content * 2246822519u : 0);
  x = (x ^ x >> 15) * 3266489917u;
  return (uint8_t)(x >> 24);
}

/* Does the slot hold the image that came with this number, byte for byte? */
static int holds(const struct slots *s, int slot, uint32_t sequence) {
  const uint8_t *byte = slots_image(s, slot);
  for (uint32_t n = 0; n < life.steps; n++) {
    if (life.step[n].sequence != sequence || life.step[n].kind == REFUSED) continue;
    if (s->slot[slot].size != life.step[n].size) return 0;
    for (uint32_t i = 0; i < life.step[n].size; i++)
      if (byte[i] != image_byte(life.step[n].content, i)) return 0;
    return 1;
  }
  return 0;
}

/* After a restart: has the log kept what it must keep, and does it claim nothing that is not so? */
static void look_at_log(const struct slots *s) {
  if (life.asked && s->counter == life.asked) life.confirmed = life.asked, life.begun = 0;
  life.asked = 0;
  life.counter_errors += s->counter != life.confirmed;
  life.time_errors += s->time < life.kept || s->time + SLOTS_HOUR <= life.told;
  life.kept = s->time;
  for (int slot = 0; slot < 2; slot++) {
    const struct slot_record *r = &s->slot[slot];
    const int claims = r->state == SLOT_INSTALLED || r->state == SLOT_TESTING || slot == slots_active(s);
    if (claims) life.false_records += !holds(s, slot, r->sequence);
  }
}

static void look_at_boot(const struct slots *s, int slot, int trial) {
  if (slot == SLOTS_NONE) {
    life.bricks += life.confirmed != 0;
    return;
  }
  const struct slot_record *r = &s->slot[slot];
  int right = holds(s, slot, r->sequence);
  if (trial) {
    right = right && !life.judged && !slots_banned(s, r->sequence, r->digest) && life.now < life.steps && r->sequence == life.step[life.now].sequence;
    right = right && r->sequence > life.confirmed && ++life.boots <= SLOTS_TEST_BOOTS;
  } else {
    right = right && r->state == SLOT_CONFIRMED && r->sequence == life.confirmed;
  }
  life.wrong_boots += !right;
}

/* A transfer came in, and wore the flash: was it due? */
static void look_at_wear(void) {
  const int soon = life.clock ? life.clock - life.last < 60 : life.today != 0;
  life.worn += life.begun > SLOTS_TRIES && soon;
  life.begun++;
  life.today++;
  life.last = life.clock;
}

/* What the device says to a package, or to as much of it as comes. */
static int send(const struct step *step) {
  const uint8_t *package = powercut_packages + step->at;
  const uint32_t now = life.clock == 0 ? 0 : step->back ? 1 : life.clock++;
  agent_begin(&powercut_agent, now);
  if (now > life.told) life.told = now;
  for (uint32_t at = 0, n; at < step->bytes; at += n) {
    n = step->bytes - at < CHUNK ? step->bytes - at : CHUNK;
    const int answer = agent_take(&powercut_agent, package + at, n);
    if (answer == AGENT_MORE) continue;
    /* refused is refused, whatever comes behind it */
    life.false_records += agent_take(&powercut_agent, package, CHUNK) != AGENT_ABORTED;
    life.false_records += agent_end(&powercut_agent) != AGENT_ABORTED;
    return answer;
  }
  return step->kind == BROKEN_OFF ? AGENT_MORE : agent_end(&powercut_agent);
}

/* The same; a device that wants to rest must take it a day later, or, without a clock, in its next life. */
static int offer(const struct step *step) {
  int answer = send(step);
  if (answer == AGENT_BACKOFF && life.clock) {
    life.clock += DAY;
    answer = send(step);
    life.blocked += answer == AGENT_BACKOFF;
  }
  if (answer == AGENT_BACKOFF) life.blocked += !life.today;
  else if (answer >= AGENT_MORE || (answer <= AGENT_DAMAGED && answer >= AGENT_PARTIAL)) look_at_wear();
  return answer;
}

/* The image on trial: does it live? */
static void try_out(const struct step *step) {
  const uint32_t sequence = agent_running(&powercut_agent);
  life.false_records += send(step) != AGENT_BUSY; /* it would have to overwrite the way back */
  if (step->kind == UNHEALTHY) {
    life.accused = 1;
    life.judged = agent_finish_trial(&powercut_agent, sequence, 0) == 0;
  }
  if (step->kind == WATCHED && life.boots == 1) return; /* nobody has a verdict yet */
  if (step->kind != HEALTHY && step->kind != WATCHED && !(step->kind == POWERLESS && life.installs > 1)) return;
  for (int healthy = 0; healthy < 2; healthy++) /* somebody else's verdict */
    life.counter_errors += agent_finish_trial(&powercut_agent, sequence - 1, healthy) == 0;
  life.asked = sequence;
  if (agent_finish_trial(&powercut_agent, sequence, 1) == 0) life.confirmed = sequence;
  life.asked = life.begun = 0;
}

/* The next step comes. 1: the device has an image to try, or wants to rest; it is reset. */
static int come(const struct step *step) {
  life.boots = 0;
  const int answer = offer(step);
  if (answer == AGENT_BACKOFF) return step->kind < BROKEN_OFF;
  if (step->kind == REFUSED) {
    life.false_records += answer != step->answer;
  } else if (step->kind == UNHEALTHY && answer == AGENT_FAILED) {
    life.wrong_bans += !life.accused;
  } else if (step->kind == BROKEN_OFF) {
    life.blocked += answer != AGENT_MORE;
  } else {
    life.wrong_bans += life.judged || answer == AGENT_FAILED; /* a verdict was forgotten, or made up */
    life.blocked += answer != AGENT_INSTALLED;
    life.installs++;
    life.judged = 0;
    life.false_records += send(step) != AGENT_BUSY; /* it waits for the reset, and nothing displaces it */
    return 1;
  }
  return 0;
}

void powercut_run_until_reset(void) {
  static struct key key = {verify, KEY_ED25519, 0, {0}};
  static const struct keys KEYS = {&key, 1};
  int trial;
  life.today = 0;
  for (uint32_t i = 0; i < sizeof powercut_public_key; i++) key.bytes[i] = powercut_public_key[i];
  const int slot = agent_start(&powercut_agent, &DEVICE, &KEYS, SLOT_SECTORS, &trial);
  look_at_log(&powercut_agent.slots);
  life.booted = slot == SLOTS_NONE ? 0 : powercut_agent.slots.slot[slot].sequence;
  life.trial = life.booted && trial;
  look_at_boot(&powercut_agent.slots, slot, trial);
  if (trial && life.now < life.steps) {
    try_out(&life.step[life.now]);
    if (life.step[life.now].sequence != life.confirmed) return; /* reset, by itself or by the watchdog */
  }
  life.counter_errors += agent_finish_trial(&powercut_agent, life.confirmed, 1) == 0; /* replayed */
  while (life.now < life.steps) {
    const struct step *step = &life.step[life.now];
    const int done = step->kind == HANGS ? life.installs != 0 : step->sequence == life.confirmed;
    if (!(done && step->kind < BROKEN_OFF) && come(step)) return;
    life.installs = life.accused = life.judged = 0;
    if (++life.now < life.steps && life.clock) life.clock += life.step[life.now].wait;
  }
}

/* Use up n places of the log, as the hours do in which nothing else happens. */
void powercut_fill_log(uint32_t n) {
  struct slots s;
  for (int i = 0; i < NOR_CUTS; i++) nor.cut[i].after = 0;
  slots_open(&s, SLOT_SECTORS, DEVICE.secret);
  while (n--) slots_time(&s, s.time + SLOTS_HOUR);
}

#if __STDC_HOSTED__
int powered_turn(void) {
  if (setjmp(nor_off)) return 100; /* the power was cut */
  return powercut_run_until_reset(), 0;
}
#endif
