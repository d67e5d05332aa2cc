#include "trust.h"

#include "cbor.h"

#define LAYOUT 0x3173796bu /* "kys1" */
#define RECORD ((uint32_t)sizeof(struct trust_record))
#define SEALED (RECORD - SHA256_BYTES) /* bytes of a record before its MAC */

typedef char a_record_is_whole_units[sizeof(struct trust_record) == 64 ? 1 : -1];
typedef char a_record_fits_a_sector[64 + TRUST_BYTES <= FLASH_SECTOR ? 1 : -1];

static uint32_t address(const struct trust *t, uint32_t sector) {
  return (t->origin.sector + sector) * FLASH_SECTOR;
}

static void seal(const struct trust *t, const struct trust_record *r, const uint8_t *list, uint8_t *mac) {
  struct hmac h;
  hmac_begin(&h, t->origin.secret);
  hmac_add(&h, "trust", 5); /* the secret has other uses: no MAC of one is good for another */
  hmac_add(&h, r, SEALED);
  hmac_add(&h, list, r->size);
  hmac_end(&h, mac);
}

/* The record of a sector; 0 if there is none that this device wrote. */
static int read_record(const struct trust *t, uint32_t sector, struct trust_record *r) {
  const uint8_t *const from = flash_at(address(t, sector));
  uint8_t mac[SHA256_BYTES], *const to = (uint8_t *)r;
  for (uint32_t i = 0; i < RECORD; i++) to[i] = from[i];
  if (r->layout != LAYOUT || r->order == 0 || r->size > TRUST_BYTES) return 0;
  seal(t, r, from + RECORD, mac);
  return hmac_same(mac, r->mac, sizeof mac);
}

static const uint8_t *kept_list(const struct trust *t) { return flash_at(address(t, t->sector)) + RECORD; }

/* Make t->key of the list that counts. */
static int use(struct trust *t) {
  const uint8_t *at, *bytes;
  const int good = t->record.size ? keyset_read(kept_list(t), t->record.size, &t->set)
                                  : keyset_read(t->origin.keys, t->origin.size, &t->set);
  t->keys.key = t->key;
  t->keys.count = 0;
  if (!good) t->set = (struct keyset){0}; /* then nobody is trusted, and nothing can be changed */
  at = t->set.signers.at;
  for (uint32_t i = 0; i < t->set.signers.count; i++) {
    struct key *const k = &t->key[t->keys.count];
    const int algorithm = keyset_next(&at, &bytes);
    if (!t->origin.verify[algorithm]) continue; /* the firmware lost its code since */
    *k = (struct key){.verify = t->origin.verify[algorithm], .algorithm = (uint8_t)algorithm};
    k->revoked = (uint8_t)keyset_revoked(&t->set, algorithm, bytes);
    for (uint32_t j = 0; j < (algorithm == KEY_ES256 ? 64u : 32u); j++) k->bytes[j] = bytes[j];
    t->keys.count++;
  }
  return good ? KEYSET_GOOD : KEYSET_CONTENT;
}

/* Write a record, and its list, into the sector that is not in use; then that one is. The list goes through memory:
 * not every part can be read while it is written. */
static int store(struct trust *t, struct trust_record r, const uint8_t *list) {
  const uint32_t sector = t->record.order ? t->sector ^ 1 : 0, to = address(t, sector);
  struct trust_record back;
  uint8_t unit[FLASH_UNIT];
  r.layout = LAYOUT;
  r.order = t->record.order + 1;
  seal(t, &r, list, r.mac);
  if (flash_erase(t->origin.sector + sector)) return -1;
  for (uint32_t i = 0; i < r.size; i += FLASH_UNIT) {
    for (uint32_t j = 0; j < FLASH_UNIT; j++) unit[j] = i + j < r.size ? list[i + j] : 0xFF;
    if (flash_write(to + RECORD + i, unit, FLASH_UNIT)) return -1;
  }
  if (flash_write(to, &r, RECORD)) return -1;
  if (!read_record(t, sector, &back) || back.order != r.order) return -1;
  t->record = r;
  t->sector = sector;
  return 0;
}

/* Store the same list with another record. */
static int change(struct trust *t, const struct trust_record *r) {
  const int error = store(t, *r, kept_list(t));
  use(t); /* it lies elsewhere now */
  return error;
}

/* Does the other sector hold the same list? */
static int twice(const struct trust *t) {
  struct trust_record other;
  if (!read_record(t, t->sector ^ 1, &other) || other.size != t->record.size) return 0;
  return cbor_same(flash_at(address(t, t->sector ^ 1)) + RECORD, kept_list(t), other.size);
}

/* Did newer firmware bring a newer list? */
static int outdated(const struct trust *t) {
  struct keyset here, kept;
  return t->record.size && keyset_read(t->origin.keys, t->origin.size, &here) &&
         keyset_read(kept_list(t), t->record.size, &kept) && here.version >= kept.version;
}

int trust_open(struct trust *t, const struct trust_origin *origin) {
  struct trust_record r;
  t->origin = *origin;
  t->record = (struct trust_record){0};
  t->sector = t->had = 0;
  for (uint32_t sector = 0; sector < 2; sector++) {
    if (!read_record(t, sector, &r) || r.order <= t->record.order) continue;
    t->record = r;
    t->sector = sector;
  }
  t->report = t->record.reports;
  if (outdated(t)) t->record.size = 0;
  const int code = use(t);
  if (t->record.size && !twice(t)) {
    r = t->record;
    change(t, &r); /* if this fails, the next reset comes here again */
  }
  return code;
}

void trust_begin(struct trust *t) { t->had = 0; }

void trust_take(struct trust *t, const uint8_t *data, uint32_t n) {
  for (; n; n--, data++) {
    if (t->had < TRUST_BYTES) t->data[t->had] = *data;
    if (t->had <= TRUST_BYTES) t->had++; /* one more than there may be: too long */
  }
}

int trust_end(struct trust *t, uint64_t now) {
  const uint8_t *list;
  struct keyset fresh;
  struct trust_record r = t->record;
  const uint32_t had = t->had;
  t->had = 0;
  if (had > TRUST_BYTES) return KEYSET_LONG;
  const int code = keyset_accept(t->data, had, &t->set, t->origin.verify, now, &fresh, &list, &r.size);
  if (code) return code;
  /* a stolen key may have named a release that will never come: who loses it forgets what it said */
  if (!keyset_same_signers(&t->set, &fresh)) r.latest = r.issued = r.until = 0;
  if (store(t, r, list)) return KEYSET_FLASH;
  use(t);
  r = t->record;
  change(t, &r); /* the second copy; if it fails, trust_open makes it */
  return KEYSET_GOOD;
}

int trust_keep(struct trust *t, uint32_t latest, uint32_t issued, uint32_t until) {
  struct trust_record r = t->record;
  r.latest = latest;
  r.issued = issued;
  r.until = until;
  return change(t, &r);
}

uint32_t trust_number(struct trust *t) {
  if (t->report == t->record.reports) {
    struct trust_record r = t->record;
    if (r.reports > 0xFFFFFFFFu - TRUST_REPORTS) return 0;
    r.reports += TRUST_REPORTS;
    if (change(t, &r)) return 0;
  }
  return ++t->report;
}
