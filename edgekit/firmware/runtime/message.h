/* Messages that a schema lays out, see the header that was made of it: a byte of version and kind, a counter
 * of two, then values in fixed point, little-endian.
 *
 * A value beyond its field becomes the field's limit (of an index, unknown), and NaN becomes unknown: a sensor
 * node must not fail where it has something to say. Fields have at most three bytes, so that float32 and
 * int32_t hold each code exactly. */
#ifndef EDGEKIT_MESSAGE_H
#define EDGEKIT_MESSAGE_H

#include "real.h"

#define MESSAGE_HEAD 3 /* bytes before the values */

struct message_field {
  int32_t size;      /* bytes, 1 - 3 */
  int32_t is_signed; /* 0 or 1 */
  int32_t is_index;  /* 1: what is beyond the field is unknown */
  float steps;       /* of a unit */
};

static inline int32_t message_unknown(const struct message_field *f) {
  const int32_t most = (int32_t)1 << (8 * f->size - f->is_signed);
  return f->is_signed ? -most : most - 1;
}

/* x * steps to the nearest integer, half away from zero, within what the field holds */
static inline int32_t message_code(float x, const struct message_field *f) {
  const int32_t most = (int32_t)1 << (8 * f->size - f->is_signed);
  const int32_t low = f->is_signed ? 1 - most : 0, high = f->is_signed ? most - 1 : most - 2;
  if (x != x) return message_unknown(f);
  const float scaled = x * f->steps;
  if (f->is_index && !(scaled >= (float)low && scaled <= (float)high)) return message_unknown(f);
  if (scaled <= (float)low) return low;
  if (scaled >= (float)high) return high;
  const float size = scaled < 0.0f ? -scaled : scaled;
  const int32_t whole = (int32_t)size;
  const int32_t n = whole + (size - (float)whole >= 0.5f);
  return scaled < 0.0f ? -n : n;
}

static inline void message_put(uint8_t *to, int32_t value, int32_t bytes) {
  for (int32_t i = 0; i < bytes; i++) to[i] = (uint8_t)((uint32_t)value >> (8 * i));
}

static inline uint32_t message_get(const uint8_t *from, int32_t bytes) {
  uint32_t value = 0;
  for (int32_t i = 0; i < bytes; i++) value |= (uint32_t)from[i] << (8 * i);
  return value;
}

static inline void message_pack(int32_t version, int32_t kind, uint32_t counter,
                                const struct message_field *fields, int32_t count, const float *values,
                                uint8_t *to) {
  to[0] = (uint8_t)(version << 5 | kind);
  message_put(to + 1, (int32_t)(counter & 0xFFFF), 2);
  to += MESSAGE_HEAD;
  for (int32_t i = 0; i < count; i++) {
    message_put(to, message_code(values[i], &fields[i]), fields[i].size);
    to += fields[i].size;
  }
}

/* The counter; `values` are NaN where unknown. Who calls has looked at version, kind and length. */
static inline uint32_t message_unpack(const uint8_t *from, const struct message_field *fields, int32_t count,
                                      float *values) {
  const uint32_t counter = message_get(from + 1, 2);
  from += MESSAGE_HEAD;
  for (int32_t i = 0; i < count; i++) {
    const struct message_field *f = &fields[i];
    const int32_t range = (int32_t)1 << (8 * f->size);
    int32_t code = (int32_t)message_get(from, f->size);
    if (f->is_signed && code >= range / 2) code -= range;
    values[i] = code == message_unknown(f) ? float_of(0x7FC00000) : (float)code / f->steps;
    from += f->size;
  }
  return counter;
}

#endif
