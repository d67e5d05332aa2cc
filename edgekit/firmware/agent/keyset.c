#include "keyset.h"

#include "cbor.h"
#include "sha256.h"

static uint32_t key_bytes(int algorithm) { return algorithm == KEY_ES256 ? 64 : 32; }

static int compare(const uint8_t *a, const uint8_t *b, uint32_t n) {
  while (n && *a == *b) a++, b++, n--;
  return n ? *a - *b : 0;
}

/* A list of byte strings that rises strictly, a shorter one before a longer: nothing stands there twice. */
static struct keyset_list read_list(struct cbor *r, uint32_t most, uint32_t short_, uint32_t long_) {
  struct keyset_list list = {NULL, cbor_number(r, CBOR_ARRAY)};
  const uint8_t *last = NULL;
  uint32_t last_size = 0;
  list.at = r->at;
  if (list.count > most) cbor_fail(r, CBOR_WRONG);
  for (uint32_t i = 0; i < list.count && r->state == CBOR_FINE; i++) {
    const uint32_t size = cbor_number(r, CBOR_BYTES);
    const uint8_t *const item = cbor_take(r, size);
    if (size != short_ && size != long_) cbor_fail(r, CBOR_WRONG);
    if (r->state != CBOR_FINE) break;
    if (size < last_size || (size == last_size && compare(item, last, size) <= 0)) cbor_fail(r, CBOR_WRONG);
    last = item;
    last_size = size;
  }
  return list;
}

int keyset_read(const uint8_t *keys, uint32_t n, struct keyset *out) {
  struct cbor r = {keys, keys + n, CBOR_FINE};
  cbor_expect1(&r, 0x87);
  out->vendor = cbor_bytes(&r, 16);
  out->version = cbor_number(&r, CBOR_NUMBER);
  out->expires = cbor_number(&r, CBOR_NUMBER);
  out->threshold = cbor_number(&r, CBOR_NUMBER);
  if (out->threshold == 0 || out->threshold > KEYSET_KEYS) cbor_fail(&r, CBOR_WRONG);
  out->roots = read_list(&r, KEYSET_KEYS, 32, 64);
  out->signers = read_list(&r, KEYSET_KEYS, 32, 64);
  out->revoked = read_list(&r, KEYSET_REVOKED, KEY_ID, KEY_ID);
  cbor_leave(&r, r.end);
  out->end = r.end;
  return r.state == CBOR_FINE;
}

int keyset_same_signers(const struct keyset *a, const struct keyset *b) {
  const uint32_t n = (uint32_t)(a->end - a->signers.at);
  if (a->signers.count != b->signers.count || n != (uint32_t)(b->end - b->signers.at)) return 0;
  return cbor_same(a->signers.at, b->signers.at, n);
}

int keyset_next(const uint8_t **at, const uint8_t **bytes) {
  struct cbor r = {*at, *at + 2, CBOR_FINE};
  const int algorithm = cbor_number(&r, CBOR_BYTES) == 64 ? KEY_ES256 : KEY_ED25519;
  *bytes = r.at;
  *at = r.at + key_bytes(algorithm);
  return algorithm;
}

static void key_id(int algorithm, const uint8_t *bytes, uint8_t digest[SHA256_BYTES]) {
  static const uint8_t POINT = 4;
  struct sha256 s;
  sha256_begin(&s);
  if (algorithm == KEY_ES256) sha256_add(&s, &POINT, 1);
  sha256_add(&s, bytes, key_bytes(algorithm));
  sha256_end(&s, digest);
}

int keyset_revoked(const struct keyset *s, int algorithm, const uint8_t *bytes) {
  uint8_t id[SHA256_BYTES];
  key_id(algorithm, bytes, id);
  for (uint32_t i = 0; i < s->revoked.count; i++)
    if (cbor_same(s->revoked.at + i * (1 + KEY_ID) + 1, id, KEY_ID)) return 1;
  return 0;
}

/* ---- Signatures ---- */

struct signature {
  const uint8_t *algorithm, *id, *bytes; /* one byte, KEY_ID, 64 */
};

static void read_signature(struct cbor *r, struct signature *s) {
  static const uint8_t START[] = {0x83, 0x43, 0xa1, 0x01}, ID[] = {0xa1, 0x04, 0x40 + KEY_ID}, BYTES[] = {0x58, 64};
  cbor_expect(r, START, sizeof START);
  s->algorithm = cbor_take(r, 1);
  cbor_expect(r, ID, sizeof ID);
  s->id = cbor_take(r, KEY_ID);
  cbor_expect(r, BYTES, sizeof BYTES);
  s->bytes = cbor_take(r, 64);
}

/* COSE_Sign signs this: ["Signature", h'', bstr {1: algorithm}, 'keys', bstr [-16, digest]]. */
static int good(const struct signature *s, keyset_verify verify, const uint8_t *key, const uint8_t *digest) {
  uint8_t message[59] = {0x85, 0x69, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', 0x40, 0x43, 0xa1, 0x01, 0,
                         0x44, 'k', 'e', 'y', 's', 0x58, 0x24, 0x82, 0x2f, 0x58, 0x20};
  message[15] = *s->algorithm;
  for (uint32_t i = 0; i < SHA256_BYTES; i++) message[27 + i] = digest[i];
  return verify && verify(s->bytes, key, message, sizeof message) == 0;
}

/* The root with this id, if it counts. */
static const uint8_t *root(const struct keyset *s, const uint8_t *id, int *algorithm) {
  const uint8_t *at = s->roots.at, *bytes;
  uint8_t is[SHA256_BYTES];
  for (uint32_t i = 0; i < s->roots.count; i++) {
    *algorithm = keyset_next(&at, &bytes);
    key_id(*algorithm, bytes, is);
    if (cbor_same(is, id, KEY_ID)) return keyset_revoked(s, *algorithm, bytes) ? NULL : bytes;
  }
  return NULL;
}

/* Do enough roots of `s` sign? A signature by somebody else does not count, and costs nothing; one under the name
 * of a root that is not that root's ends it. KEYSET_GOOD, KEYSET_SIGNATURE or KEYSET_BELOW_OLD_THRESHOLD. */
static int enough(const struct keyset *s, struct cbor r, uint32_t count, const keyset_verify verify[2],
                  const uint8_t *digest) {
  uint32_t counted = 0;
  for (; count; count--) {
    struct signature by;
    int algorithm;
    read_signature(&r, &by);
    const uint8_t *const key = root(s, by.id, &algorithm);
    if (!key) continue;
    if (*by.algorithm != (algorithm == KEY_ES256 ? 0x28 : 0x32)) return KEYSET_SIGNATURE; /* -9, -19 */
    if (!good(&by, verify[algorithm], key, digest)) return KEYSET_SIGNATURE;
    counted++; /* once for each: ids rise strictly */
  }
  return counted >= s->threshold ? KEYSET_GOOD : KEYSET_BELOW_OLD_THRESHOLD;
}

/* ---- The whole ---- */

static int runs(const struct keyset_list *list, const keyset_verify verify[2]) {
  const uint8_t *at = list->at, *bytes;
  for (uint32_t i = 0; i < list->count; i++)
    if (!verify[keyset_next(&at, &bytes)]) return 0;
  return 1;
}

static int check(const struct keyset *s, const struct keyset *old, const keyset_verify verify[2], uint64_t now) {
  if (!cbor_same(s->vendor, old->vendor, 16)) return KEYSET_VENDOR;
  if (!runs(&s->roots, verify) || !runs(&s->signers, verify)) return KEYSET_ALGORITHM;
  if (s->version <= old->version) return KEYSET_ROLLBACK;
  if (s->version - old->version > KEYSET_LEAP) return KEYSET_LEAPS;
  if (s->expires && now >= s->expires) return KEYSET_EXPIRED;
  return KEYSET_GOOD;
}

int keyset_accept(const uint8_t *data, uint32_t n, const struct keyset *old, const keyset_verify verify[2],
                  uint64_t now, struct keyset *fresh, const uint8_t **keys, uint32_t *size) {
  static const uint8_t SIGN[] = {0xd8, 98, 0x84, 0x40, 0xa0, 0x58, 0x24, 0x82, 0x2f, 0x58, 0x20};
  struct cbor r = {data, data + n, CBOR_FINE};
  uint8_t is[SHA256_BYTES];

  cbor_expect1(&r, 0x82);
  *size = cbor_number(&r, CBOR_BYTES);
  *keys = cbor_take(&r, *size);
  cbor_expect(&r, SIGN, sizeof SIGN);
  const uint8_t *const digest = cbor_take(&r, SHA256_BYTES);
  const uint32_t count = cbor_number(&r, CBOR_ARRAY);
  if (count > KEYSET_SIGNATURES) cbor_fail(&r, CBOR_WRONG);
  const struct cbor signatures = r;
  const uint8_t *last = NULL;
  for (uint32_t i = 0; i < count && r.state == CBOR_FINE; i++) {
    struct signature by;
    read_signature(&r, &by);
    if (r.state == CBOR_FINE && last && compare(by.id, last, KEY_ID) <= 0) cbor_fail(&r, CBOR_WRONG);
    last = by.id;
  }
  cbor_leave(&r, r.end);
  if (r.state != CBOR_FINE) return KEYSET_FORM;

  sha256(*keys, *size, is);
  if (!cbor_same(is, digest, SHA256_BYTES)) return KEYSET_DIGEST;
  int code = enough(old, signatures, count, verify, digest);
  if (code) return code;
  if (!keyset_read(*keys, *size, fresh)) return KEYSET_CONTENT;
  code = check(fresh, old, verify, now);
  if (code) return code;
  code = enough(fresh, signatures, count, verify, digest);
  return code == KEYSET_BELOW_OLD_THRESHOLD ? KEYSET_BELOW_NEW_THRESHOLD : code;
}

const char *keyset_reason(int code) {
  static const char *const REASONS[KEYSET_CODES] = {
      [KEYSET_GOOD] = "good",
      [KEYSET_FORM] = "not a key manifest, or not in its one encoding",
      [KEYSET_DIGEST] = "the signed digest is another key list's",
      [KEYSET_SIGNATURE] = "a signature is not by the root key that it names",
      [KEYSET_BELOW_OLD_THRESHOLD] = "signed by fewer of the present root keys than have to",
      [KEYSET_CONTENT] = "the key list is not one that this device understands",
      [KEYSET_VENDOR] = "keys of another vendor",
      [KEYSET_ALGORITHM] = "holds a key of an algorithm that this firmware has no code for",
      [KEYSET_ROLLBACK] = "not newer than the keys that this device has",
      [KEYSET_LEAPS] = "its version is too far ahead of this device's",
      [KEYSET_EXPIRED] = "the key manifest has expired",
      [KEYSET_BELOW_NEW_THRESHOLD] = "signed by fewer of its own root keys than have to",
      [KEYSET_LONG] = "longer than a key manifest may be",
      [KEYSET_FLASH] = "the flash failed; the keys are the old ones",
  };
  return code >= 0 && code < KEYSET_CODES ? REASONS[code] : "no such code";
}
