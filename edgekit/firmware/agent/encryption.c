/* What is said of a payload that is encrypted. It is read by every device, by those too that can only refuse. */
#include "decrypt.h"

static const uint8_t START[] = {0xd8, 96, 0x84, 0x40, 0xa2, 1, 0x39, 0xff, 0xfd, 5, 0x50}; /* 96([h'', {1: -65534, 5: … */
static const uint8_t RECIPIENT[] = {0x83, 0x40, 0xa1, 1, 0x22, 0x58, DECRYPT_WRAPPED};     /* [h'', {1: -3}, … */

void encryption_read(struct cbor *r, struct encryption *e) {
  const uint8_t *const outer = cbor_enter(r);
  cbor_expect(r, START, sizeof START);
  e->iv = cbor_take(r, DECRYPT_BLOCK);
  cbor_expect1(r, 0xf6);
  e->count = cbor_number(r, CBOR_ARRAY);
  if (e->count < 1 || e->count > DECRYPT_RECIPIENTS) cbor_fail(r, CBOR_WRONG);
  e->keys = r->at + sizeof RECIPIENT;
  for (uint32_t i = 0; i < e->count && r->state == CBOR_FINE; i++) {
    cbor_expect(r, RECIPIENT, sizeof RECIPIENT);
    cbor_take(r, DECRYPT_WRAPPED);
  }
  cbor_leave(r, outer);
}
