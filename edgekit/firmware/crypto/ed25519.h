/* Ed25519 signatures (RFC 8032, 5.1.7): Monocypher's curve, our SHA-512. Verification only: nothing secret. */
#ifndef EDGEKIT_ED25519_H
#define EDGEKIT_ED25519_H

#include <stddef.h>
#include <stdint.h>

/* 0 if `signature` over the n bytes of `message` was made by the owner of `public_key`, else -1.
 * S of L or more is refused, and so is a point that is not in its one encoding: nobody can make a second
 * signature out of a first. */
int ed25519_verify(const uint8_t signature[64], const uint8_t public_key[32], const uint8_t *message, size_t n);

#endif
