/* SHA-256 (FIPS 180-4). Small rather than fast: the message schedule lives in 16 words and is extended as the
 * rounds go. */
#include "sha256.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void take_block(struct sha256 *s) {
  uint32_t w[16], v[8]; /* v: the working variables a … h */
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = s->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 0; i < 8; i++) v[i] = s->h[i];
  for (int i = 0; i < 64; i++) {
    if (i >= 16) {
      const uint32_t w2 = w[(i - 2) & 15], w15 = w[(i - 15) & 15];
      w[i & 15] += w[(i - 7) & 15] + (rotate(w2, 17) ^ rotate(w2, 19) ^ w2 >> 10) +
                   (rotate(w15, 7) ^ rotate(w15, 18) ^ w15 >> 3);
    }
    const uint32_t a = v[0], e = v[4];
    const uint32_t t = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + K[i] + w[i & 15];
    const uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    for (int k = 7; k > 0; k--) v[k] = v[k - 1];
    v[4] += t;
    v[0] = t + u;
  }
  for (int i = 0; i < 8; i++) s->h[i] += v[i];
}

void sha256_begin(struct sha256 *s) {
  static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int i = 0; i < 8; i++) s->h[i] = START[i];
  s->low = s->high = 0;
}

void sha256_add(struct sha256 *s, const void *data, uint32_t n) {
  const uint8_t *from = data;
  while (n--) {
    s->block[s->low & 63] = *from++;
    if (++s->low == 0) s->high++;
    if ((s->low & 63) == 0) take_block(s);
  }
}

void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]) {
  const uint32_t low = s->low, high = s->high;
  static const uint8_t ONE = 0x80, ZERO = 0;
  sha256_add(s, &ONE, 1);
  while ((s->low & 63) != 56) sha256_add(s, &ZERO, 1);
  const uint32_t bits[2] = {high << 3 | low >> 29, low << 3};
  for (int i = 0; i < 8; i++) s->block[56 + i] = (uint8_t)(bits[i / 4] >> (24 - 8 * (i % 4)));
  take_block(s);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256(const void *data, uint32_t n, uint8_t digest[SHA256_BYTES]) {
  struct sha256 s;
  sha256_begin(&s);
  sha256_add(&s, data, n);
  sha256_end(&s, digest);
}
