/* A number for each boot that no boot before had, whatever the power does. With a sequence it makes the key of an
 * event, which is used once.
 *
 * It stands in two sectors of flash (../agent/flash.h), one unit of 8 bytes a boot: the number, and its complement. A
 * write that is cut leaves bits set, an erase that is cut sets some: neither turns one pair of complements into
 * another. The sector that is not in use is erased when the other is full, every 512 boots, and the full one keeps
 * the newest number until then. A number is good only when it has been read back, so none is used before it stands.
 *
 * Whoever erases both sectors makes the device begin anew at 1. */
#ifndef EDGEKIT_EPOCH_H
#define EDGEKIT_EPOCH_H

#include "flash.h"

#define EPOCH_SECTORS 2u

/* The epoch of this boot, from 1; sector: the first of the two. 0: the flash keeps none, and nothing may be sent. */
uint32_t epoch_next(uint32_t sector);

#endif
