/* Ed25519 (RFC 8032), with one policy here and in edgekit/packages/signature_checks.py, byte for byte the same answer:
 *
 *   S < L, or a signature could be changed into another one of the same message;
 *   A and R encoded in their one way, y < p (RFC 8032, 5.1.3);
 *   neither A nor R of small order: such a key "signs" any message;
 *   [S]B - [h]A, encoded, is R: the equation without the cofactor, as OpenSSL has it.
 *
 * The paper on how verifiers differ: Chalkias, Garillot, Nikolaenko, Taming the many EdDSAs (SSR 2020). */
#include "ed25519.h"

#include "monocypher.h"
#include "sha512.h"

/* y of the points of order 8, as they are encoded; of orders 4, 1 and 2 it is 0, 1 and p - 1. */
static const uint8_t ORDER_8[2][32] = {
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};

/* Is y below p - 1 = 2^255 - 20, above 1, and not of order 8? The highest bit is the sign of x. */
static int usable(const uint8_t point[32]) {
  const uint8_t top = point[31] & 0x7f;
  uint8_t zero = top, ones = (uint8_t)(top ^ 0x7f), eight[2] = {0, 0};
  for (int i = 1; i < 31; i++) {
    zero |= point[i];
    ones |= (uint8_t)~point[i];
  }
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 31; i++) eight[k] |= point[i] ^ ORDER_8[k][i];
    eight[k] |= top ^ ORDER_8[k][31];
  }
  return !(zero == 0 && point[0] <= 1) && !(ones == 0 && point[0] >= 0xec) && eight[0] && eight[1];
}

int ed25519_verify(const uint8_t signature[64], const uint8_t public_key[32], const uint8_t *message, size_t n) {
  struct sha512 s;
  uint8_t digest[SHA512_BYTES], h[32];
  if (!usable(signature) || !usable(public_key)) return -1;
  sha512_begin(&s); /* h = SHA-512(R, A, message) mod L */
  sha512_add(&s, signature, 32);
  sha512_add(&s, public_key, 32);
  sha512_add(&s, message, (uint32_t)n);
  sha512_end(&s, digest);
  crypto_eddsa_reduce(h, digest);
  return crypto_eddsa_check_equation(signature, public_key, h); /* refuses S >= L, too */
}
