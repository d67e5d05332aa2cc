#include "epoch.h"

#define PLACES (FLASH_SECTOR / FLASH_UNIT)
#define LAST 0xFFFFFFFFu

typedef char a_number_and_its_complement_are_a_unit[2 * sizeof(uint32_t) == FLASH_UNIT ? 1 : -1];

static uint32_t address(uint32_t sector, uint32_t place) { return sector * FLASH_SECTOR + place * FLASH_UNIT; }

static uint32_t word(const uint8_t *at) { /* little-endian, whatever the core is */
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The number that stands there; 0: none does. */
static uint32_t number_at(uint32_t sector, uint32_t place) {
  const uint8_t *const at = flash_at(address(sector, place));
  const uint32_t number = word(at);
  return word(at + 4) == (uint32_t)~number ? number : 0;
}

static int blank(uint32_t sector, uint32_t place) {
  const uint8_t *const at = flash_at(address(sector, place));
  return (word(at) & word(at + 4)) == LAST;
}

/* Write it at the first place from this one on that keeps it. */
static int keep(uint32_t number, uint32_t sector, uint32_t place) {
  uint8_t unit[FLASH_UNIT];
  for (uint32_t i = 0; i < FLASH_UNIT; i++) unit[i] = (uint8_t)((i < 4 ? number : ~number) >> 8 * (i & 3));
  for (; place < PLACES; place++) {
    if (flash_write(address(sector, place), unit, FLASH_UNIT)) continue;
    if (number_at(sector, place) == number) return 1;
  }
  return 0;
}

uint32_t epoch_next(uint32_t sector) {
  uint32_t newest = 0, in = sector, place = PLACES;
  for (uint32_t s = sector; s < sector + EPOCH_SECTORS; s++) {
    for (uint32_t i = 0; i < PLACES; i++) {
      const uint32_t number = number_at(s, i);
      if (number > newest) newest = number, in = s;
    }
  }
  if (newest == LAST) return 0;
  while (newest && place && blank(in, place - 1)) place--;
  if (keep(newest + 1, in, place)) return newest + 1;
  in = in == sector ? sector + 1 : sector; /* never the one with the newest number */
  if (flash_erase(in)) return 0;
  return keep(newest + 1, in, 0) ? newest + 1 : 0;
}
