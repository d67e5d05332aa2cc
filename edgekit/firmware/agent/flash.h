/* The three calls into NOR flash that the slots need. The platform implements them; addresses count from the
 * beginning of the area that it sets aside for updates.
 *
 * Erasing sets a sector to 0xFF. Programming clears bits, in units of 8 bytes, each once per erase. Power may
 * fail during either: what is read afterwards from the place may be anything, but reading must return. (A part
 * with ECC raises a fault on a torn unit; its handler has to go on with whatever value.) */
#ifndef EDGEKIT_FLASH_H
#define EDGEKIT_FLASH_H

#include <stdint.h>

#define FLASH_SECTOR 4096u
#define FLASH_UNIT 8u

/* Erase the sector with this number. 0, or nonzero if the part reports a failure. */
int flash_erase(uint32_t sector);

/* Program n bytes; address and n are multiples of FLASH_UNIT, data need not be aligned. 0, or nonzero on failure. */
int flash_write(uint32_t address, const void *data, uint32_t n);

/* Where flash is read: address as seen by the processor. */
const uint8_t *flash_at(uint32_t address);

#endif
