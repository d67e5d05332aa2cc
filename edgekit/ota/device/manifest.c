#include "manifest.h"

#include "sha256.h"

/* ---- CBOR, read strictly forward. What went wrong first sticks, so that only the end needs to ask. ---- */

enum { BYTES = 2, ARRAY = 4, MAP = 5, NUMBER = 0 }; /* CBOR's major types */
enum { FINE, ENDED, WRONG };                        /* ENDED: there was no byte where one was needed */

struct reader {
  const uint8_t *at, *end;
  int state;
};

static void fail(struct reader *r, int state) {
  if (r->state == FINE) r->state = state;
}

static uint8_t next(struct reader *r) {
  if (r->at < r->end) return *r->at++;
  fail(r, ENDED);
  return 0;
}

/* n bytes as they are. Where they are not there the pointer is not to be followed. */
static const uint8_t *take(struct reader *r, uint32_t n) {
  const uint8_t *const from = r->at;
  if (n > (uint32_t)(r->end - r->at)) fail(r, ENDED);
  else r->at += n;
  return from;
}

/* Exactly these bytes. */
static void expect(struct reader *r, const uint8_t *bytes, uint32_t n) {
  for (; n && r->state == FINE; n--) {
    if (next(r) != *bytes++) fail(r, WRONG);
  }
}

static void expect1(struct reader *r, uint8_t byte) { expect(r, &byte, 1); }

/* The number that heads every item, below 2^32 and in its shortest form (RFC 8949, 4.2.1). */
static uint32_t number(struct reader *r, int major) {
  const uint8_t first = next(r);
  const uint32_t low = first & 31;
  if (first >> 5 != major || low > 26) fail(r, WRONG); /* 27: 8 bytes; 31: of indefinite length */
  if (low < 24 || r->state != FINE) return low;
  const int width = 1 << (low - 24); /* bytes */
  uint32_t value = 0;
  for (int i = 0; i < width; i++) value = value << 8 | next(r);
  if (value < (width == 1 ? 24u : 1u << 4 * width)) fail(r, WRONG);
  return value;
}

/* A byte string of n bytes. */
static const uint8_t *bytes(struct reader *r, uint32_t n) {
  if (number(r, BYTES) != n) fail(r, WRONG);
  return take(r, n);
}

/* Go into a byte string that holds CBOR. Returns where what is around it ends, for leave(). */
static const uint8_t *enter(struct reader *r) {
  const uint8_t *const outer = r->end;
  const uint32_t n = number(r, BYTES);
  if (n > (uint32_t)(r->end - r->at)) fail(r, ENDED);
  else r->end = r->at + n;
  return outer;
}

static void leave(struct reader *r, const uint8_t *outer) {
  if (r->at != r->end) fail(r, WRONG);
  r->end = outer;
}

static int same(const uint8_t *a, const uint8_t *b, uint32_t n) {
  while (n && *a == *b) a++, b++, n--;
  return n == 0;
}

/* ---- The manifest ---- */

#define DIGEST_IS 0x82, 0x2f, 0x58, 0x20 /* [-16, 32 bytes]: a SHA-256 */

/* Is the next key this one? Then it is taken. For keys that may be absent; `key` as it is encoded. */
static int optional(struct reader *r, const uint8_t *key, uint32_t n) {
  const int here = (uint32_t)(r->end - r->at) >= n && same(r->at, key, n);
  if (here) r->at += n;
  return here;
}

static uint32_t keyed_number(struct reader *r, uint8_t key) {
  expect1(r, key);
  return number(r, NUMBER);
}

static void read_operators(struct reader *r, struct manifest *m) {
  uint32_t last = 0;
  expect1(r, 0x22);
  m->operator_count = number(r, ARRAY);
  m->operators = r->at;
  if (m->operator_count > MANIFEST_OPERATORS) fail(r, WRONG);
  for (uint32_t i = 0; i < m->operator_count && r->state == FINE; i++) {
    const uint32_t code = number(r, NUMBER);
    if (i && code <= last) fail(r, WRONG);
    last = code;
  }
}

/* The map of parameters, its keys sorted: 1, 2, 3, 4, 14, 24, -1 … -5 of which 4, 24 and -1 may be absent. */
static void read_parameters(struct reader *r, struct manifest *m) {
  static const uint8_t IMAGE[] = {0x03, 0x58, 0x24, DIGEST_IS}, EXPIRES[] = {0x04};
  static const uint8_t DEVICE[] = {0x18, 24}, BASE[] = {0x20}, HASHES[] = {0x23, 0x4c};
  const uint32_t pairs = number(r, MAP);
  expect1(r, 0x01);
  m->vendor = bytes(r, 16);
  expect1(r, 0x02);
  m->model = bytes(r, 16);
  expect(r, IMAGE, sizeof IMAGE);
  m->digest = take(r, SHA256_BYTES);
  if (optional(r, EXPIRES, sizeof EXPIRES)) {
    m->expires = number(r, NUMBER);
    if (m->expires == 0) fail(r, WRONG); /* one way to say never: to say nothing */
  }
  m->size = keyed_number(r, 14);
  if (m->size == 0) fail(r, WRONG);
  if (optional(r, DEVICE, sizeof DEVICE)) m->device = bytes(r, 16);
  if (optional(r, BASE, sizeof BASE)) m->base = bytes(r, 8);
  m->arena = keyed_number(r, 0x21);
  read_operators(r, m);
  expect(r, HASHES, sizeof HASHES);
  m->io = take(r, 4);
  m->abi = take(r, 4);
  m->features = take(r, 4);
  expect1(r, 0x24);
  if (number(r, ARRAY) != 3) fail(r, WRONG);
  m->kind = number(r, NUMBER);
  m->encoding = number(r, NUMBER);
  m->payload_size = number(r, NUMBER);
  if (m->kind > KIND_WEIGHTS || m->encoding > ENCODING_DELTA) fail(r, WRONG);
  if ((m->encoding == ENCODING_DELTA) != (m->base != NULL)) fail(r, WRONG);
  if (pairs != 8u + (m->expires != 0) + (m->device != NULL) + (m->base != NULL)) fail(r, WRONG);
}

static void read_body(struct reader *r, struct manifest *m) {
  static const uint8_t START[] = {0xa4, 0x01, 0x01, 0x02};           /* {1: 1, 2: … */
  static const uint8_t COMMON[] = {0xa2, 0x02, 0x81, 0x81, 0x41, 0, 4}; /* {2: [[h'00']], 4: … */
  static const uint8_t CHECK_IDS[] = {1, 15, 2, 15}, CHECK_DEVICE[] = {0x18, 24, 15}, CHECK_TIME[] = {4, 15};
  static const uint8_t INSTALL[] = {0x14, 0x4b, 0x86, 20, 0xa1, 21, 0x62, '#', 'm', 21, 2, 3, 15};
  expect(r, START, sizeof START);
  m->sequence = number(r, NUMBER);
  if (m->sequence == 0) fail(r, WRONG); /* the number of a device that has nothing */
  expect1(r, 0x03);
  const uint8_t *const whole = enter(r);
  expect(r, COMMON, sizeof COMMON);
  const uint8_t *const common = enter(r);
  const uint32_t items = number(r, ARRAY);
  expect1(r, 20);
  read_parameters(r, m);
  expect(r, CHECK_IDS, sizeof CHECK_IDS);
  if (m->device) expect(r, CHECK_DEVICE, sizeof CHECK_DEVICE);
  if (m->expires) expect(r, CHECK_TIME, sizeof CHECK_TIME);
  if (items != 6u + 2u * (m->device != NULL) + 2u * (m->expires != 0)) fail(r, WRONG);
  leave(r, common);
  leave(r, whole);
  expect(r, INSTALL, sizeof INSTALL);
  leave(r, r->end);
}

/* ---- The envelope ---- */

/* COSE_Sign1 signs this: ["Signature1", protected header, no more data, the digest as it is encoded]. */
enum { SIGNED_ALGORITHM = 15, SIGNED_DIGEST = 23, SIGNED_BYTES = SIGNED_DIGEST + SHA256_BYTES };
static const uint8_t SIGNED[SIGNED_DIGEST] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1',
                                              0x43, 0xa1, 0x01, 0,   0x40, 0x58, 0x24, DIGEST_IS};

/* Is this key revoked, here or where it stands in the list once more? */
static int revoked(const struct keys *trusted, const struct key *key) {
  for (uint32_t i = 0; i < trusted->count; i++) {
    const struct key *const k = &trusted->key[i];
    if (k->revoked && k->algorithm == key->algorithm && same(k->bytes, key->bytes, sizeof k->bytes)) return 1;
  }
  return 0;
}

static int check_signature(const struct keys *trusted, uint8_t cose_algorithm, const uint8_t *digest,
                           const uint8_t *signature) {
  uint8_t message[SIGNED_BYTES];
  uint8_t algorithm;
  switch (cose_algorithm) {
    case 0x26: /* -7, ES256 */
    case 0x28: /* -9, ESP256: the same, on no other curve */
      algorithm = KEY_ES256;
      break;
    case 0x27: /* -8, EdDSA */
    case 0x32: /* -19, Ed25519: the same, on no other curve */
      algorithm = KEY_ED25519;
      break;
    default:
      return MANIFEST_ALGORITHM;
  }
  for (uint32_t i = 0; i < SIGNED_DIGEST; i++) message[i] = SIGNED[i];
  message[SIGNED_ALGORITHM] = cose_algorithm;
  for (uint32_t i = 0; i < SHA256_BYTES; i++) message[SIGNED_DIGEST + i] = digest[i];
  for (uint32_t i = 0; i < trusted->count; i++) {
    const struct key *const k = &trusted->key[i];
    if (k->algorithm == algorithm && k->verify(signature, k->bytes, message, sizeof message) == 0) {
      return revoked(trusted, k) ? MANIFEST_REVOKED : MANIFEST_OK;
    }
  }
  return MANIFEST_SIGNATURE;
}

static int read_all(const uint8_t *data, uint32_t n, const struct keys *trusted, struct manifest *m) {
  static const uint8_t START[] = {0xd8, 107, 0xa3, 0x02, 0x58, 0x73, 0x82, 0x58, 0x24, DIGEST_IS};
  static const uint8_t SIGN1[] = {0x58, 0x4a, 0xd2, 0x84, 0x43, 0xa1, 0x01};
  static const uint8_t SIGNATURE[] = {0xa0, 0xf6, 0x58, 0x40}, PAYLOAD[] = {0x62, '#', 'm'};
  struct reader r = {data, data + (n < MANIFEST_HEAD ? n : MANIFEST_HEAD), FINE};
  uint8_t is[SHA256_BYTES];

  expect(&r, START, sizeof START);
  const uint8_t *const digest = take(&r, SHA256_BYTES);
  expect(&r, SIGN1, sizeof SIGN1);
  const uint8_t algorithm = next(&r);
  expect(&r, SIGNATURE, sizeof SIGNATURE);
  const uint8_t *const signature = take(&r, 64);
  expect1(&r, 0x03);
  const uint8_t *const whole = r.at; /* the manifest with the head of its byte string, as it is hashed */
  const uint32_t size = number(&r, BYTES);
  struct reader body = {r.at, NULL, FINE};
  take(&r, size);
  body.end = r.at;
  const uint32_t whole_size = (uint32_t)(r.at - whole);
  expect(&r, PAYLOAD, sizeof PAYLOAD);
  const uint32_t payload_size = number(&r, BYTES);
  if (r.state == WRONG) return MANIFEST_ENVELOPE;
  if (r.state == ENDED) return n < MANIFEST_HEAD ? MANIFEST_SHORT : MANIFEST_LONG;

  sha256(whole, whole_size, is);
  if (!same(is, digest, SHA256_BYTES)) return MANIFEST_DIGEST; /* before the signature: it is the cheaper check */
  const int signed_by = check_signature(trusted, algorithm, digest, signature);
  if (signed_by != MANIFEST_OK) return signed_by;

  read_body(&body, m);
  if (body.state != FINE) return MANIFEST_FORM;
  if (m->payload_size != payload_size) return MANIFEST_PAYLOAD_LENGTH;
  m->payload_at = (uint32_t)(r.at - data);
  return MANIFEST_OK;
}

int manifest_read(const uint8_t *data, uint32_t n, const struct keys *trusted, struct manifest *out) {
  static const struct manifest NOTHING;
  *out = NOTHING;
  const int code = read_all(data, n, trusted, out);
  if (code != MANIFEST_OK) *out = NOTHING; /* half a manifest tempts people to use it */
  return code;
}

/* ---- The rules ---- */

uint32_t manifest_operator(const uint8_t **at) {
  struct reader r = {*at, *at + 5, FINE}; /* behind the operators there are more than five bytes */
  const uint32_t code = number(&r, NUMBER);
  *at = r.at;
  return code;
}

static int operators_known(const struct manifest *m, const struct device *d) {
  const uint8_t *at = m->operators;
  for (uint32_t i = 0; i < m->operator_count; i++) {
    const uint32_t code = manifest_operator(&at);
    uint32_t k = 0;
    while (k < d->operator_count && d->operators[k] != code) k++;
    if (k == d->operator_count) return 0;
  }
  return 1;
}

int manifest_check(const struct manifest *m, const struct device *d) {
  const uint32_t newest = d->sequence > d->counter ? d->sequence : d->counter;
  if (!same(m->vendor, d->vendor, 16)) return MANIFEST_VENDOR;
  if (!same(m->model, d->model, 16)) return MANIFEST_MODEL;
  if (m->device && !same(m->device, d->device, 16)) return MANIFEST_DEVICE;
  if (m->sequence <= newest) return MANIFEST_ROLLBACK;
  if (m->sequence - newest > MANIFEST_FAST_FORWARD) return MANIFEST_LEAP;
  if (m->expires && d->now >= m->expires) return MANIFEST_EXPIRED;
  if (m->kind != d->kind) return MANIFEST_KIND;
  if (m->size > d->slot_bytes) return MANIFEST_SIZE;
  if (m->payload_size > m->size) return MANIFEST_PAYLOAD_SIZE;
  if (m->base && (!d->base || !same(m->base, d->base, 8))) return MANIFEST_BASE;
  if (m->arena > d->arena_bytes) return MANIFEST_ARENA;
  if (!operators_known(m, d)) return MANIFEST_OPERATOR;
  if (!same(m->io, d->io, 4)) return MANIFEST_IO;
  if (!same(m->abi, d->abi, 4)) return MANIFEST_ABI;
  if (!same(m->features, d->features, 4)) return MANIFEST_FEATURES;
  return MANIFEST_OK;
}

const char *manifest_reason(int code) {
  static const char *const REASONS[MANIFEST_CODES] = {
      [MANIFEST_OK] = "good",
      [MANIFEST_SHORT] = "the package ends within its head",
      [MANIFEST_LONG] = "the package's head is longer than 512 bytes",
      [MANIFEST_ENVELOPE] = "not a package, or not in its one encoding",
      [MANIFEST_ALGORITHM] = "the signature's algorithm is none that this device knows",
      [MANIFEST_DIGEST] = "the signed digest is not the manifest's",
      [MANIFEST_SIGNATURE] = "the signature fits no key this device trusts",
      [MANIFEST_REVOKED] = "signed by a key that was revoked",
      [MANIFEST_FORM] = "the manifest is not one that this device understands",
      [MANIFEST_PAYLOAD_LENGTH] = "the payload's length is not the one that was signed",
      [MANIFEST_VENDOR] = "made for another vendor's devices",
      [MANIFEST_MODEL] = "made for another class of devices",
      [MANIFEST_DEVICE] = "made for another device",
      [MANIFEST_ROLLBACK] = "not newer than what this device has or had",
      [MANIFEST_LEAP] = "its number is too far ahead of this device's",
      [MANIFEST_EXPIRED] = "expired",
      [MANIFEST_KIND] = "the image is of another kind than this device runs",
      [MANIFEST_SIZE] = "the image is larger than a slot",
      [MANIFEST_PAYLOAD_SIZE] = "the payload is larger than the image",
      [MANIFEST_BASE] = "a delta from another image than the one in the active slot",
      [MANIFEST_ARENA] = "needs a larger arena than this device has",
      [MANIFEST_OPERATOR] = "needs an operator that this device does not have",
      [MANIFEST_IO] = "its inputs and outputs are not those of this device's firmware",
      [MANIFEST_ABI] = "made for another generation of this device's firmware",
      [MANIFEST_FEATURES] = "made for other features than this device computes",
  };
  return code >= 0 && code < MANIFEST_CODES ? REASONS[code] : "no such code";
}
