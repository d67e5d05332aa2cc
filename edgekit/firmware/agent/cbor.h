/* CBOR (RFC 8949), read strictly forward and in its one encoding: shortest numbers, nothing of indefinite length.
 * What went wrong first sticks, so that only the end needs to ask. Takes no memory, does not call itself. Writing is
 * the head of an item; the rest is copied. */
#ifndef EDGEKIT_CBOR_H
#define EDGEKIT_CBOR_H

#include <stdint.h>

enum { CBOR_NUMBER = 0, CBOR_BYTES = 2, CBOR_ARRAY = 4, CBOR_MAP = 5 }; /* major types */
enum { CBOR_FINE, CBOR_ENDED, CBOR_WRONG }; /* ENDED: there was no byte where one was needed */

struct cbor {
  const uint8_t *at, *end;
  int state;
};

uint8_t cbor_next(struct cbor *r);

/* n bytes as they are. Where they are not there the pointer is not to be followed. */
const uint8_t *cbor_take(struct cbor *r, uint32_t n);

/* Exactly these bytes; this byte. */
void cbor_expect(struct cbor *r, const uint8_t *bytes, uint32_t n);
void cbor_expect1(struct cbor *r, uint8_t byte);

/* The number that heads every item, below 2^32. */
uint32_t cbor_number(struct cbor *r, int major);

/* A byte string of n bytes. */
const uint8_t *cbor_bytes(struct cbor *r, uint32_t n);

/* Go into a byte string that holds CBOR. Returns where what is around it ends, for cbor_leave(). */
const uint8_t *cbor_enter(struct cbor *r);
void cbor_leave(struct cbor *r, const uint8_t *outer);

/* Is the next key this one? Then it is taken. For keys that may be absent; `key` as it is encoded. */
int cbor_optional(struct cbor *r, const uint8_t *key, uint32_t n);

/* What the caller does not accept is wrong, too. */
void cbor_fail(struct cbor *r, int state);

/* Write the head of an item, or a number, in its shortest form. Where it goes on: 1 to 5 bytes further. */
uint8_t *cbor_put(uint8_t *to, int major, uint32_t n);

int cbor_same(const uint8_t *a, const uint8_t *b, uint32_t n);

#endif
