/* Key manifests and statements from standard input, each in memory of exactly its size, so that a sanitizer sees every
 * byte that is read too far. Numbers are 32 bits, little-endian:
 *
 *   clock, algorithms (bit 0: Ed25519, 1: ES256), the device's list (size, bytes), what comes (size, bytes)
 *
 * One line for each: why keyset_accept refuses, empty if it does not. statement_take and trust_end get the same bytes,
 * for the sanitizers alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ed25519.h"
#include "es256.h"
#include "nor.h"
#include "statement.h"
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

static uint32_t number(void) {
  uint8_t b[4];
  if (fread(b, 1, 4, stdin) != 4) exit(0);
  return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static uint8_t *bytes(uint32_t *n) {
  *n = number();
  uint8_t *const made = malloc(*n ? *n : 1);
  if (!made || fread(made, 1, *n, stdin) != *n) exit(1);
  return made;
}

int main(void) {
  static const uint8_t SECRET[HMAC_KEY], MODEL[16];
  static struct trust t;
#ifdef _WIN32 /* bytes, not lines of text */
  _setmode(0, _O_BINARY);
#endif
  for (;;) {
    const uint32_t now = number(), algorithms = number();
    uint32_t old_size, n, size;
    uint8_t *const list = bytes(&old_size), *const data = bytes(&n);
    const struct trust_origin origin = {
        list, old_size, {algorithms & 1 ? ed25519_verify : 0, algorithms & 2 ? es256_verify : 0}, SECRET, 0};
    struct keyset fresh;
    const uint8_t *keys;
    nor_blank();
    if (trust_open(&t, &origin)) return 1;
    const int code = keyset_accept(data, n, &t.set, origin.verify, now, &fresh, &keys, &size);
    printf("%s\n", code ? keyset_reason(code) : "");
    statement_take(&t, data, n, MODEL, 1, now);
    trust_take(&t, data, n);
    trust_end(&t, now);
    free(list);
    free(data);
  }
}
