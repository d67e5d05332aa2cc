/* The two slots and their log. Every decision that must survive a power cut is one record: it is there or not. */
#include "slots.h"

#define LAYOUT 2
#define RECORD ((uint32_t)sizeof(struct slot_record))
#define SIGNED (RECORD - 16) /* bytes of it before its MAC */
#define BOOTS 15u            /* of slot_record.boots: test boots left */
#ifdef SLOTS_LOG_RECORDS
#define PLACES SLOTS_LOG_RECORDS /* a short log, for tests that want it full all the time; more than there are RECORDS */
#else
#define PLACES (FLASH_SECTOR / RECORD) /* records in a sector of the log */
#endif

typedef char a_record_is_72_bytes[sizeof(struct slot_record) == 72 ? 1 : -1];

enum { RECORDS = 2 + SLOTS_BANS }; /* that live: one of each slot, and the bans */

/* The newest record of a slot, or of a ban. */
static struct slot_record *record_of(struct slots *s, uint32_t slot) {
  return slot < 2 ? &s->slot[slot] : &s->ban[slot - 2];
}

static void authenticate(const struct slots *s, const struct slot_record *r, uint8_t mac[SHA256_BYTES]) {
  struct hmac h;
  hmac_begin(&h, s->secret);
  hmac_add(&h, "slots", 5); /* the key has other uses: no MAC of one is good for another */
  hmac_add(&h, r, SIGNED);
  hmac_end(&h, mac);
}

/* Did this device write it? */
static int valid(const struct slots *s, const struct slot_record *r) {
  uint8_t mac[SHA256_BYTES];
  if (r->layout != LAYOUT || r->size > s->slot_sectors * FLASH_SECTOR) return 0;
  if (r->slot < 2 ? r->state >= SLOT_BANNED : r->state != SLOT_BANNED) return 0;
  authenticate(s, r, mac);
  return hmac_same(mac, r->mac, sizeof r->mac);
}

static uint32_t slot_address(const struct slots *s, int slot) {
  return (uint32_t)slot * s->slot_sectors * FLASH_SECTOR;
}

static uint32_t log_sector(const struct slots *s, uint32_t sector) { return 2 * s->slot_sectors + sector; }

/* Copy a record out of the log; 0 if its log_index reads blank. */
static int read_record(const struct slots *s, uint32_t sector, uint32_t log_index, struct slot_record *r) {
  const uint8_t *from = flash_at(log_sector(s, sector) * FLASH_SECTOR + log_index * RECORD);
  uint8_t *to = (uint8_t *)r, all = 0xFF;
  for (uint32_t i = 0; i < RECORD; i++) all &= to[i] = from[i];
  return all != 0xFF;
}

/* Take a record of the log into account. One that is older than what is known is not worth its MAC. */
static void learn(struct slots *s, const struct slot_record *r, uint32_t sector) {
  if (r->slot >= RECORDS || r->order <= record_of(s, r->slot)->order) return;
  if (!valid(s, r)) return; /* torn by a power cut, or forged */
  *record_of(s, r->slot) = *r;
  if (r->order <= s->order) return;
  s->order = r->order;
  s->counter = r->counter; /* neither ever falls */
  s->time = s->logged = r->time;
  s->sector = sector;
}

void slots_open(struct slots *s, uint32_t slot_sectors, const uint8_t secret[HMAC_KEY]) {
  struct slot_record r;
  uint32_t used[2] = {0, 0};
  *s = (struct slots){.secret = secret, .slot_sectors = slot_sectors, .running = SLOTS_NONE, .log_index = PLACES};
  for (uint32_t sector = 0; sector < 2; sector++) {
    for (uint32_t log_index = PLACES; log_index-- > 0;) { /* the newest first */
      if (!read_record(s, sector, log_index, &r)) continue;
      if (!used[sector]) used[sector] = log_index + 1;
      learn(s, &r, sector);
    }
  }
  if (s->order) s->log_index = used[s->sector];
}

/* Write a record to the next log_index that takes it. One that reads blank may refuse: a write of it was begun when
 * the power went. */
static int write_record(struct slots *s, const struct slot_record *r) {
  struct slot_record back;
  while (s->log_index < PLACES) {
    const uint32_t log_index = s->log_index++;
    if (flash_write(log_sector(s, s->sector) * FLASH_SECTOR + log_index * RECORD, r, RECORD)) continue;
    read_record(s, s->sector, log_index, &back);
    if (hmac_same((const uint8_t *)&back, (const uint8_t *)r, RECORD)) return 0;
  }
  return SLOTS_FLASH;
}

/* The living record that follows this order; NULL after the newest. */
static const struct slot_record *next_record(struct slots *s, uint32_t order) {
  const struct slot_record *next = 0;
  for (uint32_t i = 0; i < RECORDS; i++) {
    const struct slot_record *r = record_of(s, i);
    if (r->order > order && (!next || r->order < next->order)) next = r;
  }
  return next;
}

/* Go on in the other sector of the log: the living records first, the older before the newer, so that the other
 * sector becomes the newest only when all are in it. The full sector is not touched. */
static int carry_over(struct slots *s) {
  const uint32_t full = s->sector;
  int error = flash_erase(log_sector(s, full ^ 1)) ? SLOTS_FLASH : 0;
  s->sector = full ^ 1;
  s->log_index = 0;
  const struct slot_record *r = 0;
  while (!error && (r = next_record(s, r ? r->order : 0))) error = write_record(s, r);
  if (error) {
    s->sector = full;
    s->log_index = PLACES;
  }
  return error;
}

/* Log r as what its slot holds now. */
static int append(struct slots *s, struct slot_record *r) {
  uint8_t mac[SHA256_BYTES];
  r->order = s->order + 1;
  r->layout = LAYOUT;
  r->time = s->time;
  authenticate(s, r, mac);
  for (uint32_t i = 0; i < sizeof r->mac; i++) r->mac[i] = mac[i];
  if (write_record(s, r) && (carry_over(s) || write_record(s, r))) return SLOTS_FLASH;
  *record_of(s, r->slot) = *r;
  s->order = r->order;
  s->counter = r->counter;
  s->logged = r->time;
  return 0;
}

/* Transfers begun since the last confirmed image. */
static uint32_t begun(const struct slot_record *r) { return r->boots / (BOOTS + 1); }

/* Log that the image in a slot goes into another state. */
static int enter(struct slots *s, int slot, enum slot_state state, uint32_t boots, uint32_t counter) {
  struct slot_record r = s->slot[slot];
  r.state = (uint8_t)state;
  r.slot = (uint8_t)slot; /* of a slot that was never used, too */
  r.boots = (uint8_t)(boots + (state == SLOT_CONFIRMED ? 0 : begun(&r) * (BOOTS + 1)));
  r.counter = counter;
  return append(s, &r);
}

/* Does the image that its record names stand in the slot? */
static int whole(const struct slots *s, int slot) {
  uint8_t found[SHA256_BYTES];
  sha256(slots_image(s, slot), s->slot[slot].size, found);
  return hmac_same(found, s->slot[slot].digest, SHA256_BYTES);
}

int slots_active(const struct slots *s) {
  const struct slot_record *a = &s->slot[0], *b = &s->slot[1];
  if (b->state == SLOT_CONFIRMED && (a->state != SLOT_CONFIRMED || b->order > a->order)) return 1;
  return a->state == SLOT_CONFIRMED ? 0 : SLOTS_NONE;
}

int slots_idle(const struct slots *s) { return slots_active(s) == 0; }

const uint8_t *slots_image(const struct slots *s, int slot) { return flash_at(slot_address(s, slot)); }

void slots_time(struct slots *s, uint32_t now) {
  const int other = !slots_idle(s); /* the record of a transfer keeps the time at which it began */
  if (now <= s->time) return;
  s->time = now;
  if (now - s->logged >= SLOTS_HOUR) enter(s, other, s->slot[other].state, 0, s->counter);
}

uint32_t slots_backoff(const struct slots *s) {
  const uint32_t n = begun(&s->slot[slots_idle(s)]);
  if (n < SLOTS_TRIES) return 0;
  return n < BOOTS ? 60u << (n - SLOTS_TRIES) : 86400u;
}

int slots_banned(const struct slots *s, uint32_t sequence, const uint8_t digest[SHA256_BYTES]) {
  for (uint32_t i = 0; i < SLOTS_BANS; i++) {
    const struct slot_record *r = &s->ban[i];
    if (r->order && sequence <= r->sequence && hmac_same(r->digest, digest, SHA256_BYTES)) return 1;
  }
  return 0;
}

/* Remember an image as failed, in log_index of an older verdict on it, or of the oldest. */
static int ban(struct slots *s, const struct slot_record *failed) {
  struct slot_record r = *failed;
  uint32_t at = 0;
  for (uint32_t i = 1; i < SLOTS_BANS; i++)
    if (s->ban[i].order < s->ban[at].order) at = i;
  for (uint32_t i = 0; i < SLOTS_BANS; i++)
    if (s->ban[i].order && hmac_same(s->ban[i].digest, r.digest, SHA256_BYTES)) at = i;
  r.state = SLOT_BANNED;
  r.slot = (uint8_t)(2 + at);
  r.counter = s->counter;
  return append(s, &r);
}

int slots_boot(struct slots *s) {
  const int active = slots_active(s), fresh = slots_idle(s);
  const struct slot_record *r = &s->slot[fresh];
  s->running = SLOTS_NONE;
  if (r->state == SLOT_INSTALLED || r->state == SLOT_TESTING) {
    /* counted before it runs: an image that hangs cannot boot for ever */
    const uint32_t boots = r->boots & BOOTS;
    if (boots && !slots_banned(s, r->sequence, r->digest) && whole(s, fresh) &&
        !enter(s, fresh, SLOT_TESTING, boots - 1, s->counter))
      return s->running = fresh;
    enter(s, fresh, SLOT_REVERTED, 0, s->counter); /* if this fails, the next boot comes here again */
  }
  if (active != SLOTS_NONE && whole(s, active)) s->running = active;
  return s->running;
}

static int testing(const struct slots *s) {
  return s->running != SLOTS_NONE && s->slot[s->running].state == SLOT_TESTING;
}

int slots_busy(const struct slots *s) {
  return testing(s) || s->slot[slots_idle(s)].state == SLOT_INSTALLED;
}

int slots_begin(struct slots *s, uint32_t sequence, uint32_t size, const uint8_t digest[SHA256_BYTES]) {
  const int slot = slots_idle(s);
  const uint32_t tries = begun(&s->slot[slot]);
  struct slot_record r = {.state = SLOT_INSTALLING, .slot = (uint8_t)slot, .sequence = sequence,
                          .counter = s->counter, .size = size};
  r.boots = (uint8_t)((tries < BOOTS ? tries + 1 : BOOTS) * (BOOTS + 1));
  s->filling = 0;
  if (slots_busy(s) || sequence <= s->counter) return SLOTS_REFUSED;
  if (size == 0 || size > s->slot_sectors * FLASH_SECTOR) return SLOTS_SIZE;
  for (int i = 0; i < SHA256_BYTES; i++) r.digest[i] = digest[i];
  /* logged before the erase: from here on nothing claims that the slot holds an image */
  if (append(s, &r)) return SLOTS_FLASH;
  for (uint32_t i = 0; i < s->slot_sectors; i++)
    if (flash_erase((uint32_t)slot * s->slot_sectors + i)) return SLOTS_FLASH;
  s->arrived = 0;
  s->filling = 1;
  return 0;
}

/* Write the waiting unit, which ends at byte `arrived` of the image or is the padded last one. */
static int write_unit(struct slots *s) {
  const uint32_t at = (s->arrived - 1) / FLASH_UNIT * FLASH_UNIT;
  if (!flash_write(slot_address(s, slots_idle(s)) + at, s->unit, FLASH_UNIT)) return 0;
  s->filling = 0;
  return SLOTS_FLASH;
}

int slots_put(void *slots, const uint8_t *data, uint32_t n) {
  struct slots *s = slots;
  if (!s->filling) return SLOTS_REFUSED;
  if (n > s->slot[slots_idle(s)].size - s->arrived) {
    s->filling = 0;
    return SLOTS_SIZE;
  }
  while (n--) {
    s->unit[s->arrived++ % FLASH_UNIT] = *data++;
    if (s->arrived % FLASH_UNIT == 0 && write_unit(s)) return SLOTS_FLASH;
  }
  return 0;
}

int slots_finish(struct slots *s) {
  const int slot = slots_idle(s);
  if (!s->filling) return SLOTS_REFUSED;
  s->filling = 0;
  if (s->arrived != s->slot[slot].size) return SLOTS_SIZE;
  if (s->arrived % FLASH_UNIT) {
    for (uint32_t i = s->arrived % FLASH_UNIT; i < FLASH_UNIT; i++) s->unit[i] = 0xFF;
    if (write_unit(s)) return SLOTS_FLASH;
  }
  if (!whole(s, slot)) return SLOTS_DIGEST;
  return enter(s, slot, SLOT_INSTALLED, SLOTS_TEST_BOOTS, s->counter);
}

int slots_confirm(struct slots *s, uint32_t sequence) {
  if (!testing(s) || s->slot[s->running].sequence != sequence) return SLOTS_REFUSED;
  return enter(s, s->running, SLOT_CONFIRMED, 0, sequence);
}

int slots_revert(struct slots *s) {
  if (!testing(s)) return SLOTS_REFUSED;
  const int slot = s->running;
  s->running = SLOTS_NONE;
  const int error = ban(s, &s->slot[slot]); /* this decides: a boot gives up what is banned */
  return enter(s, slot, SLOT_REVERTED, 0, s->counter) ? SLOTS_FLASH : error;
}
