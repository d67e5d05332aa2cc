#include "ed25519.h"

#include "monocypher.h"
#include "sha512.h"

/* Is y below p = 2^255 - 19? Monocypher would take it modulo p; RFC 8032 (5.1.3) refuses it. */
static int canonical(const uint8_t point[32]) {
  int all = (point[31] & 0x7f) == 0x7f; /* the highest bit is the sign of x */
  for (int i = 1; i < 31; i++) all &= point[i] == 0xff;
  return !all || point[0] < 0xed;
}

int ed25519_verify(const uint8_t signature[64], const uint8_t public_key[32], const uint8_t *message, size_t n) {
  struct sha512 s;
  uint8_t digest[SHA512_BYTES], h[32];
  if (!canonical(signature) || !canonical(public_key)) return -1;
  sha512_begin(&s); /* h = SHA-512(R, A, message) mod L */
  sha512_add(&s, signature, 32);
  sha512_add(&s, public_key, 32);
  sha512_add(&s, message, (uint32_t)n);
  sha512_end(&s, digest);
  crypto_eddsa_reduce(h, digest);
  return crypto_eddsa_check_equation(signature, public_key, h); /* refuses S >= L, too */
}
