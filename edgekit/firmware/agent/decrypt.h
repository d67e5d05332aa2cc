/* Payloads that only some devices can read (draft-ietf-suit-firmware-encryption): AES-CTR (RFC 9459) under a key of
 * their own, which comes wrapped (AES-KW, RFC 3394) in a key that such a device shares with the vendor.
 * edgekit/packages/encryption.py encrypts.
 *
 * AES-CTR hides, and protects against nothing: whoever flips a bit of the payload flips one of the image. What may
 * run is decided by the signed digests alone, of the payload and of the image. */
#ifndef EDGEKIT_DECRYPT_H
#define EDGEKIT_DECRYPT_H

#include <stdint.h>

#include "cbor.h"

enum { DECRYPT_KEY = 16, DECRYPT_BLOCK = 16, DECRYPT_WRAPPED = 24, DECRYPT_RECIPIENTS = 4, DECRYPT_ROUNDS = 10 };

/* A COSE_Encrypt, as it was read; it points into what was read. */
struct encryption {
  const uint8_t *iv;      /* the first counter block; NULL: nothing is encrypted */
  const uint8_t *keys;    /* the first of the wrapped keys */
  uint32_t count;         /* of recipients, 1 to DECRYPT_RECIPIENTS */
};

/* Between two pieces of a payload. */
struct decrypt {
  uint32_t key[4 * (DECRYPT_ROUNDS + 1)];
  uint8_t counter[DECRYPT_BLOCK];
  uint8_t stream[2 * DECRYPT_BLOCK]; /* what the next bytes are added to */
  uint32_t left;                     /* bytes of it that were not used yet, at its end */
};

/* A device that reads such payloads has one; the linker drops decrypt.c where none is. */
struct decryptor {
  struct decrypt *state;
  int (*begin)(struct decrypt *d, const struct encryption *e, const uint8_t kek[DECRYPT_KEY]);
  void (*run)(struct decrypt *d, const uint8_t *in, uint8_t *out, uint32_t n);
};

/* Read a byte string that holds 96([h'', {1: A128CTR, 5: iv}, null, [[h'', {1: A128KW}, wrapped key], …]]), the one
 * encoding that is taken. Goes wrong as cbor.h does. */
void encryption_read(struct cbor *r, struct encryption *e);

/* Unwrap the key that is for this kek, of whichever recipient. 0, or nonzero: none is. */
int decrypt_begin(struct decrypt *d, const struct encryption *e, const uint8_t kek[DECRYPT_KEY]);

/* The next n bytes; `in` and `out` may be the same. */
void decrypt_run(struct decrypt *d, const uint8_t *in, uint8_t *out, uint32_t n);

#endif
