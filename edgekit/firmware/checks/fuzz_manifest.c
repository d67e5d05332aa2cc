/* For edgekit/assurance/fuzz_manifest.py, on a host with sanitizers; not for devices.
 *
 * Reads [length (4 bytes, little-endian) | bytes] …: an Ed25519 and a P-256 key, a good package, then inputs. Prints
 * one line for each input: code of manifest_read, code of manifest_check, bytes of the whole package. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ed25519.h"
#include "es256.h"
#include "manifest.h"

static uint8_t *load(FILE *f, uint32_t *n) {
  uint8_t size[4];
  if (fread(size, 1, 4, f) != 4) return NULL;
  *n = size[0] | size[1] << 8 | size[2] << 16 | (uint32_t)size[3] << 24;
  uint8_t *data = malloc(*n ? *n : 1); /* exactly so large: one byte beyond is found */
  if (fread(data, 1, *n, f) != *n) exit(2);
  return data;
}

int main(int argc, char **argv) {
  struct key key[2] = {{ed25519_verify, KEY_ED25519, 0, {0}}, {es256_verify, KEY_ES256, 0, {0}}};
  const struct keys trusted = {key, 2};
  struct manifest m;
  struct device device = {.slot_bytes = 1 << 20, .arena_bytes = 1 << 20};
  uint32_t operators[MANIFEST_OPERATORS], n;
  FILE *f = fopen(argv[argc - 1], "rb");
  for (int i = 0; i < 2; i++) {
    uint8_t *bytes = load(f, &n);
    memcpy(key[i].bytes, bytes, n);
    free(bytes);
  }
  uint8_t *good = load(f, &n);
  if (manifest_read(good, n, &trusted, &m) != MANIFEST_OK) return 3;
  memcpy(device.vendor, m.vendor, 16);
  memcpy(device.model, m.model, 16);
  memcpy(device.io, m.io, 4);
  memcpy(device.abi, m.abi, 4);
  memcpy(device.features, m.features, 4);
  device.sequence = m.sequence - 1;
  device.kind = m.kind;
  device.base = m.base;
  device.operators = operators;
  for (const uint8_t *at = m.operators; device.operator_count < m.operator_count;) {
    operators[device.operator_count++] = manifest_operator(&at);
  }
  if (manifest_check(&m, &device) != MANIFEST_OK) return 4;
  for (uint8_t *data; (data = load(f, &n)) != NULL;) {
    const int read = manifest_read(data, n, &trusted, &m);
    const int checked = read == MANIFEST_OK ? manifest_check(&m, &device) : MANIFEST_OK;
    if (!*manifest_reason(read) || !*manifest_reason(checked)) return 5;
    printf("%d %d %u\n", read, checked, read ? 0 : m.payload_at + m.payload_size);
    fflush(stdout); /* what was answered counts, even if the next input is the last */
    free(data);
  }
  free(good);
  fclose(f);
  return 0;
}
