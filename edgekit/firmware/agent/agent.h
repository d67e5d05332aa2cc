/* The update agent: a package comes in, in pieces of any size; what comes out is an image that a reset will try.
 *
 *   agent_start   after every reset: which image to run, and whether it is on trial
 *   agent_take    the next bytes of a package; the head is verified before a byte of the payload is used
 *   agent_end     that was all; only now is the image marked as installed
 *   agent_finish_trial   the image on trial passed its self-test, or did not
 *
 * Nothing is allocated: a struct agent is all the memory there is. */
#ifndef EDGEKIT_AGENT_H
#define EDGEKIT_AGENT_H

#include "delta.h"
#include "manifest.h"
#include "slots.h"

enum agent_answer {
  AGENT_MORE = 0,       /* go on */
  AGENT_INSTALLED = 1,  /* (of agent_end) the image stands in the idle slot; reset to try it */
  /* negative: refused, and nothing was activated. -1…-99: a code of manifest.h; below, what failed later: */
  AGENT_DAMAGED = -101, /* the payload decodes to no image */
  AGENT_DIGEST = -102,  /* it decodes to another image than was signed */
  AGENT_TOO_LONG = -103, /* more bytes than the manifest promised */
  AGENT_PARTIAL = -104, /* it ended before that */
  AGENT_BUSY = -105,    /* the image that runs is on trial itself, and the other slot the way back; or one waits there */
  AGENT_FLASH = -106,   /* the flash failed */
  AGENT_ABORTED = -107,    /* this transfer was refused before; begin again */
  AGENT_FAILED = -108,  /* this very image failed its test here */
  AGENT_PAYLOAD = -109, /* the payload is another than was signed */
  AGENT_BACKOFF = -110,    /* transfers failed again and again, and each wears the flash: not before slots_backoff is over */
  AGENT_KEY = -111      /* the payload is encrypted, under no key that this device has */
};

struct agent {
  struct slots slots;
  struct delta delta;
  struct sha256 payload;        /* of what came of it so far; a raw one is hashed in its slot */
  struct manifest manifest;     /* points into head */
  struct device device;         /* sequence, counter and base are the slots', the rest the platform's */
  const struct keys *trusted;
  uint32_t now;                 /* what the platform says, 0: it has no clock; device.now never falls */
  uint32_t begun;               /* a transfer came in since the reset */
  uint32_t had;                 /* bytes so far: of the head, then of the payload */
  int32_t answer;               /* what agent_take last said */
  uint8_t head[MANIFEST_HEAD];
};

/* Read the log and choose the image. Returns its slot or SLOTS_NONE; *trial tells whether it must prove itself.
 * device: facts of the platform, copied. trusted: not copied. */
int agent_start(struct agent *a, const struct device *device, const struct keys *trusted,
                uint32_t slot_sectors, int *trial);

/* A new transfer begins; what came before is forgotten. now: POSIX seconds, 0 without a clock. The latest is kept,
 * so that it has to come from somebody who can be believed: from a wrong one far ahead there is no way back. */
void agent_begin(struct agent *a, uint32_t now);

/* The next n bytes. An enum agent_answer: more, or a refusal. */
int agent_take(struct agent *a, const uint8_t *data, uint32_t n);

/* The transfer is over. An enum agent_answer: installed, or a refusal. */
int agent_end(struct agent *a);

/* The verdict on the image on trial, which must have this number: confirmed for good, or never to be booted
 * again. 0, or a slots_error. */
int agent_finish_trial(struct agent *a, uint32_t sequence, int healthy);

/* The number of the image that runs; 0 if there is none. */
uint32_t agent_running(const struct agent *a);

/* An answer in one line, for people. */
const char *agent_reason(int answer);

#endif
