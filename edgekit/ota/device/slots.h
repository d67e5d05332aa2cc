/* Two image slots and a log of their states, so that a power cut at any moment leaves a device that boots.
 *
 * One slot holds the confirmed image, the other takes an update:
 *
 *   INSTALLING -> INSTALLED -> TESTING (boots left) -> CONFIRMED        and the other slot is free
 *                                      \-> REVERTED                     and the confirmed image runs on
 *
 * Sectors: slot 0, slot 1, and two for the log. Each change is one record of 32 bytes; the newest valid record of
 * a slot says what it holds. A full log is carried on in its other sector, which is erased for that, while the
 * full one keeps everything. The rollback counter rises only with a CONFIRMED record.
 *
 * In every life of a device: slots_open, slots_boot, run the image that it names. If that image is being tested,
 * slots_confirm when the self-test passed, else slots_revert and reset. An update is slots_begin, slots_put …,
 * slots_finish, reset. */
#ifndef EDGEKIT_SLOTS_H
#define EDGEKIT_SLOTS_H

#include "flash.h"
#include "sha256.h"

#define SLOTS_NONE (-1)   /* no slot */
#define SLOTS_TEST_BOOTS 3 /* boots in which a new image may confirm itself */

enum slot_state { SLOT_EMPTY, SLOT_INSTALLING, SLOT_INSTALLED, SLOT_TESTING, SLOT_CONFIRMED, SLOT_REVERTED };

enum slots_error {
  SLOTS_REFUSED = -1, /* not in this state, or not this sequence number; nothing was changed */
  SLOTS_SIZE = -2,    /* the image does not fit its slot, or has more or fewer bytes than it said */
  SLOTS_DIGEST = -3,  /* what stands in flash is not the image that was announced */
  SLOTS_FLASH = -4    /* the flash reported a failure, or does not hold what was written */
};

/* A record of the log, as it stands in flash (in the processor's byte order: it never leaves the device). */
struct slot_record {
  uint32_t order; /* rises with each record: the newest of a slot counts */
  uint8_t state;  /* enum slot_state */
  uint8_t slot;   /* 0 or 1 */
  uint8_t boots;  /* test boots left */
  uint8_t layout; /* of this record: 1 */
  uint32_t sequence; /* sequence number of the image's manifest */
  uint32_t counter;  /* rollback counter when this was written */
  uint32_t size;     /* of the image, bytes */
  uint8_t digest[8]; /* its SHA-256 begins so */
  uint32_t crc;      /* CRC-32 of the bytes before */
};

struct slots {
  struct slot_record slot[2]; /* what each holds */
  uint32_t slot_sectors;
  uint32_t counter; /* rollback counter: only manifests above it may be installed */
  uint32_t order;   /* of the newest record */
  uint32_t sector;  /* of the log, 0 or 1, that takes records */
  uint32_t place;   /* of the next record in it */
  int32_t running;  /* the slot that slots_boot chose */
  uint32_t arrived; /* bytes of the update so far; they wait in unit[] until there are FLASH_UNIT of them */
  uint8_t unit[FLASH_UNIT];
  uint8_t digest[SHA256_BYTES]; /* of the update, from its manifest */
  uint8_t filling;              /* between slots_begin and slots_finish */
};

/* Read the log. A log without one valid record (a new device) gives two empty slots. Writes nothing. */
void slots_open(struct slots *s, uint32_t slot_sectors);

/* The slot to run in this life, 0 or 1, or SLOTS_NONE. A new image is taken while it has test boots left, and
 * one is used up; then the confirmed one. Only a slot whose bytes have the logged digest is ever named. */
int slots_boot(struct slots *s);

/* The slot with the confirmed image (the base of a delta), or SLOTS_NONE on a device that never confirmed one. */
int slots_active(const struct slots *s);

/* First byte of a slot, in the processor's address space; it holds s->slot[slot].size bytes of image. */
const uint8_t *slots_image(const struct slots *s, int slot);

/* Make the idle slot ready for an image whose manifest has been verified. Refused at or below the counter and while
 * the running image is itself being tested: the other slot is then the way back. 0 or a slots_error. */
int slots_begin(struct slots *s, uint32_t sequence, uint32_t size, const uint8_t digest[SHA256_BYTES]);

/* The next n bytes of the image. Has the form of a delta_put. 0 or a slots_error: stop sending. */
int slots_put(void *slots, const uint8_t *data, uint32_t n);

/* All bytes have been put: compare the digest of what is in flash, and only then log the image as installed. */
int slots_finish(struct slots *s);

/* The running image passed its self-test. Takes its sequence number, so that an old command confirms nothing. */
int slots_confirm(struct slots *s, uint32_t sequence);

/* The running image failed its self-test: never boot it again. Reset after this. */
int slots_revert(struct slots *s);

#endif
