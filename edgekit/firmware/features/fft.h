/* Fast Fourier transforms in place, float32, lengths that are powers of two.
 *
 * Complex: Cooley-Tukey, decimation in time from bit-reversed order, two radix-2 steps at once (radix 4).
 * Real: by a complex transform of half the length (Sorensen, Jones, Heideman, Burrus, "Real-valued fast
 * Fourier transform algorithms", IEEE Trans. ASSP 35, 1987, section II).
 * One quarter of a cosine serves all lengths up to `turn` and the Hann window. */
#ifndef EDGEKIT_FFT_H
#define EDGEKIT_FFT_H

#include "real.h"

struct cosine_table {
  const float *quarter; /* cos(2 pi i / turn) for i = 0 ... turn / 4 */
  int32_t turn;
};

struct rotation {
  float c, s; /* multiplies by c - i s */
};

/* exp(-2 pi i k / turn) for 0 <= k < 3/4 turn */
static inline struct rotation rotation(const struct cosine_table *t, int32_t k) {
  const int32_t q = t->turn / 4;
  const float *const cosine = t->quarter;
  if (k <= q) return (struct rotation){cosine[k], cosine[q - k]};
  if (k <= 2 * q) return (struct rotation){-cosine[2 * q - k], cosine[k - q]};
  return (struct rotation){-cosine[k - 2 * q], -cosine[3 * q - k]};
}

/* 0.5 - 0.5 cos(2 pi n / length), periodic; n = 0 ... length / 2 */
static inline float hann(const struct cosine_table *t, int32_t n, int32_t length) {
  const int32_t k = n * (t->turn / length), q = t->turn / 4;
  const float cosine = k <= q ? t->quarter[k] : -t->quarter[2 * q - k];
  return 0.5f - 0.5f * cosine;
}

struct complex_f32 {
  float re, im;
};

static inline struct complex_f32 add(struct complex_f32 a, struct complex_f32 b) {
  return (struct complex_f32){a.re + b.re, a.im + b.im};
}

static inline struct complex_f32 subtract(struct complex_f32 a, struct complex_f32 b) {
  return (struct complex_f32){a.re - b.re, a.im - b.im};
}

static inline struct complex_f32 rotate(struct complex_f32 a, struct rotation w) {
  return (struct complex_f32){a.re * w.c + a.im * w.s, a.im * w.c - a.re * w.s};
}

/* The lowest `bits` bits of i in reverse; from `last`, the same of i - 1 */
static inline uint32_t reversed(uint32_t i, uint32_t last, int bits) {
#if defined(__thumb2__)
  uint32_t r;
  __asm__("rbit %0, %1" : "=r"(r) : "r"(i));
  (void)last;
  return r >> (32 - bits);
#else
  uint32_t bit = (uint32_t)1 << (bits - 1); /* count up from the top (Gold & Rader) */
  for (; last & bit; bit >>= 1) last ^= bit;
  (void)i;
  return last | bit;
#endif
}

static inline void bit_reverse(struct complex_f32 *z, int bits) {
  uint32_t j = 0;
  for (uint32_t i = 1; i < ((uint32_t)1 << bits) - 1; i++) {
    j = reversed(i, j, bits);
    if (i < j) {
      const struct complex_f32 keep = z[i];
      z[i] = z[j];
      z[j] = keep;
    }
  }
}

/* Four transforms of length m, at z, z + m, z + 2m, z + 3m, become one of length 4m: output `z` of each.
 * b, c and d are already rotated. The bit-reversed order has put the even-indexed two, a and b, first. */
static inline __attribute__((always_inline)) void butterfly(struct complex_f32 *z, int32_t m, struct complex_f32 b,
                                                            struct complex_f32 c, struct complex_f32 d) {
  const struct complex_f32 a = z[0];
  const struct complex_f32 ab = add(a, b), a_b = subtract(a, b);
  const struct complex_f32 cd = add(c, d), c_d = subtract(c, d);
  z[0] = add(ab, cd);
  z[m] = (struct complex_f32){a_b.re + c_d.im, a_b.im - c_d.re};
  z[2 * m] = subtract(ab, cd);
  z[3 * m] = (struct complex_f32){a_b.re - c_d.im, a_b.im + c_d.re};
}

/* One pass over z [size]: each four neighbouring transforms of length m become one. */
static inline void radix4_pass(struct complex_f32 *z, int32_t size, int32_t m, const struct cosine_table *t) {
  const struct complex_f32 *const end = z + size;
  for (struct complex_f32 *p = z; p < end; p += 4 * m) butterfly(p, m, p[m], p[2 * m], p[3 * m]);
  const int32_t step = t->turn / (4 * m);
  for (int32_t k = 1; k < m; k++) {
    const struct rotation w1 = rotation(t, k * step);
    const struct rotation w2 = rotation(t, 2 * k * step);
    const struct rotation w3 = rotation(t, 3 * k * step);
    for (struct complex_f32 *p = z + k; p < end; p += 4 * m) {
      butterfly(p, m, rotate(p[m], w2), rotate(p[2 * m], w1), rotate(p[3 * m], w3));
    }
  }
}

/* z[k] = sum over n of z[n] exp(-2 pi i k n / size), not scaled; 2 <= size <= turn */
static inline void fft(struct complex_f32 *z, int32_t size, const struct cosine_table *t) {
  int bits = 0;
  while ((int32_t)1 << bits < size) bits++;
  bit_reverse(z, bits);
  const int odd = bits & 1; /* an odd power of two: one radix-2 step first */
  if (odd) {
    for (struct complex_f32 *p = z; p < z + size; p += 2) {
      const struct complex_f32 a = p[0], b = p[1];
      p[0] = add(a, b);
      p[1] = subtract(a, b);
    }
  }
  for (int32_t m = 1 + odd; m < size; m *= 4) radix4_pass(z, size, m, t);
}

/* The spectrum of real x [size], in its place: x becomes size/2 complex bins, of which the first holds two
 * real ones, bin 0 and bin size/2. 4 <= size <= turn */
static inline void rfft(float *x, int32_t size, const struct cosine_table *t) {
  struct complex_f32 *const z = (struct complex_f32 *)x;
  const int32_t half = size / 2, step = t->turn / size;
  fft(z, half, t);
  for (int32_t k = 1, l = half - 1; k < l; k++, l--) {
    const struct complex_f32 a = z[k], b = z[l];
    const struct complex_f32 even = {0.5f * (a.re + b.re), 0.5f * (a.im - b.im)};
    const struct complex_f32 odd = {0.5f * (a.im + b.im), 0.5f * (b.re - a.re)};
    const struct complex_f32 turned = rotate(odd, rotation(t, k * step));
    z[k] = add(even, turned);
    z[l] = (struct complex_f32){even.re - turned.re, turned.im - even.im};
  }
  z[half / 2].im = -z[half / 2].im;
  z[0] = (struct complex_f32){z[0].re + z[0].im, z[0].re - z[0].im};
}

/* |z|^2 */
static inline float power(struct complex_f32 z) { return z.re * z.re + z.im * z.im; }

#endif
