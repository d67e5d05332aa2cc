/* What a device keeps of trust, in two sectors of its own: the key list, the newest statement of what is the latest
 * release, and the numbers of its reports. Each sector holds all of it, under a MAC of the device's own secret; the
 * one with the higher order counts, and the other takes the next change. So a power cut leaves the old or the new.
 * After new keys the second sector gets them, too: one worn cell does not bring back a key that was revoked. One record
 * is written, and one sector erased, for each newer statement, for the first report after a reset, and for each 256
 * reports; two for new keys.
 *
 * Who writes the flash without the secret can destroy both sectors (then the compiled-in keys are back), or put an
 * older copy of both into their place; to prevent that the version has to stand in a counter in hardware. */
#ifndef EDGEKIT_TRUST_H
#define EDGEKIT_TRUST_H

#include "flash.h"
#include "hmac.h"
#include "keyset.h"

#define TRUST_BYTES 1280u /* of a key manifest, with its signatures, at most */
#define TRUST_REPORTS 256 /* numbers of reports that one record gives away */

/* What firmware and factory give a device. Pointers are kept, not what they point to. The compiled-in list counts
 * until one of a higher version was taken, and again when newer firmware brings a higher one. */
struct trust_origin {
  const uint8_t *keys; /* the list that is compiled in (keyset.h) */
  uint32_t size;
  keyset_verify verify[2]; /* by KEY_ED25519, KEY_ES256; NULL where the firmware has none */
  const uint8_t *secret;   /* HMAC_KEY bytes, of this device alone */
  uint32_t sector;         /* the first of the two */
};

/* The beginning of a sector, in the processor's byte order: it never leaves the device. The list follows. */
struct trust_record {
  uint32_t layout;
  uint32_t order;                 /* rises with each record; 0: there is none */
  uint32_t size;                  /* of the list, 0: it is the compiled-in one */
  uint32_t latest, issued, until; /* the newest statement, see statement.h */
  uint32_t reports;               /* numbers of reports up to here were given away */
  uint32_t unused;
  uint8_t mac[SHA256_BYTES];      /* of all before, then of the list */
};

struct trust {
  struct keys keys; /* whom packages are believed: for agent_start */
  struct key key[KEYSET_KEYS];
  struct trust_origin origin;
  struct keyset set;
  struct trust_record record; /* what counts */
  uint32_t sector;            /* where it stands, 0 or 1 */
  uint32_t report;            /* the last number given away */
  uint32_t had;               /* bytes of a key manifest so far */
  uint8_t data[TRUST_BYTES];
};

/* After every reset. 0; or KEYSET_CONTENT if the compiled-in list is none: then nobody is trusted. */
int trust_open(struct trust *t, const struct trust_origin *origin);

/* A key manifest comes in, in pieces of any size. trust_end: KEYSET_GOOD, then t->keys are the new ones; else the
 * reason why they are not. now: POSIX seconds, 0 without a clock. */
void trust_begin(struct trust *t);
void trust_take(struct trust *t, const uint8_t *data, uint32_t n);
int trust_end(struct trust *t, uint64_t now);

/* Keep a newer statement. 0, or nonzero if the flash failed. */
int trust_keep(struct trust *t, uint32_t latest, uint32_t issued, uint32_t until);

/* A number that no report of this device had before; 0 if the flash failed or there is none left. */
uint32_t trust_number(struct trust *t);

#endif
