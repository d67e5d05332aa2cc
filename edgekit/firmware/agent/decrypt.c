#include "decrypt.h"

#include "inner.h"

enum { WORDS = 8 * (DECRYPT_ROUNDS + 1), RECIPIENT = 7 + DECRYPT_WRAPPED }; /* encryption.c: bytes from key to key */

/* Two blocks at once: BearSSL's words of the first are the even ones. */
static void load(uint32_t q[8], const uint8_t *first, const uint8_t *second) {
  for (int i = 0; i < 4; i++) {
    q[2 * i] = br_dec32le(first + 4 * i);
    q[2 * i + 1] = br_dec32le(second + 4 * i);
  }
  br_aes_ct_ortho(q);
}

/* C = A, R1, R2 is unwrapped in six rounds of two (RFC 3394, 2.2.2). 0 if A comes out as it must. */
static int unwrap(const uint32_t keys[WORDS], const uint8_t *wrapped, uint8_t out[DECRYPT_KEY]) {
  uint8_t block[DECRYPT_BLOCK];
  uint32_t q[8];
  uint8_t differs = 0;
  int i;
  for (i = 0; i < 8; i++) block[i] = wrapped[i];
  for (i = 0; i < DECRYPT_KEY; i++) out[i] = wrapped[8 + i];
  for (uint8_t t = 12; t; t--) {
    uint8_t *const half = out + 8 * ((t & 1) ^ 1); /* R2 at the even steps */
    block[7] ^= t;
    for (i = 0; i < 8; i++) block[8 + i] = half[i];
    load(q, block, block);
    br_aes_ct_bitslice_decrypt(DECRYPT_ROUNDS, keys, q);
    br_aes_ct_ortho(q);
    for (i = 0; i < 4; i++) br_enc32le(block + 4 * i, q[2 * i]);
    for (i = 0; i < 8; i++) half[i] = block[8 + i];
  }
  for (i = 0; i < 8; i++) differs |= block[i] ^ 0xa6;
  return differs;
}

int decrypt_begin(struct decrypt *d, const struct encryption *e, const uint8_t kek[DECRYPT_KEY]) {
  uint32_t keys[WORDS];
  uint8_t cek[DECRYPT_KEY];
  uint32_t i = 0;
  br_aes_ct_keysched(d->key, kek, DECRYPT_KEY);
  br_aes_ct_skey_expand(keys, DECRYPT_ROUNDS, d->key);
  while (i < e->count && unwrap(keys, e->keys + RECIPIENT * i, cek)) i++;
  if (i == e->count) return 1;
  br_aes_ct_keysched(d->key, cek, DECRYPT_KEY);
  for (i = 0; i < DECRYPT_BLOCK; i++) d->counter[i] = e->iv[i];
  d->left = 0;
  return 0;
}

/* The counter block is one number, its highest byte first, that goes round at its end. */
static void count(uint8_t counter[DECRYPT_BLOCK]) {
  for (int i = DECRYPT_BLOCK; i-- && ++counter[i] == 0;) {
  }
}

void decrypt_run(struct decrypt *d, const uint8_t *in, uint8_t *out, uint32_t n) {
  uint32_t keys[WORDS], q[8];
  uint8_t first[DECRYPT_BLOCK];
  if (n > d->left) br_aes_ct_skey_expand(keys, DECRYPT_ROUNDS, d->key);
  while (n--) {
    if (d->left == 0) {
      for (int i = 0; i < DECRYPT_BLOCK; i++) first[i] = d->counter[i];
      count(d->counter);
      load(q, first, d->counter);
      count(d->counter);
      br_aes_ct_bitslice_encrypt(DECRYPT_ROUNDS, keys, q);
      br_aes_ct_ortho(q);
      for (int i = 0; i < 4; i++) {
        br_enc32le(d->stream + 4 * i, q[2 * i]);
        br_enc32le(d->stream + DECRYPT_BLOCK + 4 * i, q[2 * i + 1]);
      }
      d->left = sizeof d->stream;
    }
    *out++ = *in++ ^ d->stream[sizeof d->stream - d->left--];
  }
}
