#include "status.h"

#include "cbor.h"

static uint8_t *put(uint8_t *to, const uint8_t *from, uint32_t n) {
  while (n--) *to++ = *from++;
  return to;
}

uint32_t status_make(struct trust *t, const uint8_t *device, const struct status *s, uint8_t out[STATUS_BYTES]) {
  static const uint8_t START[] = {0xd1, 0x84, 0x43, 0xa1, 0x01, 0x05, 0xa0, 0x58, 0}, BODY[] = {0x88, 0x50};
  static const uint8_t MAC[] = {0x84, 0x64, 'M', 'A', 'C', '0', 0x43, 0xa1, 0x01, 0x05,
                                0x46, 's', 't', 'a', 't', 'u', 's'};
  const uint32_t number = trust_number(t);
  const uint32_t values[] = {number, s->running, s->counter, s->verdict, s->reason, t->set.version, s->fresh};
  uint8_t *const payload = put(out, START, sizeof START), *at = put(payload, BODY, sizeof BODY);
  struct hmac h;
  if (number == 0) return 0;
  at = put(at, device, 16);
  for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) at = cbor_put(at, CBOR_NUMBER, values[i]);
  const uint32_t size = (uint32_t)(at - payload); /* 25 bytes or more: its head is 58, size */
  payload[-1] = (uint8_t)size;
  hmac_begin(&h, t->origin.secret);
  hmac_add(&h, MAC, sizeof MAC);
  hmac_add(&h, payload - 2, size + 2);
  *at++ = 0x58;
  *at++ = SHA256_BYTES;
  hmac_end(&h, at);
  return (uint32_t)(at + SHA256_BYTES - out);
}
