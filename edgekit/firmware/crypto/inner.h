/* What aes_ct.c, aes_ct_enc.c and aes_ct_dec.c of BearSSL need of its header of this name: aes_ct.md. */
#ifndef EDGEKIT_INNER_H
#define EDGEKIT_INNER_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t br_dec32le(const void *from) {
  const uint8_t *const b = from;
  return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline void br_enc32le(void *to, uint32_t x) {
  uint8_t *const b = to;
  for (int i = 0; i < 4; i++) b[i] = (uint8_t)(x >> 8 * i);
}

/* The S-box on 32 bytes at once, by a circuit (J. Boyar and R. Peralta): no table is read at a secret's place. */
void br_aes_ct_bitslice_Sbox(uint32_t *q);
void br_aes_ct_bitslice_invSbox(uint32_t *q);

/* Into bit slices, and back: two blocks, whose words lie in turn. */
void br_aes_ct_ortho(uint32_t *q);

/* The rounds' keys, 4 words a round and one more, of a key of 16, 24 or 32 bytes. Returns the number of rounds. */
unsigned br_aes_ct_keysched(uint32_t *comp_skey, const void *key, size_t key_len);

/* They as the rounds take them: twice as many words. */
void br_aes_ct_skey_expand(uint32_t *skey, unsigned num_rounds, const uint32_t *comp_skey);

void br_aes_ct_bitslice_encrypt(unsigned num_rounds, const uint32_t *skey, uint32_t *q);
void br_aes_ct_bitslice_decrypt(unsigned num_rounds, const uint32_t *skey, uint32_t *q);

#endif
