/* The model of NOR flash: see nor.h. */
#include "nor.h"

struct nor nor;

#if __STDC_HOSTED__
jmp_buf nor_off;
static void power_off(void) {
  nor.off = 1;
  longjmp(nor_off, 1);
}
#else
void edgekit_wait(void); /* where the emulator stops */
static void power_off(void) {
  nor.off = 1;
  for (;;) edgekit_wait();
}
#endif

static uint32_t draw(void) { /* Marsaglia's xorshift32 */
  nor.random ^= nor.random << 13;
  nor.random ^= nor.random >> 17;
  return nor.random ^= nor.random << 5;
}

static void fill(int dirty) {
  for (uint32_t i = 0; i < sizeof nor.cell; i++) nor.cell[i] = dirty ? (uint8_t)(draw() >> 24) : 0xFF;
  for (uint32_t i = 0; i < sizeof nor.unit; i++) nor.unit[i] = dirty ? NOR_WRITTEN : NOR_BLANK;
}

void nor_blank(void) { fill(0); }
void nor_dirty(void) { fill(1); }

/* Count an operation. How it is torn, or NOR_WAYS if the power stays on. */
static uint32_t torn_now(void) {
  nor.operations++;
  if (nor.cut[0].after == 0 || --nor.cut[0].after) return NOR_WAYS;
  const uint32_t torn = nor.cut[0].torn;
  for (int i = 1; i < NOR_CUTS; i++) nor.cut[i - 1] = nor.cut[i];
  nor.cut[NOR_CUTS - 1].after = 0;
  return torn;
}

static int broken(void) {
  nor.broken++;
  return -1;
}

/* Erase the first n bytes of a sector, or some of their bits. */
static void erase_bytes(uint32_t sector, uint32_t n, int mixed) {
  uint8_t *cell = nor.cell + sector * FLASH_SECTOR;
  for (uint32_t i = 0; i < n; i++) cell[i] = mixed ? (uint8_t)(cell[i] | draw() >> 24) : 0xFF;
}

int flash_erase(uint32_t sector) {
  if (sector >= NOR_SECTORS) return broken();
  const uint32_t torn = torn_now();
  const uint32_t units = FLASH_SECTOR / FLASH_UNIT;
  const int done = torn == NOR_WAYS || torn == NOR_ALL;
  if (torn != NOR_NOTHING) {
    erase_bytes(sector, torn == NOR_HALF ? FLASH_SECTOR / 2 : FLASH_SECTOR, torn == NOR_MIX);
    for (uint32_t i = sector * units; i < (sector + 1) * units; i++) {
      if (nor.unit[i] != NOR_WORN) nor.unit[i] = done ? NOR_BLANK : NOR_HALF_ERASED;
    }
  }
  if (torn != NOR_WAYS) power_off();
  return 0;
}

/* Program n bytes and mark the units that they touch. */
static void program(uint32_t address, const uint8_t *data, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *unit = &nor.unit[(address + i) / FLASH_UNIT];
    if (*unit == NOR_WORN) continue;
    nor.cell[address + i] &= data[i];
    *unit = NOR_WRITTEN;
  }
}

int flash_write(uint32_t address, const void *data, uint32_t n) {
  const uint8_t *from = data;
  if (address % FLASH_UNIT || n % FLASH_UNIT || n == 0) return broken();
  if (n > sizeof nor.cell || address > sizeof nor.cell - n) return broken();
  for (uint32_t i = 0; i < n; i += FLASH_UNIT) {
    const uint8_t unit = nor.unit[(address + i) / FLASH_UNIT];
    if (unit == NOR_CHARGED) return -1; /* nobody could know: parts with ECC report it, no rule is broken */
    if (unit != NOR_BLANK && unit != NOR_WORN) return broken();
  }
  switch (torn_now()) {
    case NOR_WAYS:
      program(address, from, n);
      return 0;
    case NOR_HALF:
      program(address, from, n / 2);
      break;
    case NOR_MIX: {
      const uint32_t whole = draw() % (n / FLASH_UNIT) * FLASH_UNIT;
      uint8_t unit[FLASH_UNIT];
      for (uint32_t i = 0; i < FLASH_UNIT; i++) unit[i] = (uint8_t)(from[whole + i] | draw() >> 24);
      program(address, from, whole);
      program(address + whole, unit, FLASH_UNIT);
      break;
    }
    case NOR_WEAK:
      nor.unit[address / FLASH_UNIT] = NOR_CHARGED;
      break;
    case NOR_ALL:
      program(address, from, n);
      break;
    default:
      break; /* NOR_NOTHING */
  }
  power_off();
  return -1;
}

const uint8_t *flash_at(uint32_t address) { return nor.cell + address; }
