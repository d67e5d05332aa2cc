/* An alert of twelve bytes: fits one LoRaWAN uplink at any data rate. Little-endian, fixed point.
 *
 *   0      version (3 bits), alarm (1 bit), class (4 bits; 15 is unknown)
 *   1 - 2  score in 1/1000                     65535: unknown
 *   3 - 4  temperature in 1/100 degC, signed  -32768: unknown
 *   5 - 6  battery in mV                       65535: unknown
 *   7 - 8  remaining life in hours             65535: unknown
 *   9 - 11 counter, modulo 2^24
 *
 * A value beyond its field becomes the field's limit, NaN becomes unknown: a sensor node must not fail where it
 * has something to say. */
#ifndef EDGEKIT_MESSAGE_H
#define EDGEKIT_MESSAGE_H

#include "real.h"

#define MESSAGE_BYTES 12
#define MESSAGE_VERSION 1
#define MESSAGE_NO_CLASS 15

struct message {
  int32_t label; /* class, 0 - 14; anything else is unknown */
  int32_t alarm; /* 0 or not */
  float score;
  float temperature_c;
  float battery_v;
  float remaining_life_h;
  uint32_t counter;
};

/* x * steps to the nearest integer, half away from zero, within low ... high; NaN gives unknown */
static inline int32_t message_fixed(float x, float steps, int32_t low, int32_t high, int32_t unknown) {
  if (x != x) return unknown;
  const float scaled = x * steps;
  if (scaled <= (float)low) return low;
  if (scaled >= (float)high) return high;
  const float size = scaled < 0.0f ? -scaled : scaled;
  const int32_t whole = (int32_t)size;
  const int32_t n = whole + (size - (float)whole >= 0.5f);
  return scaled < 0.0f ? -n : n;
}

static inline void message_put(uint8_t *to, int32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) to[i] = (uint8_t)((uint32_t)value >> (8 * i));
}

static inline uint32_t message_get(const uint8_t *from, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint32_t)from[i] << (8 * i);
  return value;
}

static inline void message_pack(const struct message *m, uint8_t to[MESSAGE_BYTES]) {
  const int32_t label = m->label >= 0 && m->label < MESSAGE_NO_CLASS ? m->label : MESSAGE_NO_CLASS;
  to[0] = (uint8_t)(MESSAGE_VERSION << 5 | (m->alarm != 0) << 4 | label);
  message_put(to + 1, message_fixed(m->score, 1000.0f, 0, 65534, 65535), 2);
  message_put(to + 3, message_fixed(m->temperature_c, 100.0f, -32767, 32767, -32768), 2);
  message_put(to + 5, message_fixed(m->battery_v, 1000.0f, 0, 65534, 65535), 2);
  message_put(to + 7, message_fixed(m->remaining_life_h, 1.0f, 0, 65534, 65535), 2);
  message_put(to + 9, (int32_t)(m->counter & 0xFFFFFF), 3);
}

/* 1 if `from` is a message of this version, of the right length; else 0, and nothing is written */
static inline int message_unpack(const uint8_t *from, int32_t bytes, struct message *m) {
  if (bytes != MESSAGE_BYTES || from[0] >> 5 != MESSAGE_VERSION) return 0;
  const float unknown = float_of(0x7FC00000); /* NaN */
  const uint32_t score = message_get(from + 1, 2), battery = message_get(from + 5, 2);
  const uint32_t life = message_get(from + 7, 2);
  const int32_t celsius = (int32_t)(int16_t)message_get(from + 3, 2);
  m->label = (from[0] & 15) == MESSAGE_NO_CLASS ? -1 : from[0] & 15;
  m->alarm = from[0] >> 4 & 1;
  m->score = score == 65535 ? unknown : (float)score / 1000.0f;
  m->temperature_c = celsius == -32768 ? unknown : (float)celsius / 100.0f;
  m->battery_v = battery == 65535 ? unknown : (float)battery / 1000.0f;
  m->remaining_life_h = life == 65535 ? unknown : (float)life;
  m->counter = message_get(from + 9, 3);
  return 1;
}

#endif
