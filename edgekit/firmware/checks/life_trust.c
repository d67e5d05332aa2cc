/* The keeping of keys, called from outside with a power cut as a result: for tests and searches on the host. */
#include "ed25519.h"
#include "es256.h"
#include "nor.h"
#include "status.h"
#include "statement.h"

#define POWER_CUT 100
#define POWERED(call)                      \
  do {                                     \
    if (setjmp(nor_off)) return POWER_CUT; \
    return (int)(call);                    \
  } while (0)

struct trust powercut_trust; /* in memory: a reset forgets it */
uint8_t powercut_keys[TRUST_BYTES], powercut_secret[HMAC_KEY], powercut_model[16], powercut_device[16],
    powercut_report[STATUS_BYTES];
uint32_t powercut_size, powercut_algorithms = 3; /* of powercut_keys; bit 0: Ed25519, bit 1: ES256 */

int powered_open(void) {
  const struct trust_origin origin = {
      .keys = powercut_keys,
      .size = powercut_size,
      .verify = {powercut_algorithms & 1 ? ed25519_verify : 0, powercut_algorithms & 2 ? es256_verify : 0},
      .secret = powercut_secret,
      .sector = NOR_SECTORS - 2,
  };
  POWERED(trust_open(&powercut_trust, &origin));
}

int powered_keys(const uint8_t *data, uint32_t n, uint32_t piece, uint32_t now) {
  trust_begin(&powercut_trust);
  for (uint32_t at = 0; at < n; at += piece) trust_take(&powercut_trust, data + at, n - at < piece ? n - at : piece);
  POWERED(trust_end(&powercut_trust, now));
}

int powered_statement(const uint8_t *data, uint32_t n, uint32_t running, uint32_t now) {
  POWERED(statement_take(&powercut_trust, data, n, powercut_model, running, now));
}

int powercut_freshness(uint32_t running, uint32_t now) { return statement_freshness(&powercut_trust, running, now); }

int powered_status(uint32_t running, uint32_t counter, uint32_t verdict, uint32_t reason, uint32_t fresh) {
  const struct status s = {running, counter, verdict, reason, fresh};
  POWERED(status_make(&powercut_trust, powercut_device, &s, powercut_report));
}

/* Is this a signature over the message by a key that packages are believed from? A COSE_ code. */
int powercut_accepts_signature(uint32_t algorithm, const uint8_t *message, uint32_t n, const uint8_t *signature) {
  return cose_verify(&powercut_trust.keys, (uint8_t)algorithm, message, n, signature);
}

uint32_t powercut_version(void) { return powercut_trust.set.version; }

void powercut_power_on(void) {
  nor.off = 0;
  for (int i = 0; i < NOR_CUTS; i++) nor.cut[i].after = 0;
}

void powercut_cut(uint32_t after, uint32_t torn) {
  nor.cut[0].after = after;
  nor.cut[0].torn = torn;
}

uint32_t powercut_off(void) { return nor.off; }
uint32_t powercut_operations(void) { return nor.operations; }
uint32_t powercut_broken(void) { return nor.broken; }
void powercut_seed(uint32_t random) { nor.random = random; }
