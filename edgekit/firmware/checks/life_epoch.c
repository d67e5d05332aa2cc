/* Epochs and the outbox, called from outside, with a power cut as a result: for tests and searches on the host. */
#include "epoch.h"
#include "nor.h"
#include "outbox.h"

struct outbox powercut_outbox;
uint8_t powercut_wire[OUTBOX_WIRE];

/* A boot: its epoch; 0 if the power went, or the flash keeps none (nor.off tells). */
uint32_t powered_epoch(void) {
  if (setjmp(nor_off)) return 0;
  return epoch_next(0);
}

uint32_t powercut_off(void) { return nor.off; }
uint32_t powercut_operations(void) { return nor.operations; }
uint32_t powercut_broken(void) { return nor.broken; }

void powercut_boot(uint32_t after, uint32_t torn) {
  nor.off = 0;
  for (int i = 0; i < NOR_CUTS; i++) nor.cut[i].after = 0;
  nor.cut[0].after = after;
  nor.cut[0].torn = torn;
}

void powercut_wear(uint32_t sector, uint32_t from, uint32_t n) {
  for (uint32_t i = from; i < from + n; i++) nor.unit[sector * (FLASH_SECTOR / FLASH_UNIT) + i] = NOR_WORN;
}

void powercut_seed(uint32_t random) { nor.random = random; }
