/* SHA-256 (FIPS 180-4), streaming: begin, add any number of times, end. 104 bytes of state. */
#ifndef EDGEKIT_SHA256_H
#define EDGEKIT_SHA256_H

#include <stdint.h>

#define SHA256_BYTES 32

struct sha256 {
  uint32_t h[8];
  uint32_t low, high; /* bytes added so far, as a 64-bit number */
  uint8_t block[64];  /* the last (low % 64) of them wait here */
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, uint32_t n);
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]);

/* The digest of n bytes in one call. */
void sha256(const void *data, uint32_t n, uint8_t digest[SHA256_BYTES]);

#endif
