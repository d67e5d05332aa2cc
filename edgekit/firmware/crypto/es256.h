/* ES256 signatures (ECDSA on P-256 with SHA-256, RFC 7518 3.4): p256-m's curve. Verification only. */
#ifndef EDGEKIT_ES256_H
#define EDGEKIT_ES256_H

#include <stddef.h>
#include <stdint.h>

/* 0 if `signature` (r, then s) over the n bytes of `message` was made by the owner of `public_key` (x, then y),
 * else not 0. All four numbers big-endian. A key that is no point of the curve verifies nothing. */
int es256_verify(const uint8_t signature[64], const uint8_t public_key[64], const uint8_t *message, size_t n);

#endif
