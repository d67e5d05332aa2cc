/* The decoder of an update: from the bytes that travelled and the image in the active slot to the new image.
 *
 * An image travels as a list of segments. A segment is three numbers (kind, count, shift) and `count` values:
 * changes of the values that the base image holds at the same place plus `shift`, or values that stand alone.
 * A number is an Exp-Golomb code whose bits go, each in its context, through an adaptive binary range coder
 * (G. N. N. Martin, 1979; carries are the encoder's affair). edgekit/packages/delta.py encodes, and decodes too.
 *
 * Input comes in pieces of any size. Nothing is allocated, and `struct delta` is all that is remembered.
 */
#ifndef EDGEKIT_DELTA_H
#define EDGEKIT_DELTA_H

#include <stdint.h>

enum {
  DELTA_MORE = 0,     /* all input is used up; go on */
  DELTA_COMPLETE = 1, /* the whole image was put */
  DELTA_DAMAGED = -1, /* a segment is none, or leaves the base or the image */
  DELTA_STOPPED = -2, /* put() returned nonzero */
  DELTA_TRAILING = -3 /* the whole image was put and input is left */
};

/* The next n bytes of the image, n >= 1; nonzero: stop. */
typedef int delta_put(void *where, const uint8_t *data, uint32_t n);

enum { DELTA_CONTEXTS = 202 };

struct delta {
  uint8_t kind;         /* of the segment */
  uint8_t field;        /* what the number being read is */
  uint8_t step;         /* what its next bit is */
  uint8_t length;       /* of its magnitude, in bits */
  uint8_t lower;        /* bits of its magnitude that are still to come */
  uint8_t activity;     /* share of values that were not 0, a moving mean; its lowest bit: of the last one */
  int8_t result;        /* what feed last returned */
  uint32_t value;       /* of the number; its magnitude until the sign is known */
  uint32_t count;       /* values of the segment that are still to come */
  uint32_t shift;       /* from a place in the image to its place in the base, modulo 2^32 */
  uint32_t range, code; /* of the range coder */
  uint32_t at, left;    /* bytes of the image that were put, and that are still to come */
  const uint8_t *base;
  uint32_t base_size;
  delta_put *put;
  void *where;
  uint16_t probability[DELTA_CONTEXTS]; /* of a 1 there, in 1/65536 */
  uint8_t seen[DELTA_CONTEXTS];         /* bits that a context has coded, from 1 to 127 */
};

/* Start on an image of target_size bytes. base = NULL, base_size = 0 for an image packed without a base. */
void delta_begin(struct delta *d, const uint8_t *base, uint32_t base_size, uint32_t target_size,
                 delta_put *put, void *where);

/* Take the next n bytes of input. Errors are final: later calls return them again. */
int delta_feed(struct delta *d, const uint8_t *data, uint32_t n);

#endif
