/* HMAC-SHA-256 (RFC 2104, FIPS 198-1), streaming: begin, add any number of times, end. */
#ifndef EDGEKIT_HMAC_H
#define EDGEKIT_HMAC_H

#include "sha256.h"

#define HMAC_KEY 32 /* bytes of a key */

struct hmac {
  struct sha256 hash;
  const uint8_t *key; /* not copied */
};

void hmac_begin(struct hmac *h, const uint8_t key[HMAC_KEY]);
void hmac_add(struct hmac *h, const void *data, uint32_t n);
void hmac_end(struct hmac *h, uint8_t mac[SHA256_BYTES]);

/* Are the first n bytes of a and b the same? In a time that does not tell where they differ. */
int hmac_same(const uint8_t *a, const uint8_t *b, uint32_t n);

#endif
