/* Two image slots and a log of their states, so that a power cut at any moment leaves a device that boots.
 *
 * One slot holds the confirmed image, the other takes an update:
 *
 *   INSTALLING -> INSTALLED -> TESTING (boots left) -> CONFIRMED        and the other slot is free
 *                                      \-> REVERTED                     and the confirmed image runs on
 *
 * Sectors: slot 0, slot 1, and two for the log. Each change is one record of 72 bytes; the newest valid record of
 * a slot says what it holds. A full log is carried on in its other sector, which is erased for that, while the
 * full one keeps everything. The rollback counter rises only with a CONFIRMED record. An image that failed its
 * test is banned, by a record of its own; one that only lost its test boots, as the power may have failed, is not.
 *
 * Each record is authenticated by a key that only this device has: who can write its flash, but does not know the
 * key, makes no record. Such a one can still put back records and images that this device made before (only a
 * counter outside of the flash would tell), destroy them, and read everything.
 *
 * In every life of a device: slots_open, slots_boot, run the image that it names. If that image is being tested,
 * slots_confirm when the self-test passed, else slots_revert and reset. An update is slots_begin, slots_put …,
 * slots_finish, reset. */
#ifndef EDGEKIT_SLOTS_H
#define EDGEKIT_SLOTS_H

#include "flash.h"
#include "hmac.h"

#define SLOTS_NONE (-1)   /* no slot */
#define SLOTS_TEST_BOOTS 3 /* boots in which a new image may confirm itself */
#define SLOTS_BANS 4       /* images that are remembered as failed; then the oldest is forgotten */
#define SLOTS_TRIES 4      /* transfers that may begin since the last confirmed image; then the slot rests before each */
#define SLOTS_HOUR 3600u   /* seconds by which the time has to move on to be logged for its own sake */

enum slot_state { SLOT_EMPTY, SLOT_INSTALLING, SLOT_INSTALLED, SLOT_TESTING, SLOT_CONFIRMED, SLOT_REVERTED, SLOT_BANNED };

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
  uint8_t slot;   /* 0 or 1; of a ban: 2 and on */
  uint8_t boots;  /* test boots left, + 16 for each transfer begun since the last confirmed image, up to 15 */
  uint8_t layout; /* of this record: 2 */
  uint32_t sequence; /* sequence number of the image's manifest */
  uint32_t counter;  /* rollback counter when this was written */
  uint32_t size;     /* of the image, bytes */
  uint32_t time;     /* the latest that was known then, POSIX seconds; 0: none */
  uint8_t digest[SHA256_BYTES]; /* of the image */
  uint8_t mac[16];   /* HMAC-SHA-256 of the bytes before begins so */
};

struct slots {
  struct slot_record slot[2]; /* what each holds */
  struct slot_record ban[SLOTS_BANS];
  const uint8_t *secret; /* HMAC_KEY bytes, not copied */
  uint32_t slot_sectors;
  uint32_t counter; /* rollback counter: only manifests above it may be installed */
  uint32_t time;    /* the latest that this device was told, POSIX seconds; 0: never. It does not fall. */
  uint32_t logged;  /* as much of it as is in the log */
  uint32_t order;   /* of the newest record */
  uint32_t sector;  /* of the log, 0 or 1, that takes records */
  uint32_t log_index;   /* of the next record in it */
  int32_t running;  /* the slot that slots_boot chose */
  uint32_t arrived; /* bytes of the update so far; they wait in unit[] until there are FLASH_UNIT of them */
  uint8_t unit[FLASH_UNIT];
  uint8_t filling; /* between slots_begin and slots_finish */
};

/* Read the log. A log without one valid record (a new device) gives two empty slots. Writes nothing. */
void slots_open(struct slots *s, uint32_t slot_sectors, const uint8_t secret[HMAC_KEY]);

/* The slot to run in this life, 0 or 1, or SLOTS_NONE. A new image is taken while it has test boots left, and
 * one is used up; then the confirmed one. Only a slot whose bytes have the logged digest is ever named. */
int slots_boot(struct slots *s);

/* The slot with the confirmed image (the base of a delta), or SLOTS_NONE on a device that never confirmed one. */
int slots_active(const struct slots *s);

/* First byte of a slot, in the processor's address space; it holds s->slot[slot].size bytes of image. */
const uint8_t *slots_image(const struct slots *s, int slot);

/* The slot that an update goes to: not the active one. */
int slots_idle(const struct slots *s);

/* Is the running image itself being tested, so that the other slot is the way back; or does an image wait there for
 * its test? Then nothing may be written over it. */
int slots_busy(const struct slots *s);

/* The time is at least this, POSIX seconds. Kept in the log from hour to hour, and with each of its records. */
void slots_time(struct slots *s, uint32_t now);

/* Each transfer wears the idle slot. Seconds that must have passed since the last one began (its record has the
 * time) before another may: none at first, then a minute, and twice as long each time, up to a day. */
uint32_t slots_backoff(const struct slots *s);

/* Has this image failed a test here, under this number or a higher one? */
int slots_banned(const struct slots *s, uint32_t sequence, const uint8_t digest[SHA256_BYTES]);

/* Make the idle slot ready for an image whose manifest has been verified. Refused at or below the counter, and
 * while the slots are busy. 0 or a slots_error. */
int slots_begin(struct slots *s, uint32_t sequence, uint32_t size, const uint8_t digest[SHA256_BYTES]);

/* The next n bytes of the image. Has the form of a delta_put. 0 or a slots_error: stop sending. */
int slots_put(void *slots, const uint8_t *data, uint32_t n);

/* All bytes have been put: compare the digest of what is in flash, and only then log the image as installed. */
int slots_finish(struct slots *s);

/* The running image passed its self-test. Takes its sequence number, so that an old command confirms nothing. */
int slots_confirm(struct slots *s, uint32_t sequence);

/* The running image failed its self-test: never boot it again, and ban it. Reset after this. */
int slots_revert(struct slots *s);

#endif
