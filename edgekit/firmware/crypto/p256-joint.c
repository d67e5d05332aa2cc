/* ECDSA verification on P-256 as p256-m has it, but with both multiplications in one pass (E. G. Straus, 1964; "Shamir's
 * trick"): u1 G + u2 Q bit by bit from the top, where each step doubles once and adds G, Q, their sum or nothing. That
 * is 256 doublings and about 192 additions; p256-m's two ladders, made for secrets too, take 510 of each.
 *
 * What a verifier works on is public. So nothing here has to take the same time for every input, and nothing
 * does: do not multiply with a private key by this. p256-m.inc is p256-m.c, unchanged. */
#define MUL64_IS_CONSTANT_TIME /* where there is no assembler: public numbers need no slower product */
#define p256_ecdsa_verify p256_ecdsa_verify_apart
#include "p256-m.inc"
#undef p256_ecdsa_verify

/* Jacobian, in Montgomery's form; z = 0 is the neutral point. */
struct point {
  uint32_t x[8], y[8], z[8];
};

/* r += (x, y), whatever the two are to each other: point_add alone knows neither the neutral point nor P + P. */
static void add(struct point *r, const uint32_t x[8], const uint32_t y[8]) {
  const struct point was = *r;
  uint32_t t[8];
  if (u256_diff0(was.z) == 0) {
    u256_cmov(r->x, x, 1);
    u256_cmov(r->y, y, 1);
    m256_set32(r->z, 1, &p256_p);
    return;
  }
  point_add(r->x, r->y, r->z, x, y);
  if (u256_diff0(r->z)) return;
  m256_mul_p(t, was.z, was.z); /* the same x: (x, y) is r or its opposite. Is y z^3 the y of r? */
  m256_mul_p(t, t, was.z);
  m256_mul_p(t, t, y);
  if (u256_diff(t, was.y)) return; /* its opposite: the sum is the neutral point, as it stands */
  *r = was;
  point_double(r->x, r->y, r->z);
}

/* SEC 1, 4.1.4. */
int p256_ecdsa_verify(const uint8_t sig[64], const uint8_t pub[64], const uint8_t *hash, size_t hlen) {
  uint32_t r[8], s[8], u1[8], u2[8], px[8], py[8], sum_x[8], sum_y[8];
  struct point at = {{0}, {0}, {0}};
  if (scalar_from_bytes(r, sig) || scalar_from_bytes(s, sig + 32)) return P256_INVALID_SIGNATURE;
  if (point_from_bytes(px, py, pub)) return P256_INVALID_PUBKEY;

  ecdsa_m256_from_hash(u1, hash, hlen);
  m256_prep(s, &p256_n);
  m256_inv(s, s, &p256_n);
  m256_mul(u1, u1, s, &p256_n);
  m256_done(u1, &p256_n);
  m256_mul(u2, r, s, &p256_n); /* r is not in Montgomery's form, so the product is not either */

  point_add_or_double_leaky(sum_x, sum_y, p256_gx, p256_gy, px, py); /* (0, 0), no point, for Q = -G */
  const uint32_t opposite = !(u256_diff0(sum_x) | u256_diff0(sum_y));
  for (unsigned i = 256; i-- > 0;) {
    const uint32_t g = u1[i / 32] >> i % 32 & 1, q = u2[i / 32] >> i % 32 & 1;
    point_double(at.x, at.y, at.z);
    if (g && q) {
      if (!opposite) add(&at, sum_x, sum_y);
    } else if (g) {
      add(&at, p256_gx, p256_gy);
    } else if (q) {
      add(&at, px, py);
    }
  }
  point_to_affine(at.x, at.y, at.z); /* the neutral point comes out with an x of 0, which r is not */
  m256_done(at.x, &p256_p);
  ecdsa_m256_mod_n(at.x);
  return u256_diff(at.x, r) ? P256_INVALID_SIGNATURE : P256_SUCCESS;
}
