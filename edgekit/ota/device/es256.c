#include "es256.h"

#include "p256-m.h"
#include "sha256.h"

int es256_verify(const uint8_t signature[64], const uint8_t public_key[64], const uint8_t *message, size_t n) {
  uint8_t digest[SHA256_BYTES];
  sha256(message, (uint32_t)n, digest);
  return p256_ecdsa_verify(signature, public_key, digest, sizeof digest);
}
