#include "delta.h"

/* Kinds of segment. The first three are changes of the base, COPY none at all; the others stand alone. */
enum { COPY, INT8_CHANGE, INT32_CHANGE, INT8, INT32, BYTES, KINDS };

/* What a number is. A segment has one of each of the first three, then its values: field VALUE + its kind. */
enum { KIND, COUNT, SHIFT, VALUE };

/* What a bit of a number v is: v is not 0; |v| is longer than so far; the next bit of |v| below its leading
 * one; v is negative. */
enum { NONZERO, LONGER, LOWER, SIGN, END };

/* Contexts. EVEN is for the low bits of |v|. A family of numbers has 8 for NONZERO, then 3 for each length of
 * |v|: LONGER, SIGN and the highest LOWER bit; the lengths from LONGEST on share theirs. Where numbers are short
 * the next family begins early. */
enum { EVEN = 0, ZEROS = 8, PER_LENGTH = 3, LONGEST = 12 };
static const uint8_t FAMILY[VALUE + KINDS] = {1, 18, 18, 0, 62, 158, 94, 158, 126};

void delta_begin(struct delta *d, const uint8_t *base, uint32_t base_size, uint32_t target_size,
                 delta_put *put, void *where) {
  uint32_t i;
  d->base = base;
  d->base_size = base_size;
  d->put = put;
  d->where = where;
  d->left = target_size;
  d->at = d->code = d->shift = 0;
  d->range = 1; /* nothing is known: three bytes come before the first bit */
  d->kind = COPY;
  d->field = KIND;
  d->step = NONZERO;
  d->activity = 0;
  d->result = DELTA_MORE;
  for (i = 0; i < DELTA_CONTEXTS; i++) {
    d->seen[i] = 1;
    d->probability[i] = 1u << 15;
  }
}

/* The context of the next bit. */
static uint32_t context(const struct delta *d) {
  uint32_t family = FAMILY[d->field], zero = d->field;
  if (d->field >= VALUE) { /* changes come in clusters; other bytes are laid out in words of four */
    zero = (d->field == VALUE + BYTES ? d->at & 3 : d->activity >> 6) * 2 + (d->activity & 1);
  }
  if (d->step == NONZERO) return family + zero;
  if (d->step == LOWER && d->lower + 1 < d->length) return EVEN;
  family += ZEROS + PER_LENGTH * ((d->length < LONGEST ? d->length : LONGEST) - 1u);
  return family + (d->step == LONGER ? 0 : d->step == SIGN ? 1 : 2);
}

/* The next bit. The first one moves a context's probability by half of the way, after 64 it is 1/128. */
static uint32_t next_bit(struct delta *d) {
  const uint32_t c = context(d), p = d->probability[c];
  const uint32_t bound = (d->range >> 16) * p, bit = d->code < bound;
  uint32_t rate = 1;
  while (d->seen[c] >> rate) rate++;
  if (d->seen[c] < 127) d->seen[c]++;
  if (bit) {
    d->range = bound;
    d->probability[c] = (uint16_t)(p + ((65536 - p) >> rate));
  } else {
    d->code -= bound;
    d->range -= bound;
    d->probability[c] = (uint16_t)(p - (p >> rate));
  }
  return bit;
}

/* Read one bit of a number; returns what the next one is. */
static uint8_t next_step(struct delta *d) {
  const uint32_t bit = next_bit(d);
  switch (d->step) {
    case NONZERO:
      d->value = bit;
      d->length = 1;
      return bit ? LONGER : END;
    case LONGER:
      if (bit && d->length < 32) {
        d->length++;
        return LONGER;
      }
      d->lower = d->length;
      break;
    case LOWER:
      d->value = d->value << 1 | bit;
      break;
    default:
      if (bit) d->value = 0 - d->value;
      return END;
  }
  return --d->lower ? LOWER : SIGN;
}

static int put(struct delta *d, const uint8_t *data, uint32_t n) {
  d->at += n;
  d->left -= n;
  return d->put(d->where, data, n) ? DELTA_STOPPED : DELTA_MORE;
}

/* A number is read: it is the next field. */
static int take(struct delta *d) {
  const uint32_t changes = d->kind <= INT32_CHANGE;
  const uint32_t wide = d->kind == INT32_CHANGE || d->kind == INT32 ? 2 : 0; /* log2 of a value's bytes */
  uint32_t v = d->value, from, i;
  uint8_t out[4];
  switch (d->field) {
    case KIND:
      d->kind = (uint8_t)v;
      d->field = COUNT;
      return v < KINDS ? DELTA_MORE : DELTA_DAMAGED;
    case COUNT: /* 0: as many as fit */
      d->field = SHIFT;
      d->count = v ? v : d->left >> wide;
      return d->count && d->count <= d->left >> wide ? DELTA_MORE : DELTA_DAMAGED;
    case SHIFT:
      d->shift += v;
      from = d->at + d->shift;
      if (changes && (from > d->base_size || d->count << wide > d->base_size - from)) return DELTA_DAMAGED;
      d->field = d->kind == COPY ? KIND : VALUE + d->kind;
      if (d->field) return DELTA_MORE;
      return put(d, d->base + from, d->count);
    default: /* a value; its bytes are little-endian, and a carry goes on into the next */
      from = d->at + d->shift;
      d->activity = (uint8_t)(((d->activity - (d->activity >> 4) + (v ? 15 : 0)) & 254) | (v != 0));
      for (i = 0; i < 1u << wide; i++) {
        if (changes) v += d->base[from + i];
        out[i] = (uint8_t)v;
        v >>= 8;
      }
      if (--d->count == 0) d->field = KIND;
      return put(d, out, i);
  }
}

int delta_feed(struct delta *d, const uint8_t *data, uint32_t n) {
  while (d->result == DELTA_MORE) {
    if (d->left == 0) {
      d->result = d->code ? DELTA_DAMAGED : DELTA_COMPLETE; /* the encoder ends on its lower bound */
    } else if (d->range >> 24) {
      d->step = next_step(d);
      if (d->step == END) {
        d->step = NONZERO;
        d->result = (int8_t)take(d);
      }
    } else if (n) {
      d->code = d->code << 8 | *data++;
      d->range <<= 8;
      n--;
    } else {
      return DELTA_MORE;
    }
  }
  if (d->result == DELTA_COMPLETE && n) d->result = DELTA_TRAILING;
  return d->result;
}
