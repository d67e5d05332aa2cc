/* SHA-512 (FIPS 180-4), streaming: begin, add any number of times, end. For Ed25519; 200 bytes of state. */
#ifndef EDGEKIT_SHA512_H
#define EDGEKIT_SHA512_H

#include <stdint.h>

#define SHA512_BYTES 64

struct sha512 {
  uint64_t h[8];
  uint64_t size;      /* bytes added so far */
  uint8_t block[128]; /* the last (size % 128) of them wait here */
};

void sha512_begin(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *data, uint32_t n);
void sha512_end(struct sha512 *s, uint8_t digest[SHA512_BYTES]);

#endif
