#include "hmac.h"

#define BLOCK 64 /* of SHA-256, bytes */

static void begin(struct hmac *h, uint8_t pad) {
  uint8_t block[BLOCK];
  for (uint32_t i = 0; i < BLOCK; i++) block[i] = pad ^ (i < HMAC_KEY ? h->key[i] : 0);
  sha256_begin(&h->hash);
  sha256_add(&h->hash, block, BLOCK);
}

void hmac_begin(struct hmac *h, const uint8_t key[HMAC_KEY]) {
  h->key = key;
  begin(h, 0x36);
}

void hmac_add(struct hmac *h, const void *data, uint32_t n) { sha256_add(&h->hash, data, n); }

void hmac_end(struct hmac *h, uint8_t mac[SHA256_BYTES]) {
  sha256_end(&h->hash, mac);
  begin(h, 0x5c);
  sha256_add(&h->hash, mac, SHA256_BYTES);
  sha256_end(&h->hash, mac);
}

int hmac_same(const uint8_t *a, const uint8_t *b, uint32_t n) {
  uint8_t differs = 0;
  while (n--) differs |= *a++ ^ *b++;
  return !differs;
}
