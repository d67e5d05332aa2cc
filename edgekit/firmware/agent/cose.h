/* Who signed? (COSE, RFC 9052; edgekit/packages/suit.py signs.) */
#ifndef EDGEKIT_COSE_H
#define EDGEKIT_COSE_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_ED25519, KEY_ES256 };                           /* struct key.algorithm */

/* A public key. `verify` is ed25519_verify or es256_verify: the linker drops the one that no key names. */
struct key {
  int (*verify)(const uint8_t *signature, const uint8_t *bytes, const uint8_t *message, size_t n); /* 0: good */
  uint8_t algorithm;
  uint8_t revoked;   /* nonzero: what it signs is refused, and the reason given */
  uint8_t bytes[64]; /* Ed25519: the first 32; ES256: x, then y */
};

/* Those a device knows. A package does not name its key: each of the algorithm is tried. */
struct keys {
  const struct key *key;
  uint32_t count;
};

enum { COSE_GOOD, COSE_ALGORITHM, COSE_SIGNATURE, COSE_REVOKED };

/* Is `signature` (64 bytes) over the n bytes of `message` by a key of `trusted` that was not revoked? algorithm: the
 * byte that names COSE's, as it is encoded. */
int cose_verify(const struct keys *trusted, uint8_t algorithm, const uint8_t *message, uint32_t n,
                const uint8_t *signature);

#endif
