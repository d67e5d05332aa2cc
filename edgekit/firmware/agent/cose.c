#include "cose.h"

#include "cbor.h"

/* Is this key revoked, here or where it stands in the list once more? */
static int revoked(const struct keys *trusted, const struct key *key) {
  for (uint32_t i = 0; i < trusted->count; i++) {
    const struct key *const k = &trusted->key[i];
    if (k->revoked && k->algorithm == key->algorithm && cbor_same(k->bytes, key->bytes, sizeof k->bytes)) return 1;
  }
  return 0;
}

int cose_verify(const struct keys *trusted, uint8_t algorithm, const uint8_t *message, uint32_t n,
                const uint8_t *signature) {
  uint8_t kind;
  switch (algorithm) {
    case 0x26: /* -7, ES256 */
    case 0x28: /* -9, ESP256: the same, on no other curve */
      kind = KEY_ES256;
      break;
    case 0x27: /* -8, EdDSA */
    case 0x32: /* -19, Ed25519: the same, on no other curve */
      kind = KEY_ED25519;
      break;
    default:
      return COSE_ALGORITHM;
  }
  for (uint32_t i = 0; i < trusted->count; i++) {
    const struct key *const k = &trusted->key[i];
    if (k->algorithm == kind && k->verify(signature, k->bytes, message, n) == 0) {
      return revoked(trusted, k) ? COSE_REVOKED : COSE_GOOD;
    }
  }
  return COSE_SIGNATURE;
}
