#include "statement.h"

#include "cbor.h"

int statement_freshness(const struct trust *t, uint32_t running, uint64_t now) {
  if (t->record.issued == 0 || now > t->record.until) return STATEMENT_FROZEN;
  return running < t->record.latest ? STATEMENT_BEHIND : STATEMENT_CURRENT;
}

/* COSE_Sign1 signs this: ["Signature1", bstr {1: algorithm}, 'latest', payload], the payload with its head. */
static int check_signature(const struct keys *trusted, uint8_t algorithm, const uint8_t *payload, uint32_t n,
                           const uint8_t *signature) {
  static const uint8_t START[] = {0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1', 0x43, 0xa1, 0x01, 0,
                                  0x46, 'l', 'a', 't', 'e', 's', 't'};
  uint8_t message[sizeof START + STATEMENT_BYTES];
  for (uint32_t i = 0; i < sizeof START; i++) message[i] = i == 15 ? algorithm : START[i];
  for (uint32_t i = 0; i < n; i++) message[sizeof START + i] = payload[i];
  switch (cose_verify(trusted, algorithm, message, (uint32_t)sizeof START + n, signature)) {
    case COSE_GOOD: return 0;
    case COSE_ALGORITHM: return STATEMENT_ALGORITHM;
    case COSE_REVOKED: return STATEMENT_REVOKED;
    default: return STATEMENT_SIGNATURE;
  }
}

int statement_take(struct trust *t, const uint8_t *data, uint32_t n, const uint8_t *model, uint32_t running,
                   uint64_t now) {
  static const uint8_t START[] = {0xd2, 0x84, 0x43, 0xa1, 0x01}, SIGNATURE[] = {0x58, 64};
  const struct trust_record *const kept = &t->record;
  if (n > STATEMENT_BYTES) return STATEMENT_FORM;
  struct cbor r = {data, data + n, CBOR_FINE};
  cbor_expect(&r, START, sizeof START);
  const uint8_t algorithm = cbor_next(&r);
  cbor_expect1(&r, 0xa0);
  const uint8_t *const payload = r.at;
  const uint32_t size = cbor_number(&r, CBOR_BYTES);
  struct cbor body = {r.at, r.at, CBOR_FINE};
  cbor_take(&r, size);
  body.end = r.at;
  const uint32_t payload_size = (uint32_t)(r.at - payload);
  cbor_expect(&r, SIGNATURE, sizeof SIGNATURE);
  const uint8_t *const signature = cbor_take(&r, 64);
  cbor_leave(&r, r.end);
  if (r.state != CBOR_FINE) return STATEMENT_FORM;
  const int code = check_signature(&t->keys, algorithm, payload, payload_size, signature);
  if (code) return code;

  cbor_expect1(&body, 0x84);
  const uint8_t *const class_id = cbor_bytes(&body, 16);
  const uint32_t latest = cbor_number(&body, CBOR_NUMBER), issued = cbor_number(&body, CBOR_NUMBER);
  const uint32_t until = cbor_number(&body, CBOR_NUMBER);
  cbor_leave(&body, body.end);
  if (body.state != CBOR_FINE || latest == 0 || issued == 0 || until < issued) return STATEMENT_CONTENT;
  if (!cbor_same(class_id, model, 16)) return STATEMENT_CLASS;
  if (now && issued > now + STATEMENT_EARLY) return STATEMENT_FROM_FUTURE;
  if (issued < kept->issued) return STATEMENT_REPLAYED;
  if (latest < kept->latest) return STATEMENT_ROLLBACK;
  if (issued == kept->issued && (latest != kept->latest || until != kept->until)) return STATEMENT_REPLAYED;
  if (issued > kept->issued && trust_keep(t, latest, issued, until)) return STATEMENT_FLASH;
  return statement_freshness(t, running, now);
}

const char *statement_reason(int code) {
  static const char *const REASONS[STATEMENT_CODES] = {
      [STATEMENT_CURRENT] = "current",
      [STATEMENT_BEHIND] = "behind",
      [STATEMENT_FROZEN] = "frozen",
      [STATEMENT_FORM] = "not a statement, or not in its one encoding",
      [STATEMENT_ALGORITHM] = "the signature's algorithm is none that this device knows",
      [STATEMENT_SIGNATURE] = "the signature fits no key this device trusts",
      [STATEMENT_REVOKED] = "signed by a key that was revoked",
      [STATEMENT_CONTENT] = "the statement is not one that this device understands",
      [STATEMENT_CLASS] = "about another class of devices",
      [STATEMENT_REPLAYED] = "older than what this device has heard",
      [STATEMENT_ROLLBACK] = "names an older release than the one before",
      [STATEMENT_FROM_FUTURE] = "from a time that is yet to come",
      [STATEMENT_FLASH] = "the flash failed",
  };
  return code >= 0 && code < STATEMENT_CODES ? REASONS[code] : "no such code";
}
