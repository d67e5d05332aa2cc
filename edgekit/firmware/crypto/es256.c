/* ECDSA on P-256. Of the two signatures (r, s) and (r, n - s) that fit a message only the one with the lower s is
 * taken (edgekit/packages/signature_checks.py): else whoever sees one could make the other. */
#include "es256.h"

#include "p256-m.h"
#include "sha256.h"

/* n / 2, rounded down */
static const uint8_t HALF[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
                                 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                                 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

static int is_low(const uint8_t s[32]) {
  int i = 0;
  while (i < 31 && s[i] == HALF[i]) i++;
  return s[i] <= HALF[i];
}

int es256_verify(const uint8_t signature[64], const uint8_t public_key[64], const uint8_t *message, size_t n) {
  uint8_t digest[SHA256_BYTES];
  if (!is_low(signature + 32)) return -1;
  sha256(message, (uint32_t)n, digest);
  return p256_ecdsa_verify(signature, public_key, digest, sizeof digest); /* r and s from 1 to n - 1 */
}
