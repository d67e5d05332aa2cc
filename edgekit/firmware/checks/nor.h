/* A model of NOR flash that holds its users to the rules of flash.h, and fails on request.
 *
 * Broken rules are counted. A power cut comes at a chosen operation (an erase or a write), in a chosen way; on
 * this machine it is a jump to nor_off, on an emulated core the program stands still in edgekit_wait. */
#ifndef EDGEKIT_NOR_H
#define EDGEKIT_NOR_H

#include "flash.h"

#ifndef NOR_SECTORS
#define NOR_SECTORS 6
#endif
#define NOR_CUTS 3

/* What the operation during which the power goes has done. */
enum nor_torn {
  NOR_NOTHING, /* nothing */
  NOR_HALF,    /* the first half: of the bytes written, of the sector erased */
  NOR_MIX,     /* some whole units, then one with some of its bits; erase: some bits of all bytes */
  NOR_WEAK,    /* a write reads as if nothing had happened, but its first unit takes no other until it is erased;
                  an erase reads as if it were complete, but is not */
  NOR_ALL,     /* everything, but nothing after it */
  NOR_WAYS
};

enum nor_unit {
  NOR_BLANK,
  NOR_WRITTEN,
  NOR_CHARGED, /* by a weak write */
  NOR_HALF_ERASED,
  NOR_WORN     /* for good: takes a write without a complaint, and holds nothing */
};

struct nor {
  uint8_t cell[NOR_SECTORS * FLASH_SECTOR];
  uint8_t unit[NOR_SECTORS * FLASH_SECTOR / FLASH_UNIT]; /* enum nor_unit */
  uint32_t operations;                                   /* so far */
  uint32_t broken;                                       /* rules broken so far */
  uint32_t random;                                       /* state of the generator, not 0 */
  uint32_t off;                                          /* the power went */
  struct {
    uint32_t after, torn; /* at which operation from here, 1 is the next, 0 is never; enum nor_torn */
  } cut[NOR_CUTS];        /* the first comes next; then the others count from it */
};

extern struct nor nor;

/* A new part: blank, or with whatever bytes a careless factory left in it. */
void nor_blank(void);
void nor_dirty(void);

#if __STDC_HOSTED__
#include <setjmp.h>
extern jmp_buf nor_off; /* where a power cut goes */
#endif

#endif
