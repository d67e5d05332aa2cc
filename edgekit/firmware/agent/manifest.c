#include "manifest.h"

#include "cbor.h"
#include "sha256.h"

/* ---- The manifest ---- */

#define DIGEST_IS 0x82, 0x2f, 0x58, 0x20 /* [-16, 32 bytes]: a SHA-256 */

static void read_operators(struct cbor *r, struct manifest *m) {
  uint32_t last = 0;
  m->operator_count = cbor_number(r, CBOR_ARRAY);
  m->operators = r->at;
  if (m->operator_count > MANIFEST_OPERATORS) cbor_fail(r, CBOR_WRONG);
  for (uint32_t i = 0; i < m->operator_count && r->state == CBOR_FINE; i++) {
    const uint32_t code = cbor_number(r, CBOR_NUMBER);
    if (i && code <= last) cbor_fail(r, CBOR_WRONG);
    last = code;
  }
}

/* The map of parameters in the shared sequence, its keys sorted: 1, 2, 3, 4, 14, 24, of which 4 and 24 may be
 * absent. Digest and size are the payload's. */
static void read_parameters(struct cbor *r, struct manifest *m) {
  static const uint8_t FETCHED[] = {0x03, 0x58, 0x24, DIGEST_IS}, EXPIRES[] = {0x04}, DEVICE[] = {0x18, 24};
  const uint32_t pairs = cbor_number(r, CBOR_MAP);
  cbor_expect1(r, 0x01);
  m->vendor = cbor_bytes(r, 16);
  cbor_expect1(r, 0x02);
  m->model = cbor_bytes(r, 16);
  cbor_expect(r, FETCHED, sizeof FETCHED);
  m->payload_digest = cbor_take(r, SHA256_BYTES);
  if (cbor_optional(r, EXPIRES, sizeof EXPIRES)) {
    m->expires = cbor_number(r, CBOR_NUMBER);
    if (m->expires == 0) cbor_fail(r, CBOR_WRONG); /* one way to say never: to say nothing */
  }
  cbor_expect1(r, 14);
  m->payload_size = cbor_number(r, CBOR_NUMBER);
  if (m->payload_size == 0) cbor_fail(r, CBOR_WRONG);
  if (cbor_optional(r, DEVICE, sizeof DEVICE)) m->device = cbor_bytes(r, 16);
  if (pairs != 4u + (m->expires != 0) + (m->device != NULL)) cbor_fail(r, CBOR_WRONG);
}

/* What only our devices know: [kind, encoding, arena, operators, hashes, size, digest, base], of which the last
 * three are there for an image that the payload is not yet, base for a delta only. What is encrypted is no image. */
static void read_ours(struct cbor *r, struct manifest *m) {
  const uint32_t items = cbor_number(r, CBOR_ARRAY);
  m->kind = cbor_number(r, CBOR_NUMBER);
  m->encoding = cbor_number(r, CBOR_NUMBER);
  if (m->kind > KIND_WEIGHTS || m->encoding > ENCODING_DELTA) cbor_fail(r, CBOR_WRONG);
  m->arena = cbor_number(r, CBOR_NUMBER);
  read_operators(r, m);
  cbor_expect1(r, 0x4c);
  m->io = cbor_take(r, 4);
  m->abi = cbor_take(r, 4);
  m->features = cbor_take(r, 4);
  const uint32_t other = m->encoding != ENCODING_RAW || m->encryption.iv;
  m->size = m->payload_size;
  m->digest = m->payload_digest;
  if (other) {
    m->size = cbor_number(r, CBOR_NUMBER);
    if (m->size == 0) cbor_fail(r, CBOR_WRONG);
    m->digest = cbor_bytes(r, SHA256_BYTES);
  }
  if (m->encoding == ENCODING_DELTA) m->base = cbor_bytes(r, 8);
  if (items != 5u + 2u * other + (m->encoding == ENCODING_DELTA)) cbor_fail(r, CBOR_WRONG);
}

/* The install sequence up to what is ours: fetch the payload into its slot. One that is encrypted is fetched into a
 * component of its own and checked there, then it is decrypted into the slot. */
static void read_install(struct cbor *r, struct manifest *m, int encrypted) {
  static const uint8_t PLAIN[] = {0x86, 20, 0xa2, 21, 0x62, '#', 'm'}; /* [20, {21: "#m", … */
  static const uint8_t FETCH[] = {0x8e, 12, 1, 20, 0xa1, 21, 0x62, '#', 'm', 21, 2, 3, 15}, DECRYPT[] = {12, 0, 20, 0xa3, 19};
  static const uint8_t SOURCE[] = {22, 1}, OURS[] = {0x39, 1, 0}; /* -257 */
  if (encrypted) {
    cbor_expect(r, FETCH, sizeof FETCH);
    cbor_expect(r, DECRYPT, sizeof DECRYPT);
    encryption_read(r, &m->encryption);
    cbor_expect(r, SOURCE, sizeof SOURCE);
  } else {
    cbor_expect(r, PLAIN, sizeof PLAIN);
  }
  cbor_expect(r, OURS, sizeof OURS);
}

static void read_body(struct cbor *r, struct manifest *m) {
  static const uint8_t START[] = {0xa4, 0x01, 0x01, 0x02};              /* {1: 1, 2: … */
  static const uint8_t COMMON[] = {0xa2, 0x02, 0x81, 0x81, 0x41, 0, 4}; /* {2: [[h'00']], 4: … */
  static const uint8_t TWO[] = {0xa2, 0x02, 0x82, 0x81, 0x41, 0, 0x81, 0x41, 1, 4}, SECOND[] = {12, 1}; /* h'01' */
  static const uint8_t CHECK_IDS[] = {1, 15, 2, 15}, CHECK_DEVICE[] = {0x18, 24, 15}, CHECK_TIME[] = {4, 15};
  static const uint8_t FETCH[] = {21, 2, 3, 15}, COPY[] = {22, 2};
  cbor_expect(r, START, sizeof START);
  m->sequence = cbor_number(r, CBOR_NUMBER);
  if (m->sequence == 0) cbor_fail(r, CBOR_WRONG); /* the number of a device that has nothing */
  cbor_expect1(r, 3);
  const uint8_t *const whole = cbor_enter(r);
  const int encrypted = cbor_optional(r, TWO, sizeof TWO);
  if (!encrypted) cbor_expect(r, COMMON, sizeof COMMON);
  const uint8_t *const common = cbor_enter(r);
  const uint32_t items = cbor_number(r, CBOR_ARRAY);
  if (encrypted) cbor_expect(r, SECOND, sizeof SECOND);
  cbor_expect1(r, 20);
  read_parameters(r, m);
  cbor_expect(r, CHECK_IDS, sizeof CHECK_IDS);
  if (m->device) cbor_expect(r, CHECK_DEVICE, sizeof CHECK_DEVICE);
  if (m->expires) cbor_expect(r, CHECK_TIME, sizeof CHECK_TIME);
  if (items != 6u + 2u * ((m->device != NULL) + (m->expires != 0) + encrypted)) cbor_fail(r, CBOR_WRONG);
  cbor_leave(r, common);
  cbor_leave(r, whole);
  cbor_expect1(r, 20);
  const uint8_t *const install = cbor_enter(r);
  read_install(r, m, encrypted);
  const uint8_t *const ours = cbor_enter(r);
  read_ours(r, m);
  cbor_leave(r, ours);
  if (encrypted) cbor_expect(r, COPY, sizeof COPY);
  else cbor_expect(r, FETCH, sizeof FETCH);
  cbor_leave(r, install);
  cbor_leave(r, r->end);
}

/* ---- The envelope ---- */

/* COSE_Sign1 signs this: ["Signature1", protected header, no more data, the digest as it is encoded]. */
enum { SIGNED_ALGORITHM = 15, SIGNED_DIGEST = 23, SIGNED_BYTES = SIGNED_DIGEST + SHA256_BYTES };
static const uint8_t SIGNED[SIGNED_DIGEST] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1',
                                              0x43, 0xa1, 0x01, 0,   0x40, 0x58, 0x24, DIGEST_IS};

static int check_signature(const struct keys *trusted, uint8_t algorithm, const uint8_t *digest,
                           const uint8_t *signature) {
  uint8_t message[SIGNED_BYTES];
  for (uint32_t i = 0; i < SIGNED_DIGEST; i++) message[i] = SIGNED[i];
  message[SIGNED_ALGORITHM] = algorithm;
  for (uint32_t i = 0; i < SHA256_BYTES; i++) message[SIGNED_DIGEST + i] = digest[i];
  switch (cose_verify(trusted, algorithm, message, sizeof message, signature)) {
    case COSE_GOOD: return MANIFEST_OK;
    case COSE_ALGORITHM: return MANIFEST_ALGORITHM;
    case COSE_REVOKED: return MANIFEST_REVOKED;
    default: return MANIFEST_SIGNATURE;
  }
}

static int read_all(const uint8_t *data, uint32_t n, const struct keys *trusted, struct manifest *m) {
  static const uint8_t START[] = {0xd8, 107, 0xa3, 0x02, 0x58, 0x73, 0x82, 0x58, 0x24, DIGEST_IS};
  static const uint8_t SIGN1[] = {0x58, 0x4a, 0xd2, 0x84, 0x43, 0xa1, 0x01};
  static const uint8_t SIGNATURE[] = {0xa0, 0xf6, 0x58, 0x40}, PAYLOAD[] = {0x62, '#', 'm'};
  struct cbor r = {data, data + (n < MANIFEST_HEAD ? n : MANIFEST_HEAD), CBOR_FINE};
  uint8_t is[SHA256_BYTES];

  cbor_expect(&r, START, sizeof START);
  const uint8_t *const digest = cbor_take(&r, SHA256_BYTES);
  cbor_expect(&r, SIGN1, sizeof SIGN1);
  const uint8_t algorithm = cbor_next(&r);
  cbor_expect(&r, SIGNATURE, sizeof SIGNATURE);
  const uint8_t *const signature = cbor_take(&r, 64);
  cbor_expect1(&r, 0x03);
  const uint8_t *const whole = r.at; /* the manifest with the head of its byte string, as it is hashed */
  const uint32_t size = cbor_number(&r, CBOR_BYTES);
  struct cbor body = {r.at, NULL, CBOR_FINE};
  cbor_take(&r, size);
  body.end = r.at;
  const uint32_t whole_size = (uint32_t)(r.at - whole);
  cbor_expect(&r, PAYLOAD, sizeof PAYLOAD);
  const uint32_t payload_size = cbor_number(&r, CBOR_BYTES);
  if (r.state == CBOR_WRONG) return MANIFEST_ENVELOPE;
  if (r.state == CBOR_ENDED) return n < MANIFEST_HEAD ? MANIFEST_SHORT : MANIFEST_LONG;

  sha256(whole, whole_size, is);
  if (!cbor_same(is, digest, SHA256_BYTES)) return MANIFEST_DIGEST; /* before the signature: it is the cheaper check */
  const int signed_by = check_signature(trusted, algorithm, digest, signature);
  if (signed_by != MANIFEST_OK) return signed_by;

  read_body(&body, m);
  if (body.state != CBOR_FINE) return MANIFEST_FORM;
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
  struct cbor r = {*at, *at + 5, CBOR_FINE}; /* behind the operators there are more than five bytes */
  const uint32_t code = cbor_number(&r, CBOR_NUMBER);
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

/* Is the number a time stamp that this device's clock allows? */
static int is_time(uint32_t sequence, uint64_t now) {
  return now && sequence >= MANIFEST_TIMES && sequence <= now + MANIFEST_DAY;
}

int manifest_check(const struct manifest *m, const struct device *d) {
  const uint32_t newest = d->sequence > d->counter ? d->sequence : d->counter;
  if (!cbor_same(m->vendor, d->vendor, 16)) return MANIFEST_VENDOR;
  if (!cbor_same(m->model, d->model, 16)) return MANIFEST_MODEL;
  if (m->device && !cbor_same(m->device, d->device, 16)) return MANIFEST_DEVICE;
  if (m->sequence <= newest) return MANIFEST_ROLLBACK;
  if (m->sequence - newest > MANIFEST_FAST_FORWARD && !is_time(m->sequence, d->now)) return MANIFEST_LEAP;
  if (m->expires && d->now >= m->expires) return MANIFEST_EXPIRED;
  if (m->kind != d->kind) return MANIFEST_KIND;
  if (m->size > d->slot_bytes) return MANIFEST_SIZE;
  if (m->payload_size > m->size) return MANIFEST_PAYLOAD_SIZE;
  if (m->base && (!d->base || !cbor_same(m->base, d->base, 8))) return MANIFEST_BASE;
  if (m->arena > d->arena_bytes) return MANIFEST_ARENA;
  if (!operators_known(m, d)) return MANIFEST_OPERATOR;
  if (!cbor_same(m->io, d->io, 4)) return MANIFEST_IO;
  if (!cbor_same(m->abi, d->abi, 4)) return MANIFEST_ABI;
  if (!cbor_same(m->features, d->features, 4)) return MANIFEST_FEATURES;
  if (m->encryption.iv && !d->decryptor) return MANIFEST_ENCRYPTED;
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
      [MANIFEST_ENCRYPTED] = "encrypted, and this device reads no such payload",
  };
  return code >= 0 && code < MANIFEST_CODES ? REASONS[code] : "no such code";
}
