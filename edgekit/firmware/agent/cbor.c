/* CBOR, read strictly forward. */
#include "cbor.h"

void cbor_fail(struct cbor *r, int state) {
  if (r->state == CBOR_FINE) r->state = state;
}

uint8_t cbor_next(struct cbor *r) {
  if (r->at < r->end) return *r->at++;
  cbor_fail(r, CBOR_ENDED);
  return 0;
}

/* n bytes as they are. Where they are not there the pointer is not to be followed. */
const uint8_t *cbor_take(struct cbor *r, uint32_t n) {
  const uint8_t *const from = r->at;
  if (n > (uint32_t)(r->end - r->at)) cbor_fail(r, CBOR_ENDED);
  else r->at += n;
  return from;
}

/* Exactly these bytes. */
void cbor_expect(struct cbor *r, const uint8_t *bytes, uint32_t n) {
  for (; n && r->state == CBOR_FINE; n--) {
    if (cbor_next(r) != *bytes++) cbor_fail(r, CBOR_WRONG);
  }
}

void cbor_expect1(struct cbor *r, uint8_t byte) { cbor_expect(r, &byte, 1); }

/* The number that heads every item, below 2^32 and in its shortest form (RFC 8949, 4.2.1). */
uint32_t cbor_number(struct cbor *r, int major) {
  const uint8_t first = cbor_next(r);
  const uint32_t low = first & 31;
  if (first >> 5 != major || low > 26) cbor_fail(r, CBOR_WRONG); /* 27: 8 bytes; 31: of indefinite length */
  if (low < 24 || r->state != CBOR_FINE) return low;
  const int width = 1 << (low - 24); /* bytes */
  uint32_t value = 0;
  for (int i = 0; i < width; i++) value = value << 8 | cbor_next(r);
  if (value < (width == 1 ? 24u : 1u << 4 * width)) cbor_fail(r, CBOR_WRONG);
  return value;
}

/* A byte string of n bytes. */
const uint8_t *cbor_bytes(struct cbor *r, uint32_t n) {
  if (cbor_number(r, CBOR_BYTES) != n) cbor_fail(r, CBOR_WRONG);
  return cbor_take(r, n);
}

/* Go into a byte string that holds CBOR. Returns where what is around it ends, for cbor_leave(). */
const uint8_t *cbor_enter(struct cbor *r) {
  const uint8_t *const outer = r->end;
  const uint32_t n = cbor_number(r, CBOR_BYTES);
  if (n > (uint32_t)(r->end - r->at)) cbor_fail(r, CBOR_ENDED);
  else r->end = r->at + n;
  return outer;
}

void cbor_leave(struct cbor *r, const uint8_t *outer) {
  if (r->at != r->end) cbor_fail(r, CBOR_WRONG);
  r->end = outer;
}

int cbor_same(const uint8_t *a, const uint8_t *b, uint32_t n) {
  while (n && *a == *b) a++, b++, n--;
  return n == 0;
}

/* Is the next key this one? Then it is taken. For keys that may be absent; `key` as it is encoded. */
int cbor_optional(struct cbor *r, const uint8_t *key, uint32_t n) {
  const int here = (uint32_t)(r->end - r->at) >= n && cbor_same(r->at, key, n);
  if (here) r->at += n;
  return here;
}

/* The head of an item, in its shortest form. */
uint8_t *cbor_put(uint8_t *to, int major, uint32_t n) {
  const int width = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 4; /* bytes */
  const uint32_t low = width == 0 ? n : width == 4 ? 26u : 23u + (uint32_t)width;
  *to++ = (uint8_t)((uint32_t)major << 5 | low);
  for (int i = width - 1; i >= 0; i--) *to++ = (uint8_t)(n >> 8 * i);
  return to;
}
