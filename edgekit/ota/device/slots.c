/* The two slots and their log. Every decision that must survive a power cut is one record: it is there or not. */
#include "slots.h"

#define LAYOUT 1
#define RECORD ((uint32_t)sizeof(struct slot_record))
#ifdef SLOTS_PLACES
#define PLACES SLOTS_PLACES /* a short log, for tests that want it full all the time; at least 4 */
#else
#define PLACES (FLASH_SECTOR / RECORD) /* records in a sector of the log */
#endif

typedef char a_record_is_32_bytes[sizeof(struct slot_record) == 32 ? 1 : -1];

/* CRC-32 as in zlib, four bits at a time. */
static uint32_t crc32(const uint8_t *from, uint32_t n) {
  static const uint32_t TABLE[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xFFFFFFFFu;
  while (n--) {
    crc ^= *from++;
    crc = crc >> 4 ^ TABLE[crc & 15];
    crc = crc >> 4 ^ TABLE[crc & 15];
  }
  return ~crc;
}

static uint32_t crc_of(const struct slot_record *r) {
  return crc32((const uint8_t *)r, RECORD - sizeof r->crc);
}

static int valid(const struct slot_record *r) {
  return r->layout == LAYOUT && r->slot < 2 && r->state <= SLOT_REVERTED && r->crc == crc_of(r);
}

static uint32_t slot_address(const struct slots *s, int slot) {
  return (uint32_t)slot * s->slot_sectors * FLASH_SECTOR;
}

static uint32_t log_sector(const struct slots *s, uint32_t sector) { return 2 * s->slot_sectors + sector; }

/* Copy a record out of the log; 0 if its place reads blank. */
static int read_record(const struct slots *s, uint32_t sector, uint32_t place, struct slot_record *r) {
  const uint8_t *from = flash_at(log_sector(s, sector) * FLASH_SECTOR + place * RECORD);
  uint8_t *to = (uint8_t *)r, all = 0xFF;
  for (uint32_t i = 0; i < RECORD; i++) all &= to[i] = from[i];
  return all != 0xFF;
}

void slots_open(struct slots *s, uint32_t slot_sectors) {
  struct slot_record r;
  uint32_t used[2] = {0, 0};
  *s = (struct slots){.slot_sectors = slot_sectors, .running = SLOTS_NONE, .place = PLACES};
  for (uint32_t sector = 0; sector < 2; sector++) {
    for (uint32_t place = 0; place < PLACES; place++) {
      if (!read_record(s, sector, place, &r)) continue;
      used[sector] = place + 1;
      if (!valid(&r)) continue; /* torn by a power cut */
      if (r.order >= s->slot[r.slot].order) s->slot[r.slot] = r;
      if (r.counter > s->counter) s->counter = r.counter;
      if (r.order > s->order) {
        s->order = r.order;
        s->sector = sector;
      }
    }
  }
  if (s->order) s->place = used[s->sector];
}

/* Write a record to the next place that takes it. One that reads blank may refuse: a write of it was begun when
 * the power went. */
static int write_record(struct slots *s, const struct slot_record *r) {
  struct slot_record back;
  while (s->place < PLACES) {
    const uint32_t place = s->place++;
    if (flash_write(log_sector(s, s->sector) * FLASH_SECTOR + place * RECORD, r, RECORD)) continue;
    if (read_record(s, s->sector, place, &back) && valid(&back) && back.crc == r->crc) return 0;
  }
  return SLOTS_FLASH;
}

/* Go on in the other sector of the log: the living records first, the older one before the newer, so that the
 * other sector becomes the newest only when both are in it. The full sector is not touched. */
static int carry_over(struct slots *s) {
  const int first = s->slot[1].order < s->slot[0].order;
  const uint32_t full = s->sector;
  int error = flash_erase(log_sector(s, full ^ 1)) ? SLOTS_FLASH : 0;
  s->sector = full ^ 1;
  s->place = 0;
  for (int i = 0; i < 2 && !error; i++) {
    const struct slot_record *r = &s->slot[i ? !first : first];
    if (r->order) error = write_record(s, r);
  }
  if (error) {
    s->sector = full;
    s->place = PLACES;
  }
  return error;
}

/* Log r as what its slot holds now. */
static int append(struct slots *s, struct slot_record r) {
  r.order = s->order + 1;
  r.layout = LAYOUT;
  r.crc = crc_of(&r);
  if (write_record(s, &r) && (carry_over(s) || write_record(s, &r))) return SLOTS_FLASH;
  s->slot[r.slot] = r;
  s->order = r.order;
  s->counter = r.counter;
  return 0;
}

/* Log that the image in a slot goes into another state. */
static int enter(struct slots *s, int slot, enum slot_state state, uint32_t boots, uint32_t counter) {
  struct slot_record r = s->slot[slot];
  r.state = (uint8_t)state;
  r.boots = (uint8_t)boots;
  r.counter = counter;
  return append(s, r);
}

/* Do the first n bytes of the digest of what stands in the slot agree? */
static int digest_is(const struct slots *s, int slot, const uint8_t *wanted, int n) {
  uint8_t found[SHA256_BYTES], differs = 0;
  const uint32_t size = s->slot[slot].size;
  if (size > s->slot_sectors * FLASH_SECTOR) return 0;
  sha256(slots_image(s, slot), size, found);
  for (int i = 0; i < n; i++) differs |= found[i] ^ wanted[i];
  return !differs;
}

static int whole(const struct slots *s, int slot) {
  return digest_is(s, slot, s->slot[slot].digest, (int)sizeof s->slot[slot].digest);
}

int slots_active(const struct slots *s) {
  const struct slot_record *a = &s->slot[0], *b = &s->slot[1];
  if (b->state == SLOT_CONFIRMED && (a->state != SLOT_CONFIRMED || b->order > a->order)) return 1;
  return a->state == SLOT_CONFIRMED ? 0 : SLOTS_NONE;
}

/* The slot that updates go to: not the confirmed one. */
static int idle(const struct slots *s) { return slots_active(s) == 0; }

const uint8_t *slots_image(const struct slots *s, int slot) { return flash_at(slot_address(s, slot)); }

int slots_boot(struct slots *s) {
  const int active = slots_active(s), fresh = idle(s);
  const struct slot_record *r = &s->slot[fresh];
  s->running = SLOTS_NONE;
  if (r->state == SLOT_INSTALLED || r->state == SLOT_TESTING) {
    /* counted before it runs: an image that hangs cannot boot for ever */
    if (r->boots && whole(s, fresh) && !enter(s, fresh, SLOT_TESTING, r->boots - 1u, s->counter))
      return s->running = fresh;
    enter(s, fresh, SLOT_REVERTED, 0, s->counter); /* if this fails, the next boot comes here again */
  }
  if (active != SLOTS_NONE && whole(s, active)) s->running = active;
  return s->running;
}

static int testing(const struct slots *s) {
  return s->running != SLOTS_NONE && s->slot[s->running].state == SLOT_TESTING;
}

int slots_begin(struct slots *s, uint32_t sequence, uint32_t size, const uint8_t digest[SHA256_BYTES]) {
  const int slot = idle(s);
  struct slot_record r = {.state = SLOT_INSTALLING, .slot = (uint8_t)slot, .sequence = sequence,
                          .counter = s->counter, .size = size};
  s->filling = 0;
  if (testing(s) || sequence <= s->counter) return SLOTS_REFUSED;
  if (size == 0 || size > s->slot_sectors * FLASH_SECTOR) return SLOTS_SIZE;
  for (int i = 0; i < SHA256_BYTES; i++) s->digest[i] = digest[i];
  for (int i = 0; i < (int)sizeof r.digest; i++) r.digest[i] = digest[i];
  /* logged before the erase: from here on nothing claims that the slot holds an image */
  if (append(s, r)) return SLOTS_FLASH;
  for (uint32_t i = 0; i < s->slot_sectors; i++)
    if (flash_erase((uint32_t)slot * s->slot_sectors + i)) return SLOTS_FLASH;
  s->arrived = 0;
  s->filling = 1;
  return 0;
}

/* Write the waiting unit, which ends at byte `arrived` of the image or is the padded last one. */
static int write_unit(struct slots *s) {
  const uint32_t at = (s->arrived - 1) / FLASH_UNIT * FLASH_UNIT;
  if (!flash_write(slot_address(s, idle(s)) + at, s->unit, FLASH_UNIT)) return 0;
  s->filling = 0;
  return SLOTS_FLASH;
}

int slots_put(void *slots, const uint8_t *data, uint32_t n) {
  struct slots *s = slots;
  if (!s->filling) return SLOTS_REFUSED;
  if (n > s->slot[idle(s)].size - s->arrived) {
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
  const int slot = idle(s);
  if (!s->filling) return SLOTS_REFUSED;
  s->filling = 0;
  if (s->arrived != s->slot[slot].size) return SLOTS_SIZE;
  if (s->arrived % FLASH_UNIT) {
    for (uint32_t i = s->arrived % FLASH_UNIT; i < FLASH_UNIT; i++) s->unit[i] = 0xFF;
    if (write_unit(s)) return SLOTS_FLASH;
  }
  if (!digest_is(s, slot, s->digest, SHA256_BYTES)) return SLOTS_DIGEST;
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
  return enter(s, slot, SLOT_REVERTED, 0, s->counter);
}
